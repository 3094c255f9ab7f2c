"""Models and their versions, as ``/v1/models`` shows them."""

from typing import Any

from pydantic import ConfigDict, Field

from monitoring_pipeline.api.bodies import Shown
from monitoring_pipeline.config.models import Severity, Task

_VERSION: dict[str, Any] = {
    "model_version": "3",
    "environment": "production",
    "prediction_count": 26327,
    "first_seen_at": "2026-02-01T00:00:04Z",
    "last_seen_at": "2026-03-02T11:59:58Z",
    "first_predicted_at": "2026-02-01T00:00:00Z",
    "last_predicted_at": "2026-03-02T11:59:57Z",
}


A_MODEL: dict[str, Any] = {
    "model_id": "flight_delay",
    "is_declared": True,
    "task": "regression",
    "description": "Minutes of delay at the gate",
    "owner": "team:ops",
    "prediction_count": 26327,
    "last_seen_at": "2026-03-02T11:59:58Z",
    "last_predicted_at": "2026-03-02T11:59:57Z",
    "open_alerts": {"critical": 1, "warning": 0, "info": 0},
    "version_count": 1,
    "versions": [_VERSION],
}


class VersionShown(Shown):
    """One version of a model in one environment: all that was ever logged, whatever retention removed since."""

    model_version: str
    environment: str
    prediction_count: int
    first_seen_at: str = Field(description="When its first prediction was known, ISO 8601 UTC.")
    last_seen_at: str
    first_predicted_at: str = Field(description="The earliest event time among its predictions.")
    last_predicted_at: str


class ModelShown(Shown):
    """One model."""

    model_config = ConfigDict(json_schema_extra={"examples": [A_MODEL]})

    model_id: str
    is_declared: bool = Field(description="Whether monitoring.yaml names it; others are monitored with defaults.")
    task: Task | None = Field(description="As declared; null where nobody declared it: each hour's events tell.")
    description: str | None
    owner: str | None
    prediction_count: int = Field(description="All that were ever logged.")
    last_seen_at: str | None = Field(description="When the last prediction came in; null if none ever did.")
    last_predicted_at: str | None
    open_alerts: dict[Severity, int] = Field(description="Alerts that stand, by severity.")
    version_count: int = Field(description="Versions, counted in each environment apart.")
    versions: list[VersionShown] = Field(description="Those last heard of; of one model up to 1,000, in lists up to 5.")
