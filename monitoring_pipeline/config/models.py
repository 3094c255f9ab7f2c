"""What is monitored: the shape of ``monitoring.yaml``.

Only shape and defaults live here; reading the file and saying where it is wrong is :mod:`.load`'s work.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
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
    if "=" in name or " & " in name:
        raise ValueError(
            f"{name!r} has an equals sign or an ampersand; results call a segment a=x, and a combination a & b=x & y, "
            "so a name cannot have them"
        )
    if name == "all":
        raise ValueError("'all' is what results call the whole of a model; rename the field")
    return name


def _not_empty(address: str) -> str:
    if not address.strip():
        raise ValueError("is empty; write a database address, or take the key out to keep the store under MONITOR_HOME")
    return address


SegmentName = Annotated[str, AfterValidator(_no_equals_sign)]


def _kind_of_segment(written: object) -> str:
    return "combination" if isinstance(written, list | tuple) else "field"


Segment = Annotated[
    Annotated[SegmentName, Tag("field")] | Annotated[list[SegmentName], Tag("combination")],
    Discriminator(_kind_of_segment),
]
"""A field whose values split the metrics, or a list of fields whose combinations do."""


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
    RANKING = "ranking"


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


_WITHOUT_BASELINE = frozenset({"coverage", "coverage_shortfall", "drifted_features"})


class Escalation(_Strict):
    """A second, stricter bound of a rule: crossing it raises the alert to this severity."""

    above: float | None = None
    below: float | None = None
    severity: Severity = Severity.CRITICAL


class Baseline(_Strict):
    """Past windows to compare with, each taken as it was known at the label age of the judged window.

    ``windows`` windows, ``every`` so long apart: 4 and P7D are the same day (or hour) of the last four weeks.
    """

    windows: int = Field(default=4, ge=1, le=60)
    every: PositiveDelay = Field(default=timedelta(days=7), le=timedelta(days=366))

    @model_validator(mode="after")
    def _whole_hours(self) -> Self:
        if self.every % timedelta(hours=1):
            raise ValueError("every is not a whole number of hours; past windows start on the hour")
        return self


class Rule(_Strict):
    """A threshold on a metric, on its change against past windows, or on how many features of a window drifted.

    ``metric`` is a metric of the model (``mae``, ``recall``, ``latency_p95_ms``, …), ``coverage``,
    ``coverage_shortfall``, or ``drifted_features``. With a ``baseline``, ``above`` and ``below`` bound the relative
    change against it: 0.2 is 20 % more.
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
    escalate: Escalation | None = None
    baseline: Baseline | None = None
    channels: list[str] | None = None  # the model's channels where not given

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a rule has one bound: above or below")
        return self

    @model_validator(mode="after")
    def _escalation_is_stricter(self) -> Self:
        further = self.escalate
        if further is None:
            return self
        if (further.above is None) != (self.above is None) or (further.below is None) != (self.below is None):
            raise ValueError("escalate has another bound than its rule; both are above, or both are below")
        stricter = (
            further.above > self.above
            if further.above is not None and self.above is not None
            else further.below is not None and self.below is not None and further.below < self.below
        )
        if not stricter:
            raise ValueError("escalate is not stricter than its rule; it would be reached first")
        if list(Severity).index(further.severity) <= list(Severity).index(self.severity):
            raise ValueError(f"escalate does not raise the severity {self.severity}")
        return self

    @model_validator(mode="after")
    def _baseline_is_of_a_metric(self) -> Self:
        if self.baseline is not None and self.metric in _WITHOUT_BASELINE:
            raise ValueError(f"{self.metric} is not compared with past windows; take out baseline")
        return self

    @model_validator(mode="after")
    def _baseline_lies_on_windows(self) -> Self:
        if self.baseline is not None and self.grain is Grain.DAY and self.baseline.every % _DAY:
            raise ValueError("every is not a whole number of days, and the rule judges days")
        return self

    def covers(self, *, environment: str, segment: str) -> bool:
        """Whether the rule speaks about this group."""
        return any(fnmatchcase(environment, p) for p in self.environments) and any(
            fnmatchcase(segment, p) for p in self.segments
        )


class ErrorCost(_Strict):
    """What one unit of error is worth, by direction: negative numbers are costs."""

    over: float = 0  # per unit predicted too much
    under: float = 0  # per unit predicted too little


