"""``GET /v1/models``: what is monitored, declared or only heard of."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.alerts.read import active_counts
from monitoring_pipeline.api.bodies import Text
from monitoring_pipeline.api.callers import MetricsReader, require
from monitoring_pipeline.api.known_models import known_models, see_that_known
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.routes.v1.bodies.models import A_MODEL, ModelShown, VersionShown
from monitoring_pipeline.api.routes.v1.parameters import MAX_NAME_CHARS, Asked, answering, page_answering
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.totals.versions import extents_of, next_models, versions_of

router = APIRouter(prefix="/v1", tags=["models"])

VERSIONS_IN_LIST = 5
MOST_VERSIONS = 1_000


@router.get("/models", responses=page_answering(A_MODEL, "flight_delay"))
def list_models(service: ServiceOf, caller: MetricsReader, asked: Annotated[Asked, Query()]) -> Page[ModelShown]:
    """Every model that is declared or ever logged a prediction, in the order of their ids."""
    key = decode_cursor(asked.cursor, (str,))
    after = None if key is None else str(key[0])
    found = _ids(service, caller, after=after, limit=asked.limit + 1)
    shown = found[: asked.limit]
    models = _models(service, shown, most_versions=VERSIONS_IN_LIST)
    return page_of(models, (shown[-1],) if len(found) > asked.limit else None)


@router.get("/models/{model_id:path}", responses=answering(A_MODEL))
def show_model(
    service: ServiceOf, caller: MetricsReader, model_id: Annotated[Text, Path(max_length=MAX_NAME_CHARS)]
) -> ModelShown:
    """One model with its versions."""
    require(caller, Scope.METRICS_READ, model_id)
    see_that_known(service, caller, model_id)
    [model] = _models(service, [model_id], most_versions=MOST_VERSIONS)
    return model


def _ids(service: Service, caller: Caller, *, after: str | None, limit: int) -> list[str]:
    if not caller.may(Scope.METRICS_READ):
        mine = caller.only_allowed(Scope.METRICS_READ, known_models(service))
        return [model_id for model_id in mine if after is None or model_id > after][:limit]
    declared = [model.id for model in service.installation.config.models]
    with reading(service.installation.engine) as connection:
        return next_models(connection, after=after, limit=limit, declared=declared)


def _models(service: Service, model_ids: list[str], *, most_versions: int) -> list[ModelShown]:
    with reading(service.installation.engine) as connection:
        extents = extents_of(connection, model_ids)
        versions = versions_of(connection, model_ids, most=most_versions)
        standing = active_counts(connection, model_ids)
    return [
        ModelShown(
            **_declaration(service, model_id),
            **extents.get(model_id, _NEVER_HEARD_OF),
            open_alerts={severity: standing.get(model_id, {}).get(severity, 0) for severity in Severity},
            versions=[VersionShown(**version) for version in versions.get(model_id, [])],
        )
        for model_id in model_ids
    ]


_NEVER_HEARD_OF: dict[str, Any] = {
    "version_count": 0,
    "prediction_count": 0,
    "last_seen_at": None,
    "last_predicted_at": None,
}


def _declaration(service: Service, model_id: str) -> dict[str, Any]:
    declared = service.installation.config.model(model_id)
    return {
        "model_id": model_id,
        "is_declared": declared is not None,
        "task": None if declared is None else declared.task,
        "description": None if declared is None else declared.description or None,
        "owner": None if declared is None else declared.owner,
    }
