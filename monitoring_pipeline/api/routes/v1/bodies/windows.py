"""Whose window something is about: the same in all lists of windows."""

from typing import Any

from pydantic import Field

from monitoring_pipeline.api.bodies import Shown
from monitoring_pipeline.windows import Grain

A_WINDOW: dict[str, Any] = {
    "model_id": "flight_delay",
    "model_version": "3",
    "environment": "production",
    "segment": "all",
    "grain": "day",
    "window_start": "2026-03-01T00:00:00Z",
    "window_end": "2026-03-02T00:00:00Z",
}


class OfWindow(Shown):
    """Whose numbers, and of when."""

    model_id: str
    model_version: str
    environment: str
    segment: str = Field(description="all, or field=value.")
    grain: Grain
    window_start: str = Field(description="First instant of the window, ISO 8601 UTC.")
    window_end: str = Field(description="First instant after it.")
