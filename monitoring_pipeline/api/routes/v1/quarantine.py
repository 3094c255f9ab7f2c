"""``/v1/quarantine``: rows that were refused, and what becomes of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import ConfigDict, Field

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.callers import Administrator, MetricsReader, require
from monitoring_pipeline.api.pages import Page, decode_cursor, encode_cursor, page_of
from monitoring_pipeline.api.routes.v1.parameters import (
    MAX_NAME_CHARS,
    Asked,
    Instant,
    ModelId,
    Sent,
    Shown,
    Text,
    answering,
    page_answering,
    span,
)
from monitoring_pipeline.api.routes.v1.whose import unknown
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.database import reading
from monitoring_pipeline.events import quarantined as room
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.quarantined import NoSuchRowError, QuarantineSelection
from monitoring_pipeline.events.replay import replay
from monitoring_pipeline.events.schema import Kind

router = APIRouter(tags=["quarantine"])

MOST_REPLAYED = 10_000
MOST_IDS = 1_000
MAX_SOURCE_CHARS = 1_000

_KEY_KINDS = (int, str)
_ID = "0a4d55a8d778e5022fab701977c5d840bbc486d0d2e0e1c5f1b7f4d0a3f7c9b1"
_ROW: dict[str, Any] = {
    "quarantine_id": _ID,
    "model_id": "flight_delay",
    "kind": "predictions",
    "source": "predictions.ndjson",
    "line": 17,
    "field": "carier",
    "reason": "unknown_field",
    "detail": "carier is neither known nor declared; did you mean carrier?",
    "can_be_replayed": True,
    "received_at": "2026-03-02T11:58:00Z",
    "batch_id": "8b2f0c7d9e4a4c1fb5d6e7f8a9b0c1d2",
    "discarded_at": None,
    "discarded_by": None,
    "discard_note": None,
    "raw": None,
}
_REPLAYED: dict[str, Any] = {
    "selected": 12,
    "accepted": 9,
    "duplicates": 1,
    "refused": 1,
    "not_tried": 1,
    "reasons": {"broken_json": 1, "conflicting_prediction": 1},
    "next_cursor": None,
}
_WANTED = {"model_id": "flight_delay", "reason": "unknown_field"}
_DECISION = {"note": "Sent twice by mistake; the first is right."}
_DISCARDED = {
    **_ROW,
    "can_be_replayed": False,
    "discarded_at": "2026-03-02T12:00:00Z",
    "discarded_by": "on-call",
    "discard_note": _DECISION["note"],
}


class RowShown(Shown):
    """One refused row."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    quarantine_id: str
    model_id: str | None = Field(description="The model that the row names; null where that cannot be read.")
    kind: Kind
    source: str = Field(description="The file, or http.")
    line: int
    field: str | None = Field(description="The column at fault, if one can be named.")
    reason: QuarantineReason
    detail: str
    can_be_replayed: bool = Field(description="False where the text itself is at fault: it must be written anew.")
    received_at: str
    batch_id: str
    discarded_at: str | None = Field(description="When somebody decided that it will never be taken.")
    discarded_by: str | None
    discard_note: str | None
    raw: str | None = Field(description="What was received; only for a token with admin on the model, else null.")


class WantedReplay(Sent):
    """Which rows to try again; what is left out matches all."""

    ids: list[Annotated[Text, Field(max_length=MAX_NAME_CHARS)]] | None = Field(default=None, max_length=MOST_IDS)
    model_id: Text | None = Field(default=None, max_length=MAX_NAME_CHARS)
    kind: Kind | None = None
    reason: QuarantineReason | None = None
    source: Text | None = Field(default=None, max_length=MAX_SOURCE_CHARS)
    limit: int = Field(default=1_000, ge=1, le=MOST_REPLAYED, description="The most rows of one call.")
    cursor: Text | None = Field(default=None, max_length=2_000, description="next_cursor of the call before.")


class Replayed(Shown):
    """What became of the rows: selected = accepted + duplicates + refused + not_tried."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPLAYED]})

    selected: int
    accepted: int = Field(description="Of these something was new; they have left the quarantine.")
    duplicates: int = Field(description="These say what is stored already; they have left, too.")
    refused: int = Field(description="These are still refused, and stay.")
    not_tried: int = Field(description="Of these the text itself is at fault; they stay.")
    reasons: dict[str, int] = Field(description="Why rows stay.")
    next_cursor: str | None = Field(description="Send it as cursor to go on; null if that was all.")


class Decision(Sent):
    """Why a row will never be taken."""

    note: Text = Field(min_length=1, max_length=room.MAX_NOTE_CHARS, pattern=r"\S")


RowId = Annotated[Text, Path(max_length=MAX_NAME_CHARS, description="As the list shows it.", examples=[_ID])]


class QuarantineAsked(Asked):
    """What the quarantine may be asked with."""

    model_id: ModelId = None
    kind: list[Kind] | None = Field(default=None, description="Predictions, actuals or both.")
    reason: list[QuarantineReason] | None = Field(default=None, description="Some reasons.")
    source: Text | None = Field(default=None, max_length=MAX_SOURCE_CHARS, description="One file, or http.")
    discarded: bool = Field(default=False, description="Those that will never be taken, instead of those that wait.")
    start: Instant | None = Field(default=None, alias="from", description="Received at or after this instant.")
    end: Instant | None = Field(default=None, alias="to", description="Received before this instant.")


@router.get("/quarantine", responses=page_answering(_ROW, 1_772_452_680_000_000, _ID))
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


@router.get("/quarantine/{quarantine_id}", responses=answering(_ROW))
def show_quarantined(service: ServiceOf, caller: MetricsReader, quarantine_id: RowId) -> RowShown:
    """One row in quarantine."""
    row = _row(service, quarantine_id)
    require(caller, Scope.METRICS_READ, row["model_id"])
    return _shown(row, caller)


@router.post("/quarantine/replay", responses=answering(_REPLAYED))
def replay_quarantined(
    service: ServiceOf,
    caller: Administrator,
    sent: Annotated[WantedReplay, Body(openapi_examples={"one reason": {"value": _WANTED}})],
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
    require(caller, Scope.ADMIN, _row(service, quarantine_id)["model_id"])
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


def _row(service: Service, quarantine_id: str) -> dict[str, Any]:
    try:
        return room.find_quarantined(service.installation.engine, quarantine_id)
    except NoSuchRowError:
        what = "no row in quarantine has this id; rows that were replayed have left"
        raise unknown("unknown-row", what, "GET /v1/quarantine") from None


def _shown(row: dict[str, Any], caller: Caller) -> RowShown:
    may_see = caller.may(Scope.ADMIN, row["model_id"])
    return RowShown(**{**row, "raw": row["raw"] if may_see else None})
