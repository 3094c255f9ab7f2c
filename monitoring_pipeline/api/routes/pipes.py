"""``GET /v0/pipes/…``: what is stored at this moment, as JSON, CSV or NDJSON."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from monitoring_pipeline.access.scopes import Scope
from monitoring_pipeline.api.callers import PipeReader, require
from monitoring_pipeline.api.problems import invalid
from monitoring_pipeline.api.replies.columns import DETAILS, DRIFT, PERFORMANCE
from monitoring_pipeline.api.replies.examples import A_DETAIL, A_DRIFT, A_PERFORMANCE
from monitoring_pipeline.api.replies.openapi import replies_of
from monitoring_pipeline.api.replies.reply import Column, Format, Reply
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.events.quarantine import Rejected
from monitoring_pipeline.events.schema import MAX_TEXT_CHARS
from monitoring_pipeline.events.validation.instants import parse_instant
from monitoring_pipeline.stages.live import details, drift, performance
from monitoring_pipeline.stages.live.answer import Answer
from monitoring_pipeline.stages.live.detail_rows import AnswerTooLargeError
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.live.versions import LATEST
from monitoring_pipeline.windows import SECOND_MICROS

router = APIRouter(prefix="/v0/pipes", tags=["pipes"])

MOST_HOURS = 10 * 366 * 24  # ten years
MOST_ROWS = 10_000

Written = Annotated[Format, Path(alias="format", description="How the reply is written.")]
ModelId = Annotated[str, Query(max_length=MAX_TEXT_CHARS, description="The model.")]
Version = Annotated[
    str, Query(max_length=MAX_TEXT_CHARS, description=f"The version; {LATEST!r} is the newest one that was seen.")
]
Environment = Annotated[str, Query(max_length=MAX_TEXT_CHARS, description="Where the model ran.")]
Hours = Annotated[int, Query(ge=1, le=MOST_HOURS, description="Hours to look back from now.")]
Instant = Annotated[
    str | None,
    Query(
        max_length=40,
        description="An instant, inclusive: YYYY-MM-DD HH:MM:SS in UTC, or ISO 8601 with any zone.",
        examples=["2026-03-02 12:00:00"],
    ),
]
Limit = Annotated[
    int, Query(ge=1, le=MOST_ROWS, description="The most rows; for more, go on with the last timestamp as end_date.")
]


def _instant(name: str, text: str) -> int:
    try:
        return parse_instant(text, field=name)
    except Rejected as verdict:
        raise invalid((f"query.{name}", verdict.detail)) from None


async def _stretch(start_date: Instant = None, end_date: Instant = None) -> Stretch:
    """The time between two instants, both included."""
    start = 0 if start_date is None else _instant("start_date", start_date)
    if end_date is None:
        return Stretch(start)
    end = _instant("end_date", end_date)
    if end < start:
        raise invalid(("query.end_date", "is before start_date"))
    # An instant in whole seconds means all of its second: predictions are stored to the microsecond.
    return Stretch(start, end + (1 if end % SECOND_MICROS else SECOND_MICROS))


Between = Annotated[Stretch, Depends(_stretch)]


@router.get("/model_performance_metrics.{format}", responses=replies_of(PERFORMANCE, A_PERFORMANCE))
def model_performance_metrics(
    service: ServiceOf,
    caller: PipeReader,
    written: Written,
    model_id: ModelId = "default_model",
    model_version: Version = LATEST,
    environment: Environment = "production",
    time_window: Hours = 24,
) -> Response:
    """How large a version's errors have been over the last hours.

    Unlabelled predictions are counted, and are no errors of zero. Empty if the version made no prediction.
    """
    require(caller, Scope.PIPES_READ, model_id)
    return _reply(
        written,
        PERFORMANCE,
        lambda: performance.performance_metrics(
            service.live,
            model_id=model_id,
            model_version=model_version,
            environment=environment,
            time_window_hours=time_window,
        ),
    )


@router.get("/model_drift_detection.{format}", responses=replies_of(DRIFT, A_DRIFT))
def model_drift_detection(
    service: ServiceOf,
    caller: PipeReader,
    written: Written,
    model_id: ModelId = "default_model",
    environment: Environment = "production",
    recent_window_hours: Hours = 6,
    historical_window_hours: Hours = 168,
) -> Response:
    """Whether the errors of each version's last hours differ from those of the time before them.

    Versions that made predictions lately; the largest change first, those without history last. The interval takes
    rows as independent of each other: errors that come together make the true one wider.
    """
    require(caller, Scope.PIPES_READ, model_id)
    if historical_window_hours <= recent_window_hours:
        raise invalid(("query.historical_window_hours", "must be greater than recent_window_hours, where it ends"))
    return _reply(
        written,
        DRIFT,
        lambda: drift.drift_detection(
            service.live,
            model_id=model_id,
            environment=environment,
            recent_window_hours=recent_window_hours,
            historical_window_hours=historical_window_hours,
        ),
    )


@router.get("/prediction_details.{format}", responses=replies_of(DETAILS, A_DETAIL))
def prediction_details(
    service: ServiceOf,
    caller: PipeReader,
    written: Written,
    stretch: Between,
    model_id: ModelId = "default_model",
    model_version: Version = LATEST,
    environment: Environment = "production",
    limit: Limit = 100,
) -> Response:
    """Single predictions of a version beside the truth that is known of them now, newest first."""
    require(caller, Scope.PIPES_READ, model_id)
    try:
        return _reply(
            written,
            DETAILS,
            lambda: details.prediction_details(
                service.live,
                model_id=model_id,
                model_version=model_version,
                environment=environment,
                stretch=stretch,
                limit=limit,
            ),
        )
    except AnswerTooLargeError as error:
        raise invalid(("query.limit", str(error))) from None


def _reply(written: Format, columns: Sequence[Column], ask: Callable[[], Answer[Any]]) -> Response:
    began = time.perf_counter()
    answer = ask()
    return Reply(
        columns=columns,
        rows=answer.rows,
        has_more=answer.has_more,
        rows_read=answer.cost.rows,
        bytes_read=answer.cost.bytes,
        elapsed_seconds=time.perf_counter() - began,
    ).response(written)
