"""All that a report tells of a model, read at once: what stands, and what is known now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.config.models import Model, Rule
from monitoring_pipeline.reports.present import Present
from monitoring_pipeline.windows import Grain, isoformat


@dataclass(frozen=True, slots=True, kw_only=True)
class DayValue:
    """A metric of one day.

    Attributes:
        day: its start, microseconds UTC.
        value: ``None`` with a ``reason``.
        lower: of its 95 % interval.
        upper: of its 95 % interval.
        coverage: predictions whose truth is known, 0 to 1.
        is_mature: labels are complete enough, or as old as they are waited for.
        reason: why there is no value.
    """

    day: int
    value: float | None
    lower: float | None
    upper: float | None
    coverage: float | None
    is_mature: bool
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One metric of one version in one environment, day by day."""

    model_version: str
    environment: str
    metric: str
    prediction_count: int
    days: tuple[DayValue, ...]

    @property
    def last(self) -> DayValue:
        """The newest day."""
        return self.days[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDay:
    """The verdict on one feature in one day."""

    verdict: str
    reason: str | None
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One model, over some days.

    Attributes:
        model: its declaration, or the defaults.
        is_declared: whether somebody declared it.
        now: microseconds UTC.
        days: the starts of the days, the oldest first; the present one is the last.
        present: the last 24 hours, as of now.
        headline: the metric that is drawn.
        performance: the headline by version and environment; those with most predictions first.
        operations: confidence and latency of the first of them.
        drift: by drift type and feature, the verdict of each day.
        alerts: those on windows of these days, as :func:`list_alerts` gives them.
        labels: one row for each environment, as :meth:`.LabelStatus.to_dict` gives them.
        late_hours: hours that should have been computed long ago.
        newest: the start of the last hour with a prediction, however long ago; ``None`` if there never was one.
    """

    model: Model
    is_declared: bool
    now: int
    days: tuple[int, ...]
    present: Present
    headline: str
    performance: tuple[Series, ...]
    operations: Mapping[str, Series]
    drift: Mapping[tuple[str, str], Mapping[int, DriftDay]]
    alerts: tuple[dict[str, Any], ...]
    labels: tuple[dict[str, Any], ...]
    late_hours: int
    newest: int | None

    @property
    def ended_on(self) -> str | None:
        """The day of the last prediction, if that was before these days."""
        return None if self.newest is None or self.newest >= self.days[0] else isoformat(self.newest)[:10]

    @property
    def rule(self) -> Rule | None:
        """The rule with a bound on the headline of whole models' days, if there is one."""
        return next((rule for rule in self.model.rules if rule.metric == self.headline and _is_bound(rule)), None)


def _is_bound(rule: Rule) -> bool:
    plain = rule.baseline is None and rule.trend is None and rule.grain is Grain.DAY
    return plain and (rule.above is not None or rule.below is not None)
