"""``GET /health``: how the monitor does, and how its models do, at one look."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.callers import identify
from monitoring_pipeline.api.components.component import Status
from monitoring_pipeline.api.components.overview import components, overall
from monitoring_pipeline.api.known_models import known_models
from monitoring_pipeline.api.present.performance import operations_of
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.reports.health import Check, Health, model_checks, worst

router = APIRouter(tags=["health"])

LOOK_BACK_HOURS = 24
MOST_MODELS = 100


class ComponentHealth(BaseModel):
    """One part of the monitor."""

    name: str
    status: Status
    reason: str | None = Field(
        None, description="Why it is not healthy and what to do; only with metrics:read on every model."
    )
    figures: dict[str, int | float | str | None] | None = Field(None, description="What it was judged by; as reason.")


class ModelHealth(BaseModel):
    """One model's last 24 hours beside thresholds that are the same for all models."""

    model_id: str
    status: Health
    checks: list[Check] = Field(description="None while they are computed for the first time.")


class HealthAnswer(BaseModel):
    """How the monitor does."""

    status: Status
    components: list[ComponentHealth]
    models: list[ModelHealth] | None = Field(None, description="The models that the token may read.")


def perhaps_identified(request: Request) -> Caller | None:
    """Whoever sends a token; ``None`` for whoever sends none where one is needed, or if the store is out of reach.

    Raises:
        Problem: 401 if the token opens nothing.
    """
    try:
        return identify(request)
    except MonitorError:  # tokens are in the store, and that it cannot be used is what is to be told
        return None
    except Problem:
        if "authorization" in request.headers:
            raise
        return None


@router.get(
    "/health",
    response_model_exclude_unset=True,
    responses={
        401: {"description": "A token was sent, and opens nothing."},
        503: {"model": HealthAnswer, "description": "Unhealthy: the monitor cannot do its work."},
    },
)
def health(
    service: ServiceOf, response: Response, caller: Annotated[Caller | None, Depends(perhaps_identified)]
) -> HealthAnswer:
    """Each part of the monitor, and each model by a few thresholds.

    Answers 503 where the monitor cannot do its work (unhealthy); degraded is 200. Without a token it says no more than
    the status of each part; with ``metrics:read`` also the models that it is for, on every model also why.
    """
    found = service.parts.answer(lambda: components(service))
    status = overall(found)
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if status is Status.UNHEALTHY else HTTPStatus.OK
    # Figures are about all models together.
    if caller is not None and caller.may(Scope.METRICS_READ):
        told = [ComponentHealth(**asdict(component)) for component in found]
    else:
        told = [ComponentHealth(name=component.name, status=component.status) for component in found]
    if caller is None or not caller.may_somewhere(Scope.METRICS_READ):
        return HealthAnswer(status=status, components=told)
    store_answers = found[0].status is Status.HEALTHY
    return HealthAnswer(status=status, components=told, models=_models(service, caller) if store_answers else [])


def _models(service: Service, caller: Caller) -> list[ModelHealth]:
    allowed = caller.only_allowed(Scope.METRICS_READ, known_models(service))[:MOST_MODELS]
    found = []
    for model_id in allowed:
        checks = _checks(service, model_id)
        found.append(ModelHealth(model_id=model_id, status=worst(check.health for check in checks), checks=checks))
    return found


def _checks(service: Service, model_id: str) -> list[Check]:
    """The model's checks; none while others compute so much that they would have to wait, which is no ill health."""
    try:
        return list(model_checks(operations_of(service.insight, model_id, LOOK_BACK_HOURS).value))
    except Problem:
        return []
