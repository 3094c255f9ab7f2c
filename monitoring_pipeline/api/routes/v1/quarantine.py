"""``/v1/quarantine``: rows that were refused, and what becomes of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import Field

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.bodies import Text
from monitoring_pipeline.api.callers import Administrator, MetricsReader, require, require_of_found
from monitoring_pipeline.api.known_models import unknown
from monitoring_pipeline.api.pages import Page, decode_cursor, encode_cursor, page_of
from monitoring_pipeline.api.routes.v1.bodies.quarantine import (
    A_REPLAY,
    A_ROW,
    A_WANTED_REPLAY,
    AN_ID,
    MAX_SOURCE_CHARS,
    Decision,
    Replayed,
    RowShown,
    WantedReplay,
)
from monitoring_pipeline.api.routes.v1.parameters import (
    MAX_NAME_CHARS,
    Asked,
    Instant,
    ModelId,
    answering,
    page_answering,
    span,
)
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.database import reading
from monitoring_pipeline.events import quarantined as room
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.quarantined import NoSuchRowError, QuarantineSelection
from monitoring_pipeline.events.replay import replay
from monitoring_pipeline.events.schema import Kind

router = APIRouter(prefix="/v1", tags=["quarantine"])

_KEY_KINDS = (int, str)


RowId = Annotated[Text, Path(max_length=MAX_NAME_CHARS, description="As the list shows it.", examples=[AN_ID])]


class QuarantineAsked(Asked):
    """What the quarantine may be asked with."""

    model_id: ModelId = None
    kind: list[Kind] | None = Field(default=None, description="Predictions, actuals or both.")
    reason: list[QuarantineReason] | None = Field(default=None, description="Some reasons.")
    source: Text | None = Field(default=None, max_length=MAX_SOURCE_CHARS, description="One file, or http.")
    discarded: bool = Field(default=False, description="Those that will never be taken, instead of those that wait.")
    start: Instant | None = Field(default=None, alias="from", description="Received at or after this instant.")
    end: Instant | None = Field(default=None, alias="to", description="Received before this instant.")


@router.get("/quarantine", responses=page_answering(A_ROW, 1_772_452_680_000_000, AN_ID))
def list_quarantined(
    service: ServiceOf, caller: MetricsReader, asked: Annotated[QuarantineAsked, Query()]
) -> Page[RowShown]:
    """The rows in quarantine, the newest first. What was received is shown to administrators only."""
    start, end = span(asked.start, asked.end)
    selection = QuarantineSelection(
        model_ids=_models(service, caller, asked.model_id, Scope.METRICS_READ),
        kinds=asked.kind,
        reasons=asked.reason,
        source=asked.source,
        start=start,
        end=end,
        is_discarded=asked.discarded,
    )
    key = decode_cursor(asked.cursor, _KEY_KINDS)
    found, next_key = room.page_of_quarantined(service.installation.engine, selection, limit=asked.limit, after=key)
    return page_of([_shown(row, caller) for row in found], next_key)


@router.get("/quarantine/{quarantine_id}", responses=answering(A_ROW))
def show_quarantined(service: ServiceOf, caller: MetricsReader, quarantine_id: RowId) -> RowShown:
    """One row in quarantine."""
    return _shown(_row(service, caller, quarantine_id, Scope.METRICS_READ), caller)


@router.post("/quarantine/replay", responses=answering(A_REPLAY))
def replay_quarantined(
    service: ServiceOf,
    caller: Administrator,
    sent: Annotated[WantedReplay, Body(openapi_examples={"one reason": {"value": A_WANTED_REPLAY}})],
) -> Replayed:
    """Try rows again, the oldest first: those that pass by now are stored and leave the quarantine.

    Repeating it changes nothing: a row is either in quarantine or stored, never both.
    """
    selection = QuarantineSelection(
        model_ids=_models(service, caller, sent.model_id, Scope.ADMIN),
        kinds=None if sent.kind is None else [sent.kind],
        reasons=None if sent.reason is None else [sent.reason],
        source=sent.source,
    )
    installation = service.installation
    report = replay(
        installation.engine,
        selection,
        config=installation.config,
        clock=installation.clock,
        ids=sent.ids,
        limit=sent.limit,
        after=decode_cursor(sent.cursor, _KEY_KINDS),
    )
    cursor = None if report.next_key is None else encode_cursor(list(report.next_key))
    return Replayed(**report.to_dict(), next_cursor=cursor)


@router.post("/quarantine/{quarantine_id}/discard")
def discard_quarantined(service: ServiceOf, caller: Administrator, quarantine_id: RowId, sent: Decision) -> RowShown:
    """Decide that a row will never be taken. It stays on record; the first decision about a row stands."""
    _row(service, caller, quarantine_id, Scope.ADMIN)
    installation = service.installation
    row = room.discard(installation.engine, quarantine_id, by=caller.name, note=sent.note, clock=installation.clock)
    return _shown(row, caller)


def _models(service: Service, caller: Caller, model_id: str | None, scope: Scope) -> list[str] | None:
    """The models whose rows are meant; ``None`` is every row, those included that name no model."""
    if model_id is not None:
        require(caller, scope, model_id)
        return [model_id]
    if caller.may(scope):
        return None
    with reading(service.installation.engine) as connection:
        return caller.only_allowed(scope, room.models_in_quarantine(connection))


def _row(service: Service, caller: Caller, quarantine_id: str, scope: Scope) -> dict[str, Any]:
    what = "no row in quarantine has this id; rows that were replayed have left"
    nothing = unknown("unknown-row", what, "GET /v1/quarantine")
    try:
        row = room.find_quarantined(service.installation.engine, quarantine_id)
    except NoSuchRowError:
        raise nothing from None
    require_of_found(caller, scope, row["model_id"], otherwise=nothing)
    return row


def _shown(row: dict[str, Any], caller: Caller) -> RowShown:
    may_see = caller.may(Scope.ADMIN, row["model_id"])
    return RowShown(**{**row, "raw": row["raw"] if may_see else None})
