"""Alerts, what happened to them and who took note, as ``/v1/alerts`` shows them."""

from typing import Any

from pydantic import ConfigDict, Field

from monitoring_pipeline.alerts.handling.acknowledge import (
    MAX_NOTE_CHARS,
)
from monitoring_pipeline.alerts.vocabulary import AlertState, Direction
from monitoring_pipeline.api.bodies import Sent, Shown, Text
from monitoring_pipeline.api.routes.v1.bodies.windows import A_WINDOW, OfWindow
from monitoring_pipeline.config.models import Severity

AN_ALERT: dict[str, Any] = {
    **A_WINDOW,
    "alert_id": "6bdebf6136dfb422de1cf6adb25fdc92",
    "rule_id": "mae-high",
    "metric": "mae",
    "severity": "critical",
    "state": "confirmed",
    "value": 36.46,
    "lower": 35.2,
    "upper": 37.8,
    "threshold": 25.0,
    "direction": "above",
    "prediction_count": 940,
    "labelled_count": 895,
    "coverage": 0.952,
    "opened_at": "2026-03-02T00:05:00Z",
    "changed_at": "2026-03-02T06:05:00Z",
    "sequence": 2,
    "deliveries": {"pending": 0, "delivered": 2, "failed": 0, "silenced": 0},
    "acknowledged_at": "2026-03-02T08:00:00Z",
    "acknowledged_by": "on-call",
    "acknowledgement_note": "The storm of the evening.",
}


AN_ACKNOWLEDGEMENT: dict[str, Any] = {
    "alert_id": "6bdebf6136dfb422de1cf6adb25fdc92",
    "sequence": 2,
    "acknowledged_at": "2026-03-02T08:00:00Z",
    "acknowledged_by": "on-call",
    "note": "The storm of the evening.",
}


A_NOTE = {"note": "The storm of the evening.", "sequence": 2}


_EVENT: dict[str, Any] = {
    "alert_id": "6bdebf6136dfb422de1cf6adb25fdc92",
    "sequence": 2,
    "known_at": "2026-03-02T06:05:00Z",
    "from_state": "provisional",
    "to_state": "confirmed",
    "severity": "critical",
    "old_value": 33.1,
    "new_value": 36.46,
    "old_coverage": 0.61,
    "new_coverage": 0.952,
    "labelled_count": 895,
    "causes": {"batches": [], "further_batch_count": 0, "by_age_alone": True},
}


AN_ALERT_WITH_HISTORY = {**AN_ALERT, "history": [_EVENT], "acknowledgements": [AN_ACKNOWLEDGEMENT]}


class AlertShown(OfWindow):
    """One alert as it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [AN_ALERT]})

    alert_id: str
    rule_id: str
    metric: str
    severity: Severity
    state: AlertState
    value: float | None = Field(description="Of the last verdict that had enough data, with its interval and counts.")
    lower: float | None
    upper: float | None
    threshold: float
    direction: Direction
    prediction_count: int
    labelled_count: int
    coverage: float | None
    opened_at: str
    changed_at: str
    sequence: int = Field(description="Number of its last event.")
    deliveries: dict[str, int] = Field(description="Its notifications by state; silenced ones were held back.")
    acknowledged_at: str | None = Field(description="When somebody took note of its last event.")
    acknowledged_by: str | None
    acknowledgement_note: str | None


class AlertEvent(Shown):
    """Something that happened to an alert."""

    alert_id: str
    sequence: int
    known_at: str
    from_state: AlertState | None
    to_state: AlertState
    severity: Severity | None
    old_value: float | None
    new_value: float | None
    old_coverage: float | None
    new_coverage: float | None
    labelled_count: int
    causes: dict[str, Any] | None = Field(description="The ingest batches that reached the window since.")


class AcknowledgementShown(Shown):
    """That somebody took note of an alert, up to one of its events."""

    model_config = ConfigDict(json_schema_extra={"examples": [AN_ACKNOWLEDGEMENT]})

    alert_id: str
    sequence: int = Field(description="The event that was its last then.")
    acknowledged_at: str
    acknowledged_by: str
    note: str | None


class AlertWithHistory(AlertShown):
    """One alert, and all that happened to it."""

    history: list[AlertEvent]
    acknowledgements: list[AcknowledgementShown]


class Acknowledgement(Sent):
    """What to say when taking note of an alert."""

    note: Text | None = Field(default=None, max_length=MAX_NOTE_CHARS)
    sequence: int | None = Field(
        default=None, ge=1, description="The alert's last event as you saw it: refused if more has happened since."
    )
