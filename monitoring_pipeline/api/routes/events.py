"""``POST /v0/events``: predictions and late truth, acknowledged when they are safe on the disk.

What the address does is written here for the documentation; :mod:`monitoring_pipeline.api.ingest.door` answers it.
"""

from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from monitoring_pipeline.api.ingest.headers import DataSource
from monitoring_pipeline.api.ingest.intake import Intake

router = APIRouter(prefix="/v0", tags=["events"])

_EVENT = {
    "timestamp": "2026-03-02T11:30:00Z",
    "model_id": "price",
    "prediction_id": "p-1",
    "features": {"rooms": 3, "city": "Porto"},
    "predicted_value": 42.5,
    "model_version": "v1",
    "environment": "production",
}
_TRUTH = {"model_id": "price", "prediction_id": "p-1", "actual_value": 45.1, "timestamp": "2026-03-02T15:00:00Z"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "One JSON object, an array of objects, or NDJSON (one object per line); also with Content-Encoding: gzip. "
            "The media type is not looked at."
        ),
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "examples": {"prediction": {"value": _EVENT}, "actual": {"value": _TRUTH}},
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body is empty, or damaged gzip."},
    408: {"description": "The body did not arrive in time."},
    413: {"description": "The body has too many bytes or lines; the answer names the limit."},
    415: {"description": "The body has a Content-Encoding other than gzip."},
    429: {"description": "Too much of this client waits to be stored; Retry-After says when to send again."},
    503: {"description": "Too much waits, or the store is out of reach; nothing is acknowledged. Retry-After."},
}


class Accepted(BaseModel):
    """What became of the rows of one request."""

    successful_rows: int = Field(description="Rows that are stored, those included that were stored before.")
    quarantined_rows: int = Field(description="Rows that wait in quarantine, each with a reason.")


@router.post("/events", status_code=HTTPStatus.ACCEPTED, openapi_extra=_BODY, responses=_PROBLEMS)
async def append_events(
    request: Request, name: Annotated[DataSource, Query(description="What the events are.")]
) -> Accepted:
    """Store events: one JSON object, an array of them, or one per line; the answer comes after the durable commit.

    Every row is stored, recognised as stored before, or quarantined with a reason. A request may be repeated after
    any failure: a row that is stored already changes nothing.
    """
    del name  # the intake reads the address itself
    outcome = await cast("Intake", request.app.state.intake).take(request.scope, request.receive)
    return Accepted(successful_rows=outcome.taken, quarantined_rows=len(outcome.rejected))