class Business(_Strict):
    """What predictions are worth, in ``unit`` (money, minutes, …): negative numbers are costs.

    One way for each task. Binary: ``value`` of true_positive, false_positive, true_negative, false_negative.
    Multiclass: ``value`` of ``correct`` and ``wrong``. Regression: ``per_unit_error``.
    """

    unit: str = "USD"
    value: dict[str, float] = {}
    per_unit_error: ErrorCost | None = None
    amount: SegmentName | None = None  # a numeric field of the events that multiplies the value, as an order's price
    baseline: float = 0  # what one prediction would be worth without the model; savings are the difference
    satisfaction: SegmentName | None = None  # a numeric field of the events to correlate the value with


class Model(_Strict):
    """One monitored model."""

    id: Identifier
    task: Task
    description: str = ""
    owner: str | None = None
    features: dict[str, Feature] = {}
    # Features or event fields whose values split the metrics; a list of names splits by their combinations.
    segments: list[Segment] = []
    max_segment_values: int = Field(default=50, ge=1)  # an hour with more values leaves the segment out
    threshold: float = Field(default=0.5, ge=0, le=1)  # probability at which a binary model says yes
    quantile: float | None = Field(default=None, gt=0, lt=1)  # which quantile a regression predicts, if it does
    classes: list[str] | None = None
    query: SegmentName | None = None  # a ranking model's event field that names the query a row belongs to
    top_k: int = Field(default=10, ge=1)  # how many of a query's rows are looked at
    resources: list[SegmentName] = []  # numeric event fields that sample resources: cpu_percent, memory_mb, …
    low_confidence: float = Field(default=0.6, ge=0, le=1)
    business: Business | None = None
    labels: Labels = Labels()
    reference: Reference | None = None
    drift: DriftSettings = DriftSettings()
    rules: list[Rule] = []
    channels: list[str] = []

    @property
    def segment_fields(self) -> list[str]:
        """Every field that splits the metrics, alone or in a combination, once each in the order of declaration."""
        names = (name for segment in self.segments for name in ([segment] if isinstance(segment, str) else segment))
        return list(dict.fromkeys(names))

    @property
    def segment_splits(self) -> list[tuple[str, ...]]:
        """What the metrics are split by: one field, or several in combination."""
        return [(segment,) if isinstance(segment, str) else tuple(segment) for segment in self.segments]

    @property
    def numeric_fields(self) -> list[str]:
        """Event fields or features that are read as numbers beside the standard ones, once each."""
        business = [] if self.business is None else [self.business.amount, self.business.satisfaction]
        return list(dict.fromkeys(name for name in [*self.resources, *business] if name is not None))

    @property
    def extra_fields(self) -> list[str]:
        """Every event field beyond the standard ones that the declaration gives a meaning."""
        query = [] if self.query is None else [self.query]
        return list(dict.fromkeys([*self.segment_fields, *query, *self.numeric_fields]))

    @model_validator(mode="after")
    def _rules_are_distinct(self) -> Self:
        _refuse_repeated("rule id", [rule.id for rule in self.rules])
        return self

    @model_validator(mode="after")
    def _segments_are_distinct(self) -> Self:
        for split in self.segment_splits:
            if not split or len(set(split)) < len(split):
                raise ValueError("a combination of segments names each field once, and at least one")
        _refuse_repeated("segment", [" & ".join(split) for split in self.segment_splits])
        return self

    @model_validator(mode="after")
    def _query_means_ranking(self) -> Self:
        if (self.query is None) == (self.task is Task.RANKING):
            raise ValueError("a ranking model, and no other, names the field of its query: query")
        return self

    @model_validator(mode="after")
    def _value_fits_the_task(self) -> Self:
        if self.business is None:
            return self
        outcomes = _OUTCOMES_OF_TASK[self.task]
        if unknown := sorted(self.business.value.keys() - outcomes):
            allowed = ", ".join(sorted(outcomes)) or "none; write per_unit_error"
            raise ValueError(
                f"business.value names {', '.join(unknown)}; of a {self.task} model allowed are: {allowed}"
            )
        if (self.business.per_unit_error is not None) != (self.task is Task.REGRESSION):
            raise ValueError("business.per_unit_error is what a regression model needs, and no other")
        return self


_OUTCOMES_OF_TASK: dict[Task, frozenset[str]] = {
    Task.REGRESSION: frozenset(),
    Task.BINARY: frozenset({"true_positive", "false_positive", "true_negative", "false_negative"}),
    Task.MULTICLASS: frozenset({"correct", "wrong"}),
    Task.RANKING: frozenset({"relevant_shown"}),
}


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
