"""``GET /monitor/report``: how a model does, on a page for people."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from monitoring_pipeline.api.callers import MetricsReader
from monitoring_pipeline.api.chosen import model_to_read
from monitoring_pipeline.api.present.performance import revision_of
from monitoring_pipeline.api.routes.monitor.last_hours import ModelId
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.reports.newest import up_to_newest
from monitoring_pipeline.reports.page import CONTENT_SECURITY_POLICY, DEFAULT_DAYS, MOST_DAYS, report_page
from monitoring_pipeline.windows import HOUR_MICROS

router = APIRouter(prefix="/monitor")


@router.get("/report", response_class=HTMLResponse)
def report(
    service: ServiceOf,
    caller: MetricsReader,
    *,
    model_id: ModelId = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="How far to look back.")] = DEFAULT_DAYS,
    latest: Annotated[bool, Query(description="Look back from the newest prediction, not from now.")] = False,
) -> HTMLResponse:
    """A page for people: performance, drift, alerts, labels, a forecast, and what to do next."""
    model = model_to_read(service, caller, model_id)
    here = service.installation
    told_of = up_to_newest(here, model) if latest else here
    hours_ago = (here.clock() - told_of.clock()) // HOUR_MICROS
    answer = service.insight.reports.ask(
        (model, days, latest),
        revision=revision_of(service.insight, model, 24 * days + hours_ago),
        compute=lambda: report_page(told_of, model, days=days),
    )
    return HTMLResponse(answer.value, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
