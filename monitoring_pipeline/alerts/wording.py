"""One event of an alert in one plain sentence: what happened, to what, and what caused it.

Names come from whoever sends events; in the sentence nothing of them mentions, links or formats.
"""

from monitoring_pipeline.alerts.causes import Causes, named_batches
from monitoring_pipeline.alerts.vocabulary import Acquittal, AlertState, Finding
from monitoring_pipeline.config.models import DRIFT_METRICS, Severity
from monitoring_pipeline.text import plain
from monitoring_pipeline.windows import Grain, isoformat

# A name in the sentence is cut here, so that the numbers after it are still read.
MAX_NAME_LENGTH = 80

_ARRIVED = {frozenset({"actuals"}): "late labels", frozenset({"predictions"}): "further predictions"}


def sentence(
    finding: Finding,
    *,
    before: Finding | None,
    to_state: AlertState,
    severity: Severity,
    old_severity: Severity | None,
    causes: Causes,
) -> str:
    """The event in one sentence.

    Args:
        finding: the verdict that led to it.
        before: the finding that stood before, if any.
        to_state: the alert's state now.
        severity: the alert's severity now.
        old_severity: what it was while the alert stood; ``None`` where the alert is opened.
        causes: the ingest batches behind it.
    """
    key = finding.key
    subject = f"{_name(finding.metric)} of {_name(key.model_id)} {_name(key.model_version)}"
    subject += f" ({_name(key.environment)}, {_name(key.segment)})"
    head = f"{severity.upper()} {to_state}"
    if old_severity is not None and old_severity is not severity:
        head += f" (was {old_severity})"
    bound = f"rule {_name(key.rule_id)}: alert {finding.direction} {finding.threshold:.6g}"
    told = _moved(subject, finding, before, causes) if _has_moved(finding, before) else _stands(subject, finding)
    return f"{head}: {told} ({bound}; {_counts(finding)}){_because(finding, before, causes)}"


def _has_moved(finding: Finding, before: Finding | None) -> bool:
    return before is not None and None not in (finding.value, before.value) and finding.value != before.value


def _stands(subject: str, finding: Finding) -> str:
    return f"{subject} is {_value(finding)} in {_window(finding)}{_acquitted(finding)}"


def _moved(subject: str, finding: Finding, before: Finding | None, causes: Causes) -> str:
    assert before is not None, "a value moves from the one before"
    mover = _ARRIVED.get(causes.kinds, "late events") if causes.batches else None
    values = f"from {_value(before)} to {_value(finding)}"
    moved = f"{mover} moved {subject} {values}" if mover else f"{subject} moved {values}"
    coverage = "" if before.coverage == finding.coverage else f", coverage {_share(before)} to {_share(finding)}"
    return f"{moved} in {_window(finding)}{coverage}{_acquitted(finding)}"


def _acquitted(finding: Finding) -> str:
    return ", beyond the bound, but not persistent" if finding.reason == Acquittal.NOT_PERSISTENT else ""


def _because(finding: Finding, before: Finding | None, causes: Causes) -> str:
    if before is None:  # all that is in the window, which nobody wonders about
        return ""
    if causes.batches:
        return f"; {named_batches(causes)}"
    return "; by age alone, nothing arrived" if causes.by_age_alone(finding, before) else ""


def _window(finding: Finding) -> str:
    start = isoformat(finding.window.start)
    return start[:10] if finding.key.grain is Grain.DAY else f"the hour {start}"


def _value(finding: Finding) -> str:
    return "no value" if finding.value is None else f"{finding.value:.6g}"


def _counts(finding: Finding) -> str:
    if finding.metric in DRIFT_METRICS:
        return f"{finding.prediction_count} rows"
    labelled = "no predictions" if finding.coverage is None else f"{finding.coverage:.0%} labelled"
    return f"{finding.prediction_count} predictions, {labelled}"


def _share(finding: Finding) -> str:
    return "none" if finding.coverage is None else f"{finding.coverage:.0%}"


def _name(text: str) -> str:
    return plain(text, max_length=MAX_NAME_LENGTH)
