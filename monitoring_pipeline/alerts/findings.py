"""One rule's verdict on one window and group, as a pure function of numbers already computed.

Silence is not health: too few labels give ``not_enough_data``, a metric without value gives ``undefined``,
and neither opens nor resolves an alert.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from monitoring_pipeline.alerts.case import Case
from monitoring_pipeline.alerts.maturity import COVERAGE, COVERAGE_SHORTFALL
from monitoring_pipeline.alerts.vocabulary import Comparison, Finding, Group, Measurement, Silence, Verdict
from monitoring_pipeline.config.models import Rule

# With one past window there is no telling its level from its noise.
LEAST_PAST_WINDOWS = 2


def judge(rule: Rule, *, group: Group, measurement: Measurement, mature: bool) -> Finding:
    """The rule's verdict on a metric, on ``coverage`` or on ``coverage_shortfall``.

    Breach: ``value > above`` or ``value < below``; a value equal to the bound is ok. A breach beyond the bound of
    ``escalate`` has its severity and threshold. For ``coverage`` the value is labelled / predictions whatever
    ``measurement.value`` says, and low coverage of a window that is not mature is ``not_enough_data``. A breach of
    ``coverage_shortfall`` needs an interval that leaves out zero. For both rules on coverage, and for metrics that
    need no labels, ``min_labelled`` counts predictions.

    Args:
        rule: a rule of the group's model.
        group: whose numbers these are.
        measurement: the metric's value, interval and counts.
        mature: what :func:`.maturity.is_mature` said.
    """
    if rule.metric == COVERAGE:
        value = replace(measurement, value=measurement.coverage, lower=None, upper=None, reason=None)
        return _coverage_verdict(Case(rule=rule, group=group, measurement=value, mature=mature))
    case = Case(rule=rule, group=group, measurement=measurement, mature=mature)
    judged = _beyond_noise if rule.metric == COVERAGE_SHORTFALL else Case.compared
    return case.short_of_rows() or judged(case)


def judge_change(
    rule: Rule, *, group: Group, measurement: Measurement, comparison: Comparison | None, mature: bool
) -> Finding:
    """The verdict of a rule with a baseline: on the relative change against past windows of the same label age.

    Breach: the change is beyond the bound *and* its interval excludes no change; a change that noise explains is
    ok. Fewer than two past windows with a value are ``not_enough_data``; a change beyond the bound that has no
    interval is ``undefined``. The finding's value, interval and threshold are those of the change, and its metric is
    called ``<metric>_change``, so that nobody takes 0.2 for the metric itself.

    Args:
        rule: a rule with a ``baseline``.
        group: whose numbers these are.
        measurement: the metric of the window itself.
        comparison: of the metric with past windows; ``None`` where there was nothing to compare with.
        mature: what :func:`.maturity.is_mature` said.
    """
    named = rule.model_copy(update={"metric": f"{rule.metric}_change"})
    counts = replace(measurement, value=None, lower=None, upper=None)
    silent = Case(rule=named, group=group, measurement=counts, mature=mature)
    if few := silent.short_of_rows():
        return few
    if measurement.value is None:
        return silent.compared()
    if comparison is None or _usable(comparison) < LEAST_PAST_WINDOWS:
        return silent.finding(Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PAST_WINDOWS)
    change = replace(
        counts,
        value=comparison.change,
        lower=comparison.lower,
        upper=comparison.upper,
        reason=comparison.reason,
    )
    return _beyond_noise(replace(silent, measurement=change))


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
    case = Case(rule=rule, group=group, measurement=measurement, mature=True)
    return case.compared() if known else case.finding(Verdict.NOT_ENOUGH_DATA, Silence.NO_FEATURE_HAD_ENOUGH_DATA)


def _beyond_noise(case: Case) -> Finding:
    """A breach only where the interval leaves out zero: what noise explains is no change."""
    finding = case.compared()
    if finding.verdict is not Verdict.BREACH:
        return finding
    if finding.lower is None or finding.upper is None:
        return case.finding(Verdict.UNDEFINED, Silence.NO_INTERVAL)
    return case.finding(Verdict.OK, None) if finding.lower <= 0 <= finding.upper else finding


def _coverage_verdict(case: Case) -> Finding:
    rule, coverage = case.rule, case.measurement.value
    if coverage is None or case.measurement.prediction_count < rule.min_labelled:
        return case.finding(Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PREDICTIONS)
    if not case.mature and rule.below is not None and coverage < rule.below:
        return case.finding(Verdict.NOT_ENOUGH_DATA, Silence.LABELS_STILL_EXPECTED)
    return case.compared()


def _usable(comparison: Comparison) -> int:
    return sum(value is not None and math.isfinite(value) for _, value, _ in comparison.past_windows)
