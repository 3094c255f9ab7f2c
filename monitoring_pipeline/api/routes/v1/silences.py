"""``/v1/silences``: for a while nothing is sent of some alerts."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import ConfigDict, Field

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.alerts import silences as room
from monitoring_pipeline.alerts.silences import NoSuchSilenceError, Silence, SilenceState, Subject, UnusableSilenceError
from monitoring_pipeline.api.callers import Administrator, MetricsReader, require
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.routes.v1.parameters import (
    MAX_NAME_CHARS,
    Asked,
    Instant,
    Sent,
    Shown,
    Text,
    answering,
    invalid,
    micros,
    page_answering,
)
from monitoring_pipeline.api.routes.v1.whose import unknown
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.windows import to_micros

router = APIRouter(tags=["alerts"])

_SILENCE: dict[str, Any] = {
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
_WANTED: dict[str, Any] = {
    "model_id": "flight_delay",
    "ends_at": "2026-03-02T18:00:00Z",
    "reason": "The feature store is being moved.",
}


class SilenceShown(Shown):
    """A silence and where it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SILENCE]})

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


SilenceId = Annotated[Text, Path(max_length=MAX_NAME_CHARS, description="As the list shows it.")]


class SilencesAsked(Asked):
    """What silences may be asked with."""

    state: list[SilenceState] | None = Field(default=None, description="Some states.")


@router.get("/silences", responses=page_answering(_SILENCE, 1_772_452_680_000_000, "4b1f9c02aa7e"))
def list_silences(
    service: ServiceOf, caller: MetricsReader, asked: Annotated[SilencesAsked, Query()]
) -> Page[SilenceShown]:
    """The silences, the newest first, those included that are over."""
    now = service.installation.clock()
    key = decode_cursor(asked.cursor, (int, str))
    found = [
        silence
        for silence in room.list_silences(service.installation.engine)  # a few a week, made by people
        if _concerns(caller, silence)
        and (asked.state is None or silence.state(now) in asked.state)
        and (key is None or _key(silence) < key)
    ]
    shown = found[: asked.limit]
    next_key = _key(shown[-1]) if len(found) > asked.limit else None
    return page_of([SilenceShown(**silence.to_dict(now)) for silence in shown], next_key)


@router.post("/silences", status_code=HTTPStatus.CREATED, responses=answering(_SILENCE, status=HTTPStatus.CREATED))
def create_silence(
    service: ServiceOf,
    caller: Administrator,
    sent: Annotated[WantedSilence, Body(openapi_examples={"planned work": {"value": _WANTED}})],
) -> SilenceShown:
    """Hold back the notifications of some alerts for a while. The alerts open and change as ever.

    When it ends, the present state of each alert that stands is told once. A silence of every model takes a token
    for every model.
    """
    require(caller, Scope.ADMIN, sent.model_id)
    installation = service.installation
    try:
        silence = room.create_silence(
            installation.engine,
            Subject(model_id=sent.model_id, rule_id=sent.rule_id, segment=sent.segment),
            starts_at=micros(sent.starts_at),
            ends_at=to_micros(sent.ends_at),
            reason=sent.reason,
            by=caller.name,
            clock=installation.clock,
        )
    except UnusableSilenceError as error:
        raise invalid(f"body: {error}") from None
    return SilenceShown(**silence.to_dict(installation.clock()))


@router.delete("/silences/{silence_id}", responses=answering(_SILENCE))
def end_silence(service: ServiceOf, caller: Administrator, silence_id: SilenceId) -> SilenceShown:
    """End a silence before its time; one that is over stays as it is. It remains in the list."""
    installation = service.installation
    try:
        silence = room.find_silence(installation.engine, silence_id)
        require(caller, Scope.ADMIN, silence.subject.model_id)
        ended = room.end_silence(installation.engine, silence_id, by=caller.name, clock=installation.clock)
    except NoSuchSilenceError:
        raise unknown("unknown-silence", "there is no silence with this id", "GET /v1/silences") from None
    return SilenceShown(**ended.to_dict(installation.clock()))


def _concerns(caller: Caller, silence: Silence) -> bool:
    """Whether it is for a model that the caller may read; one of every model is."""
    model_id = silence.subject.model_id
    return model_id is None or caller.may(Scope.METRICS_READ, model_id)


def _key(silence: Silence) -> tuple[int, str]:
    return silence.created_at, silence.silence_id
