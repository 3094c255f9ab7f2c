"""Silences, as ``/v1/silences`` shows and takes them."""

from typing import Any

from pydantic import ConfigDict, Field

from monitoring_pipeline.alerts.handling import silences as room
from monitoring_pipeline.alerts.handling.silences import (
    SilenceState,
)
from monitoring_pipeline.api.bodies import Sent, Shown, Text
from monitoring_pipeline.api.routes.v1.parameters import (
    MAX_NAME_CHARS,
    Instant,
)

A_SILENCE: dict[str, Any] = {
    "silence_id": "4b1f9c02aa7e",
    "model_id": "flight_delay",
    "rule_id": None,
    "segment": None,
    "state": "holding",
    "starts_at": "2026-03-02T12:00:00Z",
    "ends_at": "2026-03-02T18:00:00Z",
    "reason": "The feature store is being moved.",
    "created_at": "2026-03-02T11:58:00Z",
    "created_by": "on-call",
    "ended_at": None,
    "ended_by": None,
}


A_WANTED_SILENCE: dict[str, Any] = {
    "model_id": "flight_delay",
    "ends_at": "2026-03-02T18:00:00Z",
    "reason": "The feature store is being moved.",
}


class SilenceShown(Shown):
    """A silence and where it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [A_SILENCE]})

    silence_id: str
    model_id: str | None = Field(description="null: every model.")
    rule_id: str | None = Field(description="null: every rule.")
    segment: str | None = Field(description="null: every segment.")
    state: SilenceState
    starts_at: str
    ends_at: str
    reason: str
    created_at: str
    created_by: str
    ended_at: str | None = Field(description="When somebody ended it before its time.")
    ended_by: str | None


class WantedSilence(Sent):
    """Which alerts to silence, how long, and why."""

    model_id: Text | None = Field(default=None, min_length=1, max_length=MAX_NAME_CHARS)
    rule_id: Text | None = Field(default=None, min_length=1, max_length=MAX_NAME_CHARS)
    segment: Text | None = Field(default=None, min_length=1, max_length=MAX_NAME_CHARS)
    starts_at: Instant | None = Field(default=None, description="Now if left out.")
    ends_at: Instant = Field(description=f"At most {room.LONGEST_DAYS} days later.")
    reason: Text = Field(min_length=1, max_length=room.MAX_REASON_CHARS)
