"""``GET /monitor/drift``, ``/monitor/performance`` and ``/monitor/report``: how a model does now."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse

from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.api.callers import MetricsReader
from monitoring_pipeline.api.chosen import model_to_read
from monitoring_pipeline.api.drift import drift_now
from monitoring_pipeline.api.performance import present_of, revision_of
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.reports.page import CONTENT_SECURITY_POLICY, DEFAULT_DAYS, MOST_DAYS, report_page
from monitoring_pipeline.reports.present import Present
from monitoring_pipeline.results.listings import ResultRow
from monitoring_pipeline.results.read import read_drift, read_metrics
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.windows import DAY_MICROS, SECOND_MICROS, Grain, isoformat

router = APIRouter(prefix="/monitor", tags=["monitor"])

DEFAULT_HOURS = 24
MOST_HOURS = 24 * 7
STANDING_DAYS = 14
FEWEST_LABELS = 30
"""Below it an answer about performance is called one of not enough data, whatever it says."""

ModelId = Annotated[str | None, Query(max_length=200, description="Left out: the only model there is.")]
Hours = Annotated[int, Query(ge=1, le=MOST_HOURS, description="How far to look back from now.")]


class Told(BaseModel):
    """What every answer about a model's last hours says of itself."""

    model_config = ConfigDict(protected_namespaces=(), ser_json_inf_nan="null")

    model_id: str
    window_start: str
    as_of: str = Field(description="The instant of the answer, and the end of its window.")
    age_seconds: float = Field(description="How long ago that was.")
    is_current: bool = Field(description="False: events came since, and a newer answer is being computed.")
    prediction_count: int
    labelled_count: int
    coverage: float | None = Field(description="Predictions whose truth is known, 0 to 1.")


class DriftOfFeature(BaseModel):
    """One feature, output, the truth, or its relation to the inputs."""

    model_config = ConfigDict(protected_namespaces=())

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


class DriftAnswer(Told):
    """Drift of the last hours, and of the last day that was judged."""

    verdict: DriftVerdict
    reason: str | None = Field(description="Why there is not enough data.")
    drifted_features: list[str]
    results: list[DriftOfFeature]
    standing: list[dict[str, Any]] = Field(description="The verdicts on the last whole day, as they are kept.")


class MetricNow(BaseModel):
    """One metric, or the reason why it has no value."""

    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    detectable_change: float | None
    undefined_reason: str | None


class GroupNow(BaseModel):
    """One version in one environment."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: str
    environment: str
    prediction_count: int
    labelled_count: int
    coverage: float | None
    metrics: list[MetricNow]


class PerformanceAnswer(Told):
    """Performance of the last hours, and of the last day that was judged."""

    verdict: str = Field(description="alerting, ok or not_enough_data.")
    reason: str | None
    active_alerts: int
    groups: list[GroupNow]
    standing: list[dict[str, Any]] = Field(description="The metrics of the last whole day, as they are kept.")


@router.get("/drift")
def drift(
    service: ServiceOf, caller: MetricsReader, model_id: ModelId = None, hours: Hours = DEFAULT_HOURS
) -> DriftAnswer:
    """What moved in a model's last hours beside its reference. It may be asked as often as one likes."""
    model = model_to_read(service, caller, model_id)
    present = present_of(service, model, hours).value
    answer = drift_now(service, model, hours, present)
    found = answer.value
    drifted = [result for result in found.results if result.is_drift_detected]
    return DriftAnswer(
        **_told(service, model, present, as_of=found.as_of, is_current=answer.is_current),
        verdict=found.verdict,
        reason=found.reason,
        drifted_features=sorted({result.feature for result in drifted}),
        results=[
            DriftOfFeature(**{name: _finite(getattr(result, name)) for name in DriftOfFeature.model_fields})
            for result in found.results
        ],
        standing=_last_day([row for row in _standing_drift(service, model) if row["measure"] == "overall"]),
    )


@router.get("/performance")
def performance(
    service: ServiceOf, caller: MetricsReader, model_id: ModelId = None, hours: Hours = DEFAULT_HOURS
) -> PerformanceAnswer:
    """How good a model was in its last hours, up to the last event that is stored."""
    model = model_to_read(service, caller, model_id)
    answer = present_of(service, model, hours)
    present = answer.value
    engine = service.installation.engine
    active = list_alerts(engine, model_id=model, states=[state for state in AlertState if state.active])
    verdict, reason = _judged(present, len(active))
    since = service.installation.clock() - STANDING_DAYS * DAY_MICROS
    standing = read_metrics(engine, model_id=model, grain=Grain.DAY, segment=ALL, start=since)
    return PerformanceAnswer(
        **_told(service, model, present, as_of=present.as_of, is_current=answer.is_current),
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
        standing=_last_day(standing),
    )


@router.get("/report", response_class=HTMLResponse)
def report(
    service: ServiceOf,
    caller: MetricsReader,
    model_id: ModelId = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="How far to look back.")] = DEFAULT_DAYS,
) -> HTMLResponse:
    """A page for people: performance, drift, alerts, labels, a forecast, and what to do next."""
    model = model_to_read(service, caller, model_id)
    answer = service.insight.reports.ask(
        (model, days),
        revision=revision_of(service, model, 24 * days),
        compute=lambda: report_page(service.installation, model, days=days),
    )
    return HTMLResponse(answer.value, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


def _told(service: Service, model_id: str, present: Present, *, as_of: int, is_current: bool) -> dict[str, Any]:
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


def _judged(present: Present, active: int) -> tuple[str, str | None]:
    """What is said in one word: an alert that stands is news, whatever is known of the last hours."""
    if active:
        return "alerting", f"{active} alerts stand"
    if not present.prediction_count:
        return "not_enough_data", "there were no predictions in these hours"
    if present.labelled_count < FEWEST_LABELS:
        known = f"{present.labelled_count} of {present.prediction_count} predictions"
        return "not_enough_data", f"the truth is known of {known} yet; fewer than {FEWEST_LABELS} tell little"
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


def _standing_drift(service: Service, model_id: str) -> list[ResultRow]:
    since = service.installation.clock() - STANDING_DAYS * DAY_MICROS
    return read_drift(service.installation.engine, model_id=model_id, grain=Grain.DAY, segment=ALL, start=since)


def _last_day(rows: list[ResultRow]) -> list[ResultRow]:
    """The rows of the newest window."""
    newest = max((row["window_start"] for row in rows), default=None)
    return [row for row in rows if row["window_start"] == newest]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
