"""What a notification says: one event of one alert, as JSON that a program or a person can read."""

import shlex
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.alerts.causes import Causes
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding
from monitoring_pipeline.alerts.wording import sentence
from monitoring_pipeline.config.models import DRIFT_METRICS, Severity
from monitoring_pipeline.windows import isoformat


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One event of an alert, and all that is told of it.

    Attributes:
        finding: the verdict that led to it.
        before: the finding that stood before, if any.
        from_state: the alert's state before; ``None`` when it is opened.
        to_state: its state now; the same where only the severity fell.
        severity: the alert's severity now.
        old_severity: its severity before; ``None`` when it is opened.
        sequence: number of the event, from 1.
        known_at: when the monitor knew, microseconds UTC.
        causes: the ingest batches behind it.
    """

    finding: Finding
    before: Finding | None
    from_state: AlertState | None
    to_state: AlertState
    severity: Severity
    old_severity: Severity | None
    sequence: int
    known_at: int
    causes: Causes


def payload(transition: Transition) -> dict[str, Any]:
    """The message of one event, equal for every channel.

    ``sequence`` orders the messages of one alert: a retried one may arrive after its successor.
    """
    finding, before = transition.finding, transition.before
    key = finding.key
    return {
        "alert_id": key.alert_id,
        "sequence": transition.sequence,
        "from_state": transition.from_state,
        "to_state": transition.to_state,
        "known_at": isoformat(transition.known_at),
        "severity": transition.severity,
        "old_severity": transition.old_severity,
        "text": sentence(
            finding,
            before=before,
            to_state=transition.to_state,
            severity=transition.severity,
            # Of an alert that had ended, the severity that it once had says nothing of this one.
            old_severity=transition.old_severity if transition.from_state and transition.from_state.active else None,
            causes=transition.causes,
        ),
        "model_id": key.model_id,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "grain": key.grain,
        "window_start": isoformat(finding.window.start),
        "window_end": isoformat(finding.window.end),
        "rule_id": key.rule_id,
        "metric": finding.metric,
        "reason": finding.reason,
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
        "causes": transition.causes.document(finding, before),
        "reproduce": reproduce(finding),
    }


def reproduce(finding: Finding) -> str:
    """The shell command that prints the numbers again."""
    verb = "drift" if finding.metric in DRIFT_METRICS else "metrics"
    return (
        f"monitor {verb} --model={shlex.quote(finding.key.model_id)} --grain {finding.key.grain}"
        f" --from {isoformat(finding.window.start)} --to {isoformat(finding.window.end)} --json"
    )
