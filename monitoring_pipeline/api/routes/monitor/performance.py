"""``GET /monitor/performance``: how good a model was in its last hours."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from monitoring_pipeline.alerts.read import ACTIVE_STATES, list_alerts
from monitoring_pipeline.api.bodies import Shown
from monitoring_pipeline.api.callers import MetricsReader
from monitoring_pipeline.api.chosen import model_to_read
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
from monitoring_pipeline.api.service import ServiceOf
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.reports.present import Present
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.windows import Grain

router = APIRouter(prefix="/monitor")

FEWEST_LABELS = 30
"""Below it an answer about performance is called one of not enough data, whatever it says."""


class MetricNow(Shown):
    """One metric, or the reason why it has no value."""

    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    detectable_change: float | None
    undefined_reason: str | None


class GroupNow(Shown):
    """One version in one environment."""

    model_version: str
    environment: str
    prediction_count: int
    labelled_count: int
    coverage: float | None
    metrics: list[MetricNow]


class PerformanceAnswer(OfLastHours):
    """Performance of the last hours, and of the last day that was judged."""

    verdict: str = Field(description="alerting, ok or not_enough_data.")
    reason: str | None
    active_alerts: int
    groups: list[GroupNow]
    standing: list[dict[str, Any]] = Field(description="The metrics of the last whole day, as they are kept.")


@router.get("/performance")
def performance(
    service: ServiceOf, caller: MetricsReader, model_id: ModelId = None, hours: Hours = DEFAULT_HOURS
) -> PerformanceAnswer:
    """How good a model was in its last hours, up to the last event that is stored."""
    model = model_to_read(service, caller, model_id)
    answer = present_of(service.insight, model, hours)
    present = answer.value
    engine = service.installation.engine
    active = list_alerts(engine, model_id=model, states=ACTIVE_STATES)
    verdict, reason = _judged(present, len(active))
    standing = read_metrics(engine, model_id=model, grain=Grain.DAY, segment=ALL, start=standing_since(service))
    return PerformanceAnswer(
        **of_last_hours(service, model, present, as_of=present.as_of, is_current=answer.is_current),
        verdict=verdict,
        reason=reason,
        active_alerts=len(active),
        groups=[
            GroupNow(
                model_version=group.model_version,
                environment=group.environment,
                prediction_count=group.prediction_count,
                labelled_count=group.labelled_count,
                coverage=group.labelled_count / group.prediction_count if group.prediction_count else None,
                metrics=[_metric(metric) for metric in group.metrics],
            )
            for group in present.groups
        ],
        standing=last_day(standing),
    )


def _judged(present: Present, active: int) -> tuple[str, str | None]:
    """What is said in one word: an alert that stands is news, whatever is known of the last hours."""
    if active:
        return "alerting", "1 alert stands" if active == 1 else f"{active} alerts stand"
    if not present.prediction_count:
        return "not_enough_data", "there were no predictions in these hours"
    if present.labelled_count < FEWEST_LABELS:
        known = f"{present.labelled_count} of {present.prediction_count} predictions"
        return "not_enough_data", f"the truth is known of {known} so far; fewer than {FEWEST_LABELS} tell little"
    return "ok", None


def _metric(found: MetricValue) -> MetricNow:
    return MetricNow(
        metric=found.metric,
        value=found.value,
        lower=found.lower,
        upper=found.upper,
        detectable_change=found.detectable_change,
        undefined_reason=None if found.undefined is None else found.undefined.value,
    )
