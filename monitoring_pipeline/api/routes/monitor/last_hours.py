"""What answers about a model's last hours share: how they are asked for, and what they say of themselves."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from monitoring_pipeline.api.bodies import Shown
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.reports.present import Present
from monitoring_pipeline.results.listings import ResultRow
from monitoring_pipeline.windows import DAY_MICROS, SECOND_MICROS, isoformat

DEFAULT_HOURS = 24
MOST_HOURS = 24 * 7
STANDING_DAYS = 14

ModelId = Annotated[str | None, Query(max_length=200, description="Left out: the only one that the token may read.")]
Hours = Annotated[int, Query(ge=1, le=MOST_HOURS, description="How far to look back from now.")]


class OfLastHours(Shown):
    """What every answer about a model's last hours says of itself."""

    model_id: str
    window_start: str
    as_of: str = Field(description="The instant of the answer, and the end of its window.")
    age_seconds: float = Field(description="How long ago that was.")
    is_current: bool = Field(description="False: events came since, and a newer answer is being computed.")
    prediction_count: int
    labelled_count: int
    coverage: float | None = Field(description="Predictions whose truth is known, 0 to 1.")


def of_last_hours(service: Service, model_id: str, present: Present, *, as_of: int, is_current: bool) -> dict[str, Any]:
    """The fields of :class:`OfLastHours`."""
    return {
        "model_id": model_id,
        "window_start": isoformat(present.start),
        "as_of": isoformat(as_of),
        "age_seconds": max(0, service.installation.clock() - as_of) / SECOND_MICROS,
        "is_current": is_current,
        "prediction_count": present.prediction_count,
        "labelled_count": present.labelled_count,
        "coverage": present.coverage,
    }


def standing_since(service: Service) -> int:
    """From when on whole days are looked at for the last one that was computed, microseconds UTC."""
    return service.installation.clock() - STANDING_DAYS * DAY_MICROS


def last_day(rows: list[ResultRow]) -> list[ResultRow]:
    """The rows of the newest window."""
    newest = max((row["window_start"] for row in rows), default=None)
    return [row for row in rows if row["window_start"] == newest]
