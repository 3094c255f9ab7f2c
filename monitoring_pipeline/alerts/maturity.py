"""Whether late truth may still change a verdict, and what age has to do with it."""

from dataclasses import replace

from monitoring_pipeline.alerts.vocabulary import Finding, Measurement, Silence, Verdict
from monitoring_pipeline.config.models import DRIFT_METRICS, Labels, Rule
from monitoring_pipeline.drift.verdict import OF_TRUTH
from monitoring_pipeline.windows import MICROSECOND, Window

COVERAGE = "coverage"
COVERAGE_SHORTFALL = "coverage_shortfall"


def is_mature(rule: Rule, *, window: Window, measurement: Measurement, labels: Labels, now: int) -> bool:
    """Whether late truth is no longer expected to change the rule's verdict.

    A performance metric is mature when the window's labels are old enough (``now >= window end + maturity``)
    or complete enough (``coverage >= min_coverage``). Coverage, its shortfall and drift of the truth are mature by age
    only, else a rule stricter than ``min_coverage`` would accuse a window that is merely young. Other drift and metrics
    that need no labels are always mature. It cannot foresee a label that is corrected after maturity; the alert is
    then retracted.

    Args:
        rule: the rule that will judge.
        window: the judged window.
        measurement: its counts.
        labels: when the model's truth is expected.
        now: microseconds UTC.
    """
    if now >= due_at(window, labels):
        return True
    if (drift_type := DRIFT_METRICS.get(rule.metric)) is not None:
        return drift_type not in OF_TRUTH
    if rule.metric in {COVERAGE, COVERAGE_SHORTFALL}:
        return False
    return not measurement.needs_labels or is_complete(measurement, labels)


def is_complete(measurement: Measurement, labels: Labels) -> bool:
    """Whether enough of the window's predictions are labelled, whatever its age."""
    coverage = measurement.coverage
    return not measurement.needs_labels or (coverage is not None and coverage >= labels.min_coverage)


def due_at(window: Window, labels: Labels) -> int:
    """When the labels of a window have come of age, microseconds UTC."""
    return window.end + labels.maturity // MICROSECOND


def changes_with_age(rule: Rule) -> bool:
    """Whether what the rule judges moves while the window ages, though no event arrives.

    What is expected of a window's labels grows with its age, and past windows are looked at as they were at the
    same age.
    """
    return rule.metric == COVERAGE_SHORTFALL or rule.baseline is not None


def waits_for_age(finding: Finding) -> bool:
    """Whether the passing of time alone makes another verdict or state of this one; as ``MAY_CHANGE_WITH_AGE``."""
    return finding.verdict is Verdict.BREACH or finding.reason == Silence.LABELS_STILL_EXPECTED


def as_stored(finding: Finding, *, complete: bool) -> Finding:
    """The finding with the maturity that is kept of it.

    An ok of a young window does not become another verdict when the window is old; kept with the age it was
    judged at, it would differ between a first run and a rerun.
    """
    return finding if waits_for_age(finding) else replace(finding, mature=complete)
