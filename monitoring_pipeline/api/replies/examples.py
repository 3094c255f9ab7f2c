"""One row of each pipe, as the OpenAPI document shows it."""

from typing import Any

_HALF_PAST_TWO = 1_684_161_000_000_000  # 2023-05-15T14:30:00Z
_MODEL = {"model_id": "price_prediction_model", "model_version": "v1.2.3", "environment": "production"}

A_PERFORMANCE: dict[str, Any] = {
    **_MODEL,
    "prediction_count": 1_200,
    "rmse": 3.1,
    "mae": 2.4,
    "period_start": _HALF_PAST_TWO,
    "period_end": _HALF_PAST_TWO,
    "labelled_count": 900,
    "coverage": 0.75,
}

A_DRIFT: dict[str, Any] = {
    **_MODEL,
    "recent_mae": 2.4,
    "historical_mae": 2.0,
    "drift_percentage": 0.2,
    "recent_count": 300,
    "historical_count": 8_100,
    "analysis_timestamp": _HALF_PAST_TWO,
    "drift_low": 0.08,
    "drift_high": 0.33,
    "verdict": "drift",
    "reason": "error_rose",
    "recent_labelled_count": 280,
    "historical_labelled_count": 8_000,
}

A_DETAIL: dict[str, Any] = {
    "timestamp": _HALF_PAST_TWO,
    **_MODEL,
    "prediction_id": "pred_123456",
    "features": '{"feature1":0.5,"feature2":10.2}',
    "predicted_value": 42.5,
    "actual_value": 45.1,
    "predicted_class": None,
    "actual_class": None,
    "prediction_error": -2.6,
    "prediction_proba": None,
    "confidence": None,
    "latency_ms": 12.5,
    "entity_id": None,
}
