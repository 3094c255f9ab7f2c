"""From numbers to a finding: the comparison with the rule's bounds that every kind of verdict ends in."""

import math
from dataclasses import dataclass, replace

from monitoring_pipeline.alerts.maturity import COVERAGE_SHORTFALL
from monitoring_pipeline.alerts.vocabulary import (
    Direction,
    Finding,
    FindingKey,
    Group,
    Measurement,
    Silence,
    Verdict,
)
from monitoring_pipeline.config.models import Escalation, Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """All that a verdict is made from."""

    rule: Rule
    group: Group
    measurement: Measurement
    mature: bool

    def short_of_rows(self) -> Finding | None:
        """The silence of a window with too few rows to judge, or ``None`` if there are enough."""
        counts, least = self.measurement, self.rule.min_labelled
        if counts.needs_labels and self.rule.metric != COVERAGE_SHORTFALL:
            few = counts.labelled_count < least
            return self.finding(Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_LABELS) if few else None
        few = counts.prediction_count < least
        return self.finding(Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PREDICTIONS) if few else None

    def compared(self) -> Finding:
        """Breach or ok by the value, or undefined where there is none to compare."""
        value = self.measurement.value
        if value is None:
            return self.finding(Verdict.UNDEFINED, self.measurement.reason or Silence.NO_VALUE)
        if not math.isfinite(value):
            return self.finding(Verdict.UNDEFINED, Silence.NOT_FINITE)
        if not _beyond(value, self.rule):
            return self.finding(Verdict.OK, None)
        breach, further = self.finding(Verdict.BREACH, None), self.rule.escalate
        if further is None or not _beyond(value, further):
            return breach
        return replace(breach, severity=further.severity, threshold=bound_of(further))

    def finding(self, verdict: Verdict, reason: str | None) -> Finding:
        """The finding that carries this verdict."""
        rule, group, measurement = self.rule, self.group, self.measurement
        return Finding(
            key=_key(rule, group),
            metric=rule.metric,
            severity=rule.severity,
            verdict=verdict,
            reason=reason,
            value=_finite(measurement.value),
            lower=_finite(measurement.lower),
            upper=_finite(measurement.upper),
            threshold=bound_of(rule),
            direction=Direction.BELOW if rule.above is None else Direction.ABOVE,
            prediction_count=measurement.prediction_count,
            labelled_count=measurement.labelled_count,
            mature=self.mature,
        )


def bound_of(bounds: Rule | Escalation) -> float:
    """The bound that is given, above or below."""
    bound = bounds.below if bounds.above is None else bounds.above
    assert bound is not None, "the config refuses a rule without a bound"
    return bound


def _key(rule: Rule, group: Group) -> FindingKey:
    return FindingKey(
        model_id=group.model_id,
        model_version=group.model_version,
        environment=group.environment,
        segment=group.segment,
        grain=group.window.grain,
        window_start=group.window.start,
        rule_id=rule.id,
    )


def _beyond(value: float, bounds: Rule | Escalation) -> bool:
    above, below = bounds.above, bounds.below
    return (above is not None and value > above) or (below is not None and value < below)


def _finite(value: float | None) -> float | None:
    # NaN and infinity are absent values; stored, they would poison every reader.
    return value if value is not None and math.isfinite(value) else None
