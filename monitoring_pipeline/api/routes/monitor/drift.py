"""``GET /monitor/drift``: what moved in a model's last hours."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from monitoring_pipeline.api.bodies import Shown
from monitoring_pipeline.api.callers import MetricsReader
from monitoring_pipeline.api.chosen import model_to_read
from monitoring_pipeline.api.present.drift import drift_now
from monitoring_pipeline.api.present.performance import present_of
from monitoring_pipeline.api.routes.monitor.last_hours import (
    DEFAULT_HOURS,
    Hours,
    ModelId,
    OfLastHours,
    last_day,
    of_last_hours,
    standing_since,
)
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.results.listings import ResultRow
from monitoring_pipeline.results.read import read_drift
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.windows import Grain

router = APIRouter(prefix="/monitor")


class DriftOfFeature(Shown):
    """One feature, output, the truth, or its relation to the inputs."""

    drift_type: str
    feature: str
    model_version: str
    environment: str
    verdict: DriftVerdict
    reason: str
    drift_score: float | None = Field(description="The largest change, in units of the smallest one that counts.")
    led_by: str | None
    q_value: float | None
    detectable: float | None
    n_window: int
    n_reference: int


class DriftAnswer(OfLastHours):
    """Drift of the last hours, and of the last day that was judged."""

    verdict: DriftVerdict
    reason: str | None = Field(description="Why there is not enough data.")
    drifted_features: list[str]
    results: list[DriftOfFeature]
    standing: list[dict[str, Any]] = Field(description="The verdicts on the last whole day, as they are kept.")


@router.get("/drift")
def drift(
    service: ServiceOf, caller: MetricsReader, model_id: ModelId = None, hours: Hours = DEFAULT_HOURS
) -> DriftAnswer:
    """What moved in a model's last hours beside its reference. It may be asked as often as one likes."""
    model = model_to_read(service, caller, model_id)
    present = present_of(service.insight, model, hours).value
    answer = drift_now(service.insight, model, hours, present)
    found = answer.value
    drifted = [result for result in found.results if result.is_drift_detected]
    return DriftAnswer(
        **of_last_hours(service, model, present, as_of=found.as_of, is_current=answer.is_current),
        verdict=found.verdict,
        reason=found.reason,
        drifted_features=sorted({result.feature for result in drifted}),
        results=[
            DriftOfFeature(**{name: getattr(result, name) for name in DriftOfFeature.model_fields})
            for result in found.results
        ],
        standing=_standing(service, model),
    )


def _standing(service: Service, model_id: str) -> list[ResultRow]:
    """The verdicts on the last whole day, one for each feature."""
    since = standing_since(service)
    rows = read_drift(service.installation.engine, model_id=model_id, grain=Grain.DAY, segment=ALL, start=since)
    return last_day([row for row in rows if row["measure"] == Measure.OVERALL])
