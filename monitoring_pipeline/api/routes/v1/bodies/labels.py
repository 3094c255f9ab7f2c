"""How labels come, as ``/v1/labels`` shows it."""

from typing import Any

from pydantic import ConfigDict, Field

from monitoring_pipeline.api.bodies import Shown
from monitoring_pipeline.performance.labels.verdict import LabelVerdict

A_STATUS: dict[str, Any] = {
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

    model_config = ConfigDict(json_schema_extra={"examples": [A_STATUS]})

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
