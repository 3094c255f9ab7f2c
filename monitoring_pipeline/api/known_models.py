"""Which models an answer may be about, and what is told of one that nobody knows."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from http import HTTPStatus

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.callers import require
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.totals.versions import models_heard_of


def models_for(
    service: Service, caller: Caller, model_id: str | None, *, scope: Scope = Scope.METRICS_READ
) -> list[str] | None:
    """The models that a list is narrowed to; ``None`` is every model.

    Raises:
        Problem: 403 if a model is named and the caller may not do the work on it.
    """
    if model_id is not None:
        require(caller, scope, model_id)
        return [model_id]
    return None if caller.may(scope) else caller.only_allowed(scope, known_models(service))


def known_models(service: Service) -> list[str]:
    """Every model that is declared or ever logged a prediction, in order."""
    with reading(service.installation.engine) as connection:
        heard_of = models_heard_of(connection)
    return sorted(heard_of | {model.id for model in service.installation.config.models})


def see_that_known(
    service: Service, caller: Caller, model_id: str | None, found: Collection[object] | None = None
) -> None:
    """An empty list about a model that does not exist would look like one of a healthy model.

    Args:
        service: the server's parts.
        caller: only models that it may read are suggested.
        model_id: the model that was asked for, if any.
        found: what is known of it; anything at all shows that it exists.

    Raises:
        Problem: 404 if nobody declared the model and it never logged a prediction.
    """
    if model_id is None or found or service.installation.config.model(model_id) is not None:
        return
    with reading(service.installation.engine) as connection:
        if models_heard_of(connection, [model_id]):
            return
    visible = caller.only_allowed(Scope.METRICS_READ, known_models(service))
    raise unknown("unknown-model", f"no model of this name is known{_guess(model_id, visible)}", "GET /v1/models")


def unknown(code: str, what: str, where: str) -> Problem:
    """What is told of an id that names nothing, and where the ids are listed."""
    return Problem(HTTPStatus.NOT_FOUND, code, f"{what}; {where} lists what there is")


def _guess(model_id: str, known: Sequence[str]) -> str:
    close = get_close_matches(model_id, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
