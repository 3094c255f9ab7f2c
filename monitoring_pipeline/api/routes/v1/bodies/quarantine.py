"""Rows in quarantine and their replay, as ``/v1/quarantine`` shows and takes them."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from monitoring_pipeline.api.bodies import Sent, Shown, Text
from monitoring_pipeline.api.routes.v1.parameters import (
    MAX_NAME_CHARS,
)
from monitoring_pipeline.events import quarantined as room
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.schema import Kind

MOST_REPLAYED = 10_000


MOST_IDS = 1_000


MAX_SOURCE_CHARS = 1_000


AN_ID = "0a4d55a8d778e5022fab701977c5d840bbc486d0d2e0e1c5f1b7f4d0a3f7c9b1"


A_ROW: dict[str, Any] = {
    "quarantine_id": AN_ID,
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


A_REPLAY: dict[str, Any] = {
    "selected": 12,
    "accepted": 9,
    "duplicates": 1,
    "refused": 1,
    "not_tried": 1,
    "reasons": {"broken_json": 1, "conflicting_prediction": 1},
    "next_cursor": None,
}


A_WANTED_REPLAY = {"model_id": "flight_delay", "reason": "unknown_field"}


A_DECISION = {"note": "Sent twice by mistake; the first is right."}


A_DISCARDED_ROW = {
    **A_ROW,
    "can_be_replayed": False,
    "discarded_at": "2026-03-02T12:00:00Z",
    "discarded_by": "on-call",
    "discard_note": A_DECISION["note"],
}


class RowShown(Shown):
    """One refused row."""

    model_config = ConfigDict(json_schema_extra={"examples": [A_ROW]})

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

    model_config = ConfigDict(json_schema_extra={"examples": [A_REPLAY]})

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
