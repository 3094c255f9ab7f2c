"""``GET /metrics``: for Prometheus and whatever else reads its formats."""

from typing import Annotated, cast

from fastapi import APIRouter, Header, Request
from fastapi.responses import PlainTextResponse
from starlette.responses import Response

from monitoring_pipeline.api.callers import MetricsReader
from monitoring_pipeline.api.metering.exposed import Exposed

router = APIRouter(tags=["metrics"])

_EXAMPLE = """\
# HELP model_loaded 1 if a prediction of the model was stored within the last 24 hours, else 0.
# TYPE model_loaded gauge
model_loaded{model_name="churn"} 1.0
"""


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "All series.", "content": {"text/plain": {"example": _EXAMPLE}}}},
)
def metrics(request: Request, caller: MetricsReader, accept: Annotated[str, Header()] = "") -> Response:
    """Everything that can be watched, in Prometheus' text format, or as OpenMetrics if that is asked for."""
    exposed = cast("Exposed", request.app.state.exposed)
    text, media_type = exposed.answer(caller, accept=accept)
    return Response(text, headers={"Content-Type": media_type})
