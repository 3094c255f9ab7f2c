"""``/v1/alerts``: what people were told, and that somebody took note."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import ConfigDict, Field

from monitoring_pipeline.access.scopes import Scope
from monitoring_pipeline.alerts.acknowledge import MAX_NOTE_CHARS, AlertMovedError, acknowledge, acknowledgements_of
from monitoring_pipeline.alerts.history import NoSuchAlertError, alert_history
from monitoring_pipeline.alerts.read import ACTIVE_STATES, find_alert, page_of_alerts
from monitoring_pipeline.alerts.selection import AlertSelection
from monitoring_pipeline.alerts.vocabulary import AlertState, Direction
from monitoring_pipeline.api.callers import Administrator, MetricsReader, require
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.routes.v1.parameters import (
    AskedOfWindows,
    Name,
    Sent,
    Shown,
    Text,
    answering,
    page_answering,
    span,
)
from monitoring_pipeline.api.routes.v1.whose import models_for, see_that_known, unknown
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.windows import Grain

router = APIRouter(tags=["alerts"])

_KEY_KINDS = (int, str, str, str, str, str, str)

_ALERT: dict[str, Any] = {
    "alert_id": "6bdebf6136dfb422de1cf6adb25fdc92",
    "model_id": "flight_delay",
    "model_version": "3",
    "environment": "production",
    "segment": "all",
    "grain": "day",
    "window_start": "2026-03-01T00:00:00Z",
    "window_end": "2026-03-02T00:00:00Z",
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
_ACKNOWLEDGEMENT: dict[str, Any] = {
    "alert_id": "6bdebf6136dfb422de1cf6adb25fdc92",
    "sequence": 2,
    "acknowledged_at": "2026-03-02T08:00:00Z",
    "acknowledged_by": "on-call",
    "note": "The storm of the evening.",
}
_NOTED = {"note": "The storm of the evening.", "sequence": 2}
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
_WITH_HISTORY = {**_ALERT, "history": [_EVENT], "acknowledgements": [_ACKNOWLEDGEMENT]}
_PLACE = (1_772_323_200_000_000, "flight_delay", "day", "3", "production", "all", "mae-high")


class AlertShown(Shown):
    """One alert as it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ALERT]})

    alert_id: str
    model_id: str
    model_version: str
    environment: str
    segment: str
    grain: Grain
    window_start: str
    window_end: str
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

    model_config = ConfigDict(json_schema_extra={"examples": [_ACKNOWLEDGEMENT]})

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


AlertId = Annotated[
    str,
    Path(
        pattern="^[0-9a-f]{6,32}$",
        description="Of the alert, or its first six digits or more.",
        examples=["6bdebf6136dfb422de1cf6adb25fdc92"],
    ),
]


class AlertsAsked(AskedOfWindows):
    """What alerts may be asked with."""

    state: list[AlertState] | None = Field(default=None, description="Some states.")
    active: bool | None = Field(default=None, description="Whether the alert stands, as it does in three states.")
    severity: list[Severity] | None = Field(default=None, description="Some severities.")
    rule_id: Name | None = Field(default=None, description="One rule.")
    acknowledged: bool | None = Field(default=None, description="Whether somebody took note of the last event.")


@router.get("/alerts", responses=page_answering(_ALERT, *_PLACE))
def list_alerts(service: ServiceOf, caller: MetricsReader, asked: Annotated[AlertsAsked, Query()]) -> Page[AlertShown]:
    """The alerts, those of the newest windows first."""
    start, end = span(asked.start, asked.end)
    selection = AlertSelection(
        model_ids=models_for(service, caller, asked.model_id),
        states=_states(asked.state, active=asked.active),
        severities=asked.severity,
        rule_id=asked.rule_id,
        segment=asked.segment,
        start=start,
        end=end,
        is_acknowledged=asked.acknowledged,
    )
    key = decode_cursor(asked.cursor, _KEY_KINDS)
    found, next_key = page_of_alerts(service.installation.engine, selection, limit=asked.limit, after=key)
    see_that_known(service, caller, asked.model_id, found=found)
    return page_of([AlertShown(**alert) for alert in found], next_key)


@router.get("/alerts/{alert_id}", responses=answering(_WITH_HISTORY))
def show_alert(service: ServiceOf, caller: MetricsReader, alert_id: AlertId) -> AlertWithHistory:
    """One alert: where it stands, what happened to it, and who took note."""
    alert = _alert(service, alert_id)
    require(caller, Scope.METRICS_READ, alert["model_id"])
    engine, whole = service.installation.engine, alert["alert_id"]
    return AlertWithHistory(
        **alert,
        history=[AlertEvent(**event) for event in alert_history(engine, whole)],
        acknowledgements=[AcknowledgementShown(**told) for told in acknowledgements_of(engine, whole)],
    )


@router.post(
    "/alerts/{alert_id}/acknowledgement",
    responses={**answering(_ACKNOWLEDGEMENT), 409: {"description": "More has happened to the alert since."}},
)
def acknowledge_alert(
    service: ServiceOf,
    caller: Administrator,
    alert_id: AlertId,
    sent: Annotated[Acknowledgement, Body(openapi_examples={"noted": {"value": _NOTED}})],
) -> AcknowledgementShown:
    """Take note of an alert as it stands. When it changes again, that is news: nobody has taken note of it then.

    Repeating it changes nothing: who took note of the alert's last event first stays on record.
    """
    alert = _alert(service, alert_id)
    require(caller, Scope.ADMIN, alert["model_id"])
    installation = service.installation
    try:
        told = acknowledge(
            installation.engine,
            alert["alert_id"],
            by=caller.name,
            clock=installation.clock,
            note=sent.note,
            sequence=sent.sequence,
        )
    except AlertMovedError as error:
        raise Problem(HTTPStatus.CONFLICT, "alert-moved", str(error)) from None
    return AcknowledgementShown(**told)


def _alert(service: Service, alert_id: str) -> dict[str, Any]:
    try:
        return find_alert(service.installation.engine, alert_id)
    except NoSuchAlertError:
        what = "no alert, or more than one, has an id that begins so"
        raise unknown("unknown-alert", what, "GET /v1/alerts") from None


def _states(states: list[AlertState] | None, *, active: bool | None) -> set[AlertState] | None:
    """The states that both parameters leave."""
    if active is None:
        return None if states is None else set(states)
    fitting = {state for state in AlertState if (state in ACTIVE_STATES) is active}
    return fitting if states is None else fitting.intersection(states)
