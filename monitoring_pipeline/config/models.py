"""What is monitored: the shape of ``monitoring.yaml``.

Only shape and defaults live here; reading the file and saying where it is wrong is :mod:`.load`'s work.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from monitoring_pipeline.windows import HOUR_MICROS, Grain, to_micros


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _as_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _no_bare_number(value: object) -> object:
    # Pydantic would read 72 as seconds, and 2013 as seconds since 1970: never what was meant.
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdigit()):
        raise ValueError(
            f"{value} has no unit; write a duration as PT6H or 06:00:00, an instant as 2013-06-17T06:00:00Z"
        )
    return value


UtcInstant = Annotated[datetime, BeforeValidator(_no_bare_number), AfterValidator(_as_utc)]
"""An instant; one without zone is UTC, as everywhere in this program."""

Identifier = Annotated[str, Field(min_length=1, max_length=200)]
PositiveDelay = Annotated[timedelta, BeforeValidator(_no_bare_number), Field(gt=timedelta(0))]


def _no_equals_sign(name: str) -> str:
    if "=" in name:
        raise ValueError(f"{name!r} has an equals sign; results call a segment name=value, so a name cannot have one")
    return name


def _not_empty(address: str) -> str:
    if not address.strip():
        raise ValueError("is empty; write a database address, or take the key out to keep the store under MONITOR_HOME")
    return address


SegmentName = Annotated[str, AfterValidator(_no_equals_sign)]


def _refuse_repeated(what: str, ids: list[str]) -> None:
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise PydanticCustomError("repeated_id", "{what} used twice: {ids}", {"what": what, "ids": ", ".join(repeated)})


def _whole_hour(instant: datetime) -> datetime:
    if to_micros(instant) % HOUR_MICROS:
        raise ValueError(f"{instant.isoformat()} is not a whole hour; partitions start on the hour")
    return instant


_DAY = timedelta(days=1)

WholeHour = Annotated[UtcInstant, AfterValidator(_whole_hour)]


class Task(StrEnum):
    """What a model predicts."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"


class FeatureType(StrEnum):
    """How a feature's values are to be read."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"


class Feature(_Strict):
    """One input of a model. ``monitoring.yaml`` may write just the type: ``distance: numeric``."""

    type: FeatureType
    nullable: bool = True
    min: float | None = None
    max: float | None = None
    allowed: list[str] | None = None
    drift: bool = True

    @model_validator(mode="before")
    @classmethod
    def _type_alone(cls, value: object) -> object:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Labels(_Strict):
    """When the truth is expected. Durations are ISO 8601 (``PT6H``) or ``HH:MM:SS``."""

    expected_delay: PositiveDelay = timedelta(hours=24)
    maturity: PositiveDelay = timedelta(hours=72)
    min_coverage: float = Field(default=0.9, gt=0, le=1)

    @model_validator(mode="after")
    def _maturity_after_delay(self) -> Self:
        if self.maturity < self.expected_delay:
            raise ValueError("maturity is shorter than expected_delay; labels mature after they are expected")
        return self


class Reference(_Strict):
    """What drift is measured against: predictions logged in a window, or a file of feature columns."""

    start: WholeHour | None = None  # hours are read whole
    end: WholeHour | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        window = self.start is not None or self.end is not None
        if window == (self.file is not None):
            raise ValueError("a reference is either a window (start and end) or a file, one of the two")
        if window and (self.start is None or self.end is None or self.start >= self.end):
            raise ValueError("a reference window needs start and end, start before end")
        return self


class DriftSettings(_Strict):
    """When a difference is called drift: evidence (``alpha``) and a minimum effect, both."""

    min_samples: int = Field(default=100, ge=2)
    alpha: float = Field(default=0.001, gt=0, lt=1)
    ks: float = Field(default=0.1, gt=0, le=1)
    psi: float = Field(default=0.2, gt=0)
    jensen_shannon: float = Field(default=0.1, gt=0, le=1)
    wasserstein: float = Field(default=0.25, gt=0)  # in standard deviations of the reference
    chi2: float = Field(default=0.1, gt=0)  # Cramér's V


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Rule(_Strict):
    """A threshold on a performance metric, or on how many features of a window drifted.

    ``metric`` is a performance metric (``mae``, ``recall``, …), ``coverage``, or ``drifted_features``.
    """

    id: Identifier
    metric: Identifier
    above: float | None = None
    below: float | None = None
    grain: Grain = Grain.DAY
    segments: list[str] = ["all"]  # patterns on the segment's name: "all", "carrier=*"
    environments: list[str] = ["*"]
    min_labelled: int = Field(default=30, ge=0)
    severity: Severity = Severity.WARNING
    channels: list[str] | None = None  # the model's channels where not given

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a rule has one bound: above or below")
        return self

    def covers(self, *, environment: str, segment: str) -> bool:
        """Whether the rule speaks about this group."""
        return any(fnmatchcase(environment, p) for p in self.environments) and any(
            fnmatchcase(segment, p) for p in self.segments
        )


class Model(_Strict):
    """One monitored model."""

    id: Identifier
    task: Task
    description: str = ""
    owner: str | None = None
    features: dict[str, Feature] = {}
    segments: list[SegmentName] = []  # features or event fields whose values split the metrics
    max_segment_values: int = Field(default=50, ge=1)  # an hour with more values leaves the segment out
    threshold: float = Field(default=0.5, ge=0, le=1)  # probability at which a binary model says yes
    classes: list[str] | None = None
    labels: Labels = Labels()
    reference: Reference | None = None
    drift: DriftSettings = DriftSettings()
    rules: list[Rule] = []
    channels: list[str] = []

    @model_validator(mode="after")
    def _rules_are_distinct(self) -> Self:
        _refuse_repeated("rule id", [rule.id for rule in self.rules])
        return self


class LogChannel(_Strict):
    """Writes each notification to the program's log."""

    type: Literal["log"]


