"""Metrics and drift of one window, as ``/v1/metrics`` and ``/v1/drift`` show them."""

from typing import Any

from pydantic import ConfigDict, Field

from monitoring_pipeline.api.routes.v1.bodies.windows import A_WINDOW, OfWindow
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftReason, DriftType, DriftVerdict

A_METRIC: dict[str, Any] = {
    **A_WINDOW,
    "metric": "mae",
    "value": 36.46,
    "lower": 35.2,
    "upper": 37.8,
    "detectable_change": 1.9,
    "error_bound": None,
    "prediction_count": 940,
    "labelled_count": 895,
    "coverage": 0.952,
    "undefined_reason": None,
    "known_from": "2026-03-02T00:05:00Z",
}


A_DRIFT: dict[str, Any] = {
    **A_WINDOW,
    "drift_type": "data_drift",
    "feature": "destination",
    "measure": "overall",
    "verdict": "drift",
    "reason": "effect_and_evidence",
    "value": 2.5,
    "threshold": 1.0,
    "noise_limit": None,
    "detectable": 1.2,
    "p_value": 0.0001,
    "q_value": 0.0002,
    "n_reference": 5000,
    "n_window": 940,
    "n_effective": 410.0,
    "window_count": 1,
    "detail": {"led_by": "psi"},
    "reference_id": "5f2b8c",
    "known_from": "2026-03-02T00:05:00Z",
}


class MetricShown(OfWindow):
    """One metric of one window and group: a value, or the reason why there is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [A_METRIC]})

    metric: str
    value: float | None
    lower: float | None = Field(description="Of the 95 % interval.")
    upper: float | None
    detectable_change: float | None = Field(description="The smallest true change that the window would have shown.")
    error_bound: float | None = Field(description="How far the value may be from the exact one; null: it is exact.")
    prediction_count: int
    labelled_count: int
    coverage: float | None
    undefined_reason: str | None
    known_from: str = Field(description="Since when the monitor says so.")


class DriftShown(OfWindow):
    """One measure of one feature of one window, or its verdict (measure overall)."""

    model_config = ConfigDict(json_schema_extra={"examples": [A_DRIFT]})

    drift_type: DriftType
    feature: str
    measure: Measure
    verdict: DriftVerdict
    reason: DriftReason | None
    value: float | None = Field(description="The distance; of overall in units of the smallest change that counts.")
    threshold: float | None
    noise_limit: float | None
    detectable: float | None
    p_value: float | None
    q_value: float | None
    n_reference: int
    n_window: int
    n_effective: float
    window_count: int
    detail: dict[str, Any] | None
    reference_id: str
    known_from: str
