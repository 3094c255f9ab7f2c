"""``GET /v1/labels``: whether the truth still arrives as it used to."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import Field

from monitoring_pipeline.access.scopes import Scope
from monitoring_pipeline.api.callers import MetricsReader, require
from monitoring_pipeline.api.known_models import see_that_known
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.routes.v1.bodies.labels import A_STATUS, LabelStatusShown
from monitoring_pipeline.api.routes.v1.parameters import Asked, AsOf, ModelId, page_answering, past
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.stages.labels.statuses import label_rows, models_with_labels

router = APIRouter(prefix="/v1", tags=["labels"])

DEFAULT_MODELS = 20
MOST_MODELS = 100


class LabelsAsked(Asked):
    """What label statuses may be asked with."""

    limit: int = Field(default=DEFAULT_MODELS, ge=1, le=MOST_MODELS, description="The most models of one page.")
    model_id: ModelId = None
    as_of: AsOf = None


@router.get("/labels", responses=page_answering(A_STATUS, "flight_delay"))
def list_label_statuses(
    service: ServiceOf, caller: MetricsReader, asked: Annotated[LabelsAsked, Query()]
) -> Page[LabelStatusShown]:
    """The label status of each model and environment, as `monitor labels` prints it; a page holds whole models."""
    installation = service.installation
    key = decode_cursor(asked.cursor, (str,))
    if asked.model_id is None:
        models = caller.only_allowed(Scope.METRICS_READ, models_with_labels(installation.engine))
    else:
        require(caller, Scope.METRICS_READ, asked.model_id)
        models = [asked.model_id]
    wanted = [model for model in models if key is None or model > str(key[0])]
    shown = wanted[: asked.limit]
    instant = past(service, asked.as_of)
    rows = label_rows(installation.engine, installation.config, shown, clock=installation.clock, as_of=instant)
    see_that_known(service, caller, asked.model_id, found=rows)
    next_key = (shown[-1],) if len(wanted) > asked.limit else None
    # Through JSON, which knows neither NaN nor tuples: nested figures may hold both.
    plain = orjson.loads(orjson.dumps(rows))
    return page_of([LabelStatusShown(**row) for row in plain], next_key)