class FileChannel(_Strict):
    """Appends each notification as one JSON line; a relative path is under MONITOR_HOME."""

    type: Literal["file"]
    path: str


class WebhookChannel(_Strict):
    """POSTs each notification as JSON, signed if ``secret_env`` names a variable that holds a key."""

    type: Literal["webhook"]
    url: str = Field(pattern=r"^https?://")
    secret_env: str | None = None
    allow_private: bool = False  # addresses of one's own network are refused unless the owner says so
    timeout_seconds: float = Field(default=10, gt=0, le=60)


Channel = Annotated[LogChannel | FileChannel | WebhookChannel, Field(discriminator="type")]


class Retention(_Strict):
    """How long raw events stay in the store; hour files, results and alerts stay for ever.

    ``events_days``: an hour that ended so many days ago is *sealed* once it is computed: its predictions and
    actuals are removed, and it takes no more of them. Left out, nothing is ever removed.
    """

    events_days: int | None = Field(default=None, ge=90)


class MonitoringConfig(_Strict):
    """The whole of ``monitoring.yaml``."""

    store_url: Annotated[str, AfterValidator(_not_empty)] | None = None  # default: SQLite under MONITOR_HOME
    start: WholeHour | None = None  # the first hour that has a partition; default: the year of the first event
    end: UtcInstant | None = None
    mlflow_url: str | None = None  # default: a store under MONITOR_HOME
    debounce_seconds: int = Field(default=60, ge=0)  # late arrivals rest this long before an old hour reopens
    retention: Retention = Retention()
    channels: dict[str, Channel] = {}
    models: list[Model] = []

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        _refuse_repeated("model id", [model.id for model in self.models])
        if self.end is not None and self.start is not None and self.end <= self.start:
            raise ValueError("end is not after start")
        return self

    @model_validator(mode="after")
    def _events_outlive_their_labels(self) -> Self:
        days = self.retention.events_days
        slow = [model.id for model in self.models if days is not None and model.labels.maturity / _DAY > days]
        if slow:
            raise ValueError(
                f"retention.events_days {days} is shorter than labels.maturity of {', '.join(slow)}; "
                "truth that is still expected would find its predictions gone"
            )
        return self

    def model(self, model_id: str) -> Model | None:
        """The declaration of a model, or ``None`` if nobody declared it."""
        return next((model for model in self.models if model.id == model_id), None)
