"""``POST /v0/events``: predictions and late truth, acknowledged when they are safe on the disk."""

import asyncio
import io
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from monitoring_pipeline.access.scopes import Scope
from monitoring_pipeline.api.callers import Appender, require
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.events.group_commit import QueueFullError, WriterStoppedError
from monitoring_pipeline.events.ndjson import NdjsonSource
from monitoring_pipeline.events.rows import Row
from monitoring_pipeline.events.schema import Kind

router = APIRouter(prefix="/v0", tags=["events"])


class DataSource(StrEnum):
    """Where events go."""

    ML_MODEL_PREDICTIONS = "ml_model_predictions"
    ML_MODEL_ACTUALS = "ml_model_actuals"


_KINDS = {DataSource.ML_MODEL_PREDICTIONS: Kind.PREDICTIONS, DataSource.ML_MODEL_ACTUALS: Kind.ACTUALS}


class Accepted(BaseModel):
    """What became of the rows of one request."""

    successful_rows: int = Field(description="Rows that are stored, those included that were stored before.")
    quarantined_rows: int = Field(description="Rows that wait in quarantine, each with a reason.")


@router.post("/events", status_code=HTTPStatus.ACCEPTED)
async def append_events(
    request: Request, service: ServiceOf, caller: Appender, name: Annotated[DataSource, Query()]
) -> Accepted:
    """Store events: one JSON object, or one per line."""
    body = await request.body()
    rows = await run_in_threadpool(_rows, body)
    for model_id in {row.record.get("model_id") for row in rows if row.record}:
        require(caller, Scope.EVENTS_APPEND, str(model_id))
    try:
        submitted = service.writer.submit(rows, kind=_KINDS[name], source="http")
    except (QueueFullError, WriterStoppedError):
        detail = "too much waits to be stored; send these events again later, nothing of them was taken"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", detail, retry_after_seconds=1) from None
    outcome = await asyncio.wrap_future(submitted)
    return Accepted(successful_rows=outcome.taken, quarantined_rows=len(outcome.rejected))


def _rows(body: bytes) -> list[Row]:
    return list(NdjsonSource(io.BytesIO(body), fraction=lambda: 1.0).rows())
