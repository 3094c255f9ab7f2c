"""``/v1/silences``: for a while nothing is sent of some alerts."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import Field

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.alerts.handling import silences as room
from monitoring_pipeline.alerts.handling.listed_silences import SilenceSelection, page_of_silences, silenced_models
from monitoring_pipeline.alerts.handling.silences import (
    NoSuchSilenceError,
    SilenceState,
    Subject,
    UnusableSilenceError,
)
from monitoring_pipeline.api.bodies import Text
from monitoring_pipeline.api.callers import Administrator, MetricsReader, require, require_of_found
from monitoring_pipeline.api.known_models import unknown
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.problems import Problem, invalid
from monitoring_pipeline.api.routes.v1.bodies.silences import A_SILENCE, A_WANTED_SILENCE, SilenceShown, WantedSilence
from monitoring_pipeline.api.routes.v1.parameters import (
    MAX_NAME_CHARS,
    Asked,
    answering,
    micros,
    page_answering,
)
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.windows import to_micros

router = APIRouter(prefix="/v1", tags=["alerts"])

SilenceId = Annotated[Text, Path(max_length=MAX_NAME_CHARS, description="As the list shows it.")]


class SilencesAsked(Asked):
    """What silences may be asked with."""

    state: list[SilenceState] | None = Field(default=None, description="Some states.")


@router.get("/silences", responses=page_answering(A_SILENCE, 1_772_452_680_000_000, "4b1f9c02aa7e"))
def list_silences(
    service: ServiceOf, caller: MetricsReader, asked: Annotated[SilencesAsked, Query()]
) -> Page[SilenceShown]:
    """The silences, the newest first, those included that are over."""
    now = service.installation.clock()
    key = decode_cursor(asked.cursor, (int, str))
    engine = service.installation.engine
    # Not the models that are known: a silence may be made for one that comes later.
    everything = caller.may(Scope.METRICS_READ)
    models = None if everything else caller.only_allowed(Scope.METRICS_READ, silenced_models(engine))
    selection = SilenceSelection(model_ids=models, states=asked.state)
    shown, next_key = page_of_silences(engine, selection, now=now, limit=asked.limit, after=key)
    return page_of([SilenceShown(**silence.to_dict(now)) for silence in shown], next_key)


@router.post("/silences", status_code=HTTPStatus.CREATED, responses=answering(A_SILENCE, status=HTTPStatus.CREATED))
def create_silence(
    service: ServiceOf,
    caller: Administrator,
    sent: Annotated[WantedSilence, Body(openapi_examples={"planned work": {"value": A_WANTED_SILENCE}})],
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
        raise invalid(("body", str(error))) from None
    return SilenceShown(**silence.to_dict(installation.clock()))


@router.delete("/silences/{silence_id}", responses=answering(A_SILENCE))
def end_silence(service: ServiceOf, caller: Administrator, silence_id: SilenceId) -> SilenceShown:
    """End a silence before its time; one that is over stays as it is. It remains in the list."""
    installation = service.installation
    nothing = unknown("unknown-silence", "there is no silence with this id", "GET /v1/silences")
    try:
        model_id = room.find_silence(installation.engine, silence_id).subject.model_id
        _see_that_allowed(caller, model_id, otherwise=nothing)
        ended = room.end_silence(installation.engine, silence_id, by=caller.name, clock=installation.clock)
    except NoSuchSilenceError:
        raise nothing from None
    return SilenceShown(**ended.to_dict(installation.clock()))


def _see_that_allowed(caller: Caller, model_id: str | None, *, otherwise: Problem) -> None:
    if model_id is None:  # of every model: everybody sees it in the list
        require(caller, Scope.ADMIN)
    else:
        require_of_found(caller, Scope.ADMIN, model_id, otherwise=otherwise)
