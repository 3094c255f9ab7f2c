"""``/v1/alerts``: what people were told, and that somebody took note."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import Field

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.alerts.handling.acknowledge import (
    AlertMovedError,
    acknowledge,
    acknowledgements_of,
)
from monitoring_pipeline.alerts.history import NoSuchAlertError, alert_history
from monitoring_pipeline.alerts.read import ACTIVE_STATES, find_alert, page_of_alerts
from monitoring_pipeline.alerts.selection import AlertSelection
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.api.callers import Administrator, MetricsReader, require_of_found
from monitoring_pipeline.api.known_models import models_for, see_that_known, unknown
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.routes.v1.bodies.alerts import (
    A_NOTE,
    AN_ACKNOWLEDGEMENT,
    AN_ALERT,
    AN_ALERT_WITH_HISTORY,
    Acknowledgement,
    AcknowledgementShown,
    AlertEvent,
    AlertShown,
    AlertWithHistory,
)
from monitoring_pipeline.api.routes.v1.parameters import AskedOfWindows, Name, answering, page_answering, span
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.config.models import Severity

router = APIRouter(prefix="/v1", tags=["alerts"])

_KEY_KINDS = (int, str, str, str, str, str, str)
_PLACE = (1_772_323_200_000_000, "flight_delay", "day", "3", "production", "all", "mae-high")


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


@router.get("/alerts", responses=page_answering(AN_ALERT, *_PLACE))
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


@router.get("/alerts/{alert_id}", responses=answering(AN_ALERT_WITH_HISTORY))
def show_alert(service: ServiceOf, caller: MetricsReader, alert_id: AlertId) -> AlertWithHistory:
    """One alert: where it stands, what happened to it, and who took note."""
    alert = _alert(service, caller, alert_id, Scope.METRICS_READ)
    engine, whole = service.installation.engine, alert["alert_id"]
    return AlertWithHistory(
        **alert,
        history=[AlertEvent(**event) for event in alert_history(engine, whole)],
        acknowledgements=[AcknowledgementShown(**told) for told in acknowledgements_of(engine, whole)],
    )


@router.post(
    "/alerts/{alert_id}/acknowledgement",
    responses={**answering(AN_ACKNOWLEDGEMENT), 409: {"description": "More has happened to the alert since."}},
)
def acknowledge_alert(
    service: ServiceOf,
    caller: Administrator,
    alert_id: AlertId,
    sent: Annotated[Acknowledgement, Body(openapi_examples={"noted": {"value": A_NOTE}})],
) -> AcknowledgementShown:
    """Take note of an alert as it stands. When it changes again, that is news: nobody has taken note of it then.

    Repeating it changes nothing: who took note of the alert's last event first stays on record.
    """
    alert = _alert(service, caller, alert_id, Scope.ADMIN)
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


def _alert(service: Service, caller: Caller, alert_id: str, scope: Scope) -> dict[str, Any]:
    nothing = unknown("unknown-alert", "no alert, or more than one, has an id that begins so", "GET /v1/alerts")
    try:
        alert = find_alert(
            service.installation.engine, alert_id, is_open=lambda model_id: caller.may(Scope.METRICS_READ, model_id)
        )
    except NoSuchAlertError:
        raise nothing from None
    require_of_found(caller, scope, alert["model_id"], otherwise=nothing)
    return alert


def _states(states: list[AlertState] | None, *, active: bool | None) -> set[AlertState] | None:
    """The states that both parameters leave."""
    if active is None:
        return None if states is None else set(states)
    fitting = {state for state in AlertState if (state in ACTIVE_STATES) is active}
    return fitting if states is None else fitting.intersection(states)
