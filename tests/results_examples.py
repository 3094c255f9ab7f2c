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
        "drift_type": "data_drift",
        "feature": "distance",
        "measure": "overall",
        "value": 2.5,
        "p_value": 0.0001,
        "q_value": 0.0002,
        "threshold": 1.0,
        "noise_limit": None,
        "detectable": 1.2,
        "verdict": "drift",
        "reason": "effect_and_evidence",
        "n_reference": 5000,
        "n_window": 400,
        "n_effective": 250.0,
        "window_count": 1,
        "detail": '{"led_by": "ks"}',
        "reference_id": "abc",
        "known_from": DAY + HOUR_MICROS,
        "known_to": None,
    }
    return {**row, **changes}
