"""Standing result rows, to be varied by the tests that store them."""

from typing import Any

from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS

DAY = 1_371_427_200_000_000  # 2013-06-17T00:00:00Z


def a_metric(**changes: Any) -> dict[str, Any]:
    row = {
        "model_id": "eta",
        "model_version": "1",
        "environment": "production",
        "segment": "all",
        "grain": "day",
        "window_start": DAY,
        "metric": "mae",
        "value": 12.5,
        "lower": 11.0,
        "upper": 14.0,
        "undefined_reason": None,
        "prediction_count": 400,
        "labelled_count": 300,
        "known_from": DAY + DAY_MICROS,
        "known_to": None,
    }
    return {**row, **changes}


def a_drift_result(**changes: Any) -> dict[str, Any]:
    row = {
        "model_id": "eta",
        "model_version": "1",
        "environment": "production",
        "segment": "all",
        "grain": "hour",
        "window_start": DAY,
        "feature": "distance",
        "measure": "ks",
        "value": 0.25,
        "p_value": 0.0001,
        "threshold": 0.1,
        "verdict": "drift",
        "reason": None,
        "n_reference": 5000,
        "n_window": 400,
        "reference_id": "abc",
        "known_from": DAY + HOUR_MICROS,
        "known_to": None,
    }
    return {**row, **changes}
