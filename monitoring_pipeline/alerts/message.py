"""What a notification says: one transition of one alert, as JSON that a program or a person can read."""

import shlex
from typing import Any

from monitoring_pipeline.alerts.findings import DRIFTED_FEATURES
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding
from monitoring_pipeline.text import plain
from monitoring_pipeline.windows import Grain, isoformat

# A name in the sentence is cut here, so that the numbers after it are still read.
MAX_NAME_LENGTH = 80


def payload(
    finding: Finding,
    *,
    from_state: AlertState | None,
    to_state: AlertState,
    sequence: int,
    known_at: int,
    before: Finding | None,
) -> dict[str, Any]:
    """The message of one transition, equal for every channel.

    ``sequence`` orders the messages of one alert: a retried one may arrive after its successor.

    Args:
        finding: the verdict that caused the transition.
        from_state: the alert's state before; ``None`` when it is opened.
        to_state: its state now.
        sequence: number of the transition, from 1.
        known_at: when the monitor knew, microseconds UTC.
        before: the finding that stood before, if any.
    """
    key = finding.key
    return {
        "alert_id": key.alert_id,
        "sequence": sequence,
        "from_state": from_state,
        "to_state": to_state,
        "known_at": isoformat(known_at),
        "severity": finding.severity,
        "text": sentence(finding, to_state),
        "model_id": key.model_id,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "grain": key.grain,
        "window_start": isoformat(finding.window.start),
        "window_end": isoformat(finding.window.end),
        "rule_id": key.rule_id,
        "metric": finding.metric,
        "value": finding.value,
        "lower": finding.lower,
        "upper": finding.upper,
        "threshold": finding.threshold,
        "direction": finding.direction,
        "prediction_count": finding.prediction_count,
        "labelled_count": finding.labelled_count,
        "coverage": finding.coverage,
        "mature": finding.mature,
        "old_value": before.value if before else None,
        "old_coverage": before.coverage if before else None,
        "reproduce": reproduce(finding),
    }


def sentence(finding: Finding, state: AlertState) -> str:
    """The transition in one plain sentence."""
    key, start = finding.key, isoformat(finding.window.start)
    window = start[:10] if key.grain is Grain.DAY else f"the hour {start}"
    value = "no value" if finding.value is None else f"{finding.value:.6g}"
    coverage = "no predictions" if finding.coverage is None else f"{finding.coverage:.0%} labelled"
    subject = f"{_name(finding.metric)} of {_name(key.model_id)} {_name(key.model_version)}"
    where = f"{_name(key.environment)}, {_name(key.segment)}"
    bound = f"rule {_name(key.rule_id)}: alert {finding.direction} {finding.threshold:.6g}"
    counts = f"{finding.prediction_count} predictions, {coverage}"
    return f"{finding.severity.upper()} {state}: {subject} ({where}) is {value} in {window} ({bound}; {counts})"


def reproduce(finding: Finding) -> str:
    """The shell command that prints the numbers again."""
    verb = "drift" if finding.metric == DRIFTED_FEATURES else "metrics"
    return (
        f"monitor {verb} --model={shlex.quote(finding.key.model_id)} --grain {finding.key.grain}"
        f" --from {isoformat(finding.window.start)} --to {isoformat(finding.window.end)} --json"
    )


def _name(text: str) -> str:
    return plain(text, max_length=MAX_NAME_LENGTH)
