"""Which model a request is about, where it may leave out the only one there is."""

from http import HTTPStatus
from typing import NoReturn

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.callers import require
from monitoring_pipeline.api.known_models import known_models, see_that_known
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import Service

_NAME_IT_TO_READ = "name the model as model_id; it may be left out only where one model alone is open to you"
_NAME_IT_TO_LOG = (
    "name the model as model_id in the body of POST /monitor/predict; it may be left out, as POST /predict does, only "
    "where one declared model alone is open to you"
)


def model_to_read(service: Service, caller: Caller, model_id: str | None) -> str:
    """The model that a caller asks about: the one that is named, or of those it may read the only declared or only one.

    Raises:
        Problem: 403 if the caller may not read it, 404 if nobody knows it, 422 if it is not clear which one is meant.
    """
    if model_id is None:
        return _only_declared(service, caller, Scope.METRICS_READ) or _only_known(service, caller)
    require(caller, Scope.METRICS_READ, model_id)
    see_that_known(service, caller, model_id)
    return model_id


def model_to_log(service: Service, caller: Caller, model_id: str | None) -> str:
    """The model whose prediction is logged: the one that is named, or the only declared one that the caller may log.

    Raises:
        Problem: 403 if the caller may not log it, 422 if it is not clear which one is meant.
    """
    model_id = model_id or _only_declared(service, caller, Scope.EVENTS_APPEND) or _unclear(_NAME_IT_TO_LOG)
    require(caller, Scope.EVENTS_APPEND, model_id)
    return model_id


# Of other models a caller is not told, not even that there are some.
def _only_declared(service: Service, caller: Caller, scope: Scope) -> str | None:
    declared = caller.only_allowed(scope, (model.id for model in service.installation.config.models))
    return declared[0] if len(declared) == 1 else None


def _only_known(service: Service, caller: Caller) -> str:
    known = caller.only_allowed(Scope.METRICS_READ, known_models(service))
    return known[0] if len(known) == 1 else _unclear(_NAME_IT_TO_READ)


def _unclear(detail: str) -> NoReturn:
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "model-unclear", detail)
