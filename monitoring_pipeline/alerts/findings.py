"""One rule's verdict on one window and group, as a pure function of numbers already computed.

Silence is not health: too few labels give ``not_enough_data``, a metric without value gives ``undefined``,
and neither opens nor resolves an alert.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.alerts.vocabulary import (
    Direction,
    Finding,
    FindingKey,
    Group,
    Measurement,
    Silence,
    Verdict,
)
from monitoring_pipeline.config.models import Labels, Rule
from monitoring_pipeline.windows import MICROSECOND, Window

COVERAGE = "coverage"
DRIFTED_FEATURES = "drifted_features"


def is_mature(rule: Rule, *, window: Window, measurement: Measurement, labels: Labels, now: int) -> bool:
    """Whether late truth is no longer expected to change the rule's verdict.

    A performance metric is mature when the window's labels are old enough (``now >= window end + maturity``)
    or complete enough (``coverage >= min_coverage``). Coverage itself is mature by age only, else a rule
    stricter than ``min_coverage`` would accuse a window that is merely young. Drift needs no labels and is
    always mature. It cannot foresee a label that is corrected after maturity; the alert is then retracted.

    Args:
        rule: the rule that will judge.
        window: the judged window.
        measurement: its counts.
        labels: when the model's truth is expected.
        now: microseconds UTC.
    """
    if rule.metric == DRIFTED_FEATURES or now >= window.end + labels.maturity // MICROSECOND:
        return True
    coverage = measurement.coverage
    return rule.metric != COVERAGE and coverage is not None and coverage >= labels.min_coverage


def judge(rule: Rule, *, group: Group, measurement: Measurement, mature: bool) -> Finding:
    """The rule's verdict on a performance metric or on ``coverage``.

    Breach: ``value > above`` or ``value < below``; a value equal to the bound is ok. For ``coverage`` the
    value is labelled / predictions whatever ``measurement.value`` says, ``min_labelled`` counts
    predictions, and low coverage of a window that is not mature is ``not_enough_data``.

    Args:
        rule: a rule of the group's model.
        group: whose numbers these are.
        measurement: the metric's value, interval and counts.
        mature: what :func:`is_mature` said.
    """
    if rule.metric == COVERAGE:
        value = replace(measurement, value=measurement.coverage, lower=None, upper=None, reason=None)
        return _coverage_verdict(_Case(rule=rule, group=group, measurement=value, mature=mature))
    case = _Case(rule=rule, group=group, measurement=measurement, mature=mature)
    if measurement.labelled_count < rule.min_labelled:
        return case.finding(Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_LABELS)
    return case.compared()


def judge_drift(rule: Rule, *, group: Group, drifted: Sequence[bool | None], prediction_count: int) -> Finding:
    """The rule's verdict on how many features drifted.

    Args:
        rule: a rule whose metric is ``drifted_features``.
        group: whose features these are.
        drifted: one entry per feature: drifted or not, ``None`` where it had not enough data.
        prediction_count: rows of the window.
    """
    known = [verdict for verdict in drifted if verdict is not None]
    value = float(sum(known)) if known else None
    measurement = Measurement(prediction_count=prediction_count, labelled_count=0, value=value)
    case = _Case(rule=rule, group=group, measurement=measurement, mature=True)
    return case.compared() if known else case.finding(Verdict.NOT_ENOUGH_DATA, Silence.NO_FEATURE_HAD_ENOUGH_DATA)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """All that a verdict is made from."""

    rule: Rule
    group: Group
    measurement: Measurement
    mature: bool

    def compared(self) -> Finding:
        """Breach or ok by the value, or undefined where there is none to compare."""
        value = self.measurement.value
        if value is None:
            return self.finding(Verdict.UNDEFINED, self.measurement.reason or Silence.NO_VALUE)
        if not math.isfinite(value):
            return self.finding(Verdict.UNDEFINED, Silence.NOT_FINITE)
        return self.finding(Verdict.BREACH if self._breached(value) else Verdict.OK, None)

    def _breached(self, value: float) -> bool:
        above, below = self.rule.above, self.rule.below
        return (above is not None and value > above) or (below is not None and value < below)

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
            threshold=_bound(rule),
            direction=Direction.BELOW if rule.above is None else Direction.ABOVE,
            prediction_count=measurement.prediction_count,
            labelled_count=measurement.labelled_count,
            mature=self.mature,
        )


def _coverage_verdict(case: _Case) -> Finding:
    rule, coverage = case.rule, case.measurement.value
    if coverage is None or case.measurement.prediction_count < rule.min_labelled:
        return case.finding(Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PREDICTIONS)
    if not case.mature and rule.below is not None and coverage < rule.below:
        return case.finding(Verdict.NOT_ENOUGH_DATA, Silence.LABELS_STILL_EXPECTED)
    return case.compared()


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


def _bound(rule: Rule) -> float:
    bound = rule.below if rule.above is None else rule.above
    assert bound is not None, "the config refuses a rule without a bound"
    return bound


def _finite(value: float | None) -> float | None:
    # NaN and infinity are absent values; stored, they would poison every reader.
    return value if value is not None and math.isfinite(value) else None
