"""What a window is judged by."""

from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Self

from pydantic import Field, model_validator

from monitoring_pipeline.config.models.base import Identifier, Strict
from monitoring_pipeline.config.models.times import DAY, PositiveDelay
from monitoring_pipeline.drift.verdict import DriftType
from monitoring_pipeline.performance.trend import FEWEST_WINDOWS
from monitoring_pipeline.windows import Grain


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


DRIFT_METRICS = {
    "drifted_features": DriftType.DATA,
    "prediction_drift": DriftType.PREDICTION,
    "label_drift": DriftType.LABEL,
    "concept_drift": DriftType.CONCEPT,
}
"""What a rule may watch of drift: how many features, or outputs, of a window moved."""

# Counts, with no interval of their own: neither compared with past windows nor followed over them.
_ONLY_COUNTED = frozenset({"coverage", "coverage_shortfall", *DRIFT_METRICS})

# What else a rule may be judged by; a trend has its own bound, and is already a matter of several windows.
_NOT_WITH_TREND = ("above", "below", "escalate", "baseline", "persist")


class Escalation(Strict):
    """A second, stricter bound of a rule: crossing it raises the alert to this severity."""

    above: float | None = None
    below: float | None = None
    severity: Severity = Severity.CRITICAL


class Baseline(Strict):
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


class Persistence(Strict):
    """How many of the last windows must be beyond the bound, the judged one included: 2 of 3."""

    windows: int = Field(ge=2, le=168)
    of: int = Field(ge=2, le=168)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.windows > self.of:
            raise ValueError(f"windows is {self.windows} of {self.of}; so many are never beyond the bound")
        return self


class TrendDirection(StrEnum):
    """Which way a metric must go to be worth an alert."""

    FALLING = "falling"
    RISING = "rising"


class Trend(Strict):
    """A steady fall or rise over the last ``windows`` windows, the judged one included: 4 days and 0.02.

    ``by`` is how far the line through them may fall (or rise) from the first to the last, in the metric's unit.
    """

    direction: TrendDirection
    windows: int = Field(default=FEWEST_WINDOWS, ge=FEWEST_WINDOWS, le=168)
    by: float = Field(ge=0)


class Rule(Strict):
    """A threshold on a metric, its change or its trend over past windows, or on how many features of a window drifted.

    ``metric`` is a metric of the model (``mae``, ``recall``, ``latency_p95_ms``, …), ``coverage``,
    ``coverage_shortfall``, or one of ``DRIFT_METRICS``. With a ``baseline``, ``above`` and ``below`` bound the relative
    change against it: 0.2 is 20 % more. With ``persist`` a breach counts only if it lasts. A ``trend`` stands in the
    place of all these.
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
    persist: Persistence | None = None
    trend: Trend | None = None
    channels: list[str] | None = None  # the model's channels where not given

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.trend is None and (self.above is None) == (self.below is None):
            raise ValueError("a rule has one bound: above, below or trend")
        return self

    @model_validator(mode="after")
    def _trend_stands_alone(self) -> Self:
        others = [name for name in _NOT_WITH_TREND if getattr(self, name) is not None]
        if self.trend is not None and others:
            raise ValueError(f"trend has a bound of its own, by; take out {', '.join(others)}")
        return self

    @model_validator(mode="after")
    def _trend_is_of_a_metric(self) -> Self:
        if self.trend is not None and self.metric in _ONLY_COUNTED:
            raise ValueError(f"{self.metric} is not followed over windows; take out trend")
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
        if self.baseline is not None and self.metric in _ONLY_COUNTED:
            raise ValueError(f"{self.metric} is not compared with past windows; take out baseline")
        return self

    @model_validator(mode="after")
    def _baseline_lies_on_windows(self) -> Self:
        if self.baseline is not None and self.grain is Grain.DAY and self.baseline.every % DAY:
            raise ValueError("every is not a whole number of days, and the rule judges days")
        return self

    def covers(self, *, environment: str, segment: str) -> bool:
        """Whether the rule speaks about this group."""
        return any(fnmatchcase(environment, p) for p in self.environments) and any(
            fnmatchcase(segment, p) for p in self.segments
        )
