"""``GET /v1/labels``: whether the truth still arrives as it used to."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from monitoring_pipeline.access.scopes import Scope
from monitoring_pipeline.api.callers import MetricsReader, require
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.routes.v1.parameters import Asked, AsOf, ModelId, Shown, page_answering, past
from monitoring_pipeline.api.routes.v1.whose import see_that_known
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.performance.labels.verdict import LabelVerdict
from monitoring_pipeline.stages.labels.statuses import label_rows, models_with_labels

router = APIRouter(tags=["labels"])

DEFAULT_MODELS = 20
MOST_MODELS = 100

_STATUS: dict[str, Any] = {
    "model_id": "flight_delay",
    "environment": "production",
    "judged_at": "2026-03-02T12:00:00Z",
    "look_back_seconds": 2592000,
    "verdict": "healthy",
    "reasons": ["labels arrive as they used to"],
    "delays": {"median_seconds": 9100.0, "p90_seconds": 21600.0, "eventual_coverage": 0.97, "label_count": 25058},
    "arrivals": None,
    "lateness": None,
    "prediction_count": 26327,
    "arrived_count": 25058,
    "corrected_count": 12,
    "retracted_count": 0,
    "uncounted_hours": 0,
    "ages": [],
    "windows": [],
    "orphan_count": 0,
    "oldest_orphan_at": None,
}


class LabelStatusShown(Shown):
    """How labels come for one model in one environment, all versions together."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STATUS]})

    model_id: str
    environment: str
    judged_at: str
    look_back_seconds: int
    verdict: LabelVerdict
    reasons: list[str] = Field(description="Sentences with the numbers.")
    delays: dict[str, Any] | None = Field(description="How labels usually come; null without enough history.")
    arrivals: dict[str, Any] | None = Field(description="Labels seen against expected in the newest hours.")
    lateness: dict[str, Any] | None = Field(description="New predictions against older ones at one age.")
    prediction_count: int
    arrived_count: int
    corrected_count: int
    retracted_count: int
    uncounted_hours: int
    ages: list[dict[str, Any]] = Field(description="Expected against seen coverage, by label age.")
    windows: list[dict[str, Any]] = Field(description="How complete the last 24 hours and 7 days are.")
    orphan_count: int = Field(description="Truth of the model whose prediction is unknown.")
    oldest_orphan_at: str | None


class LabelsAsked(Asked):
    """What label statuses may be asked with."""

    limit: int = Field(default=DEFAULT_MODELS, ge=1, le=MOST_MODELS, description="The most models of one page.")
    model_id: ModelId = None
    as_of: AsOf = None


@router.get("/labels", responses=page_answering(_STATUS, "flight_delay"))
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
