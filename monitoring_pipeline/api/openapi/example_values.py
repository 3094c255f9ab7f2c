"""Examples of answers and bodies whose routes bring none; a test checks each by its schema."""

from typing import Any

_GROUP = {"model_version": "v1.2.3", "environment": "production"}
_TOLD = {
    "model_id": "price",
    "window_start": "2026-03-01T12:00:00Z",
    "as_of": "2026-03-02T12:00:00Z",
    "age_seconds": 0.0,
    "is_current": True,
    "prediction_count": 1_200,
    "labelled_count": 1_140,
    "coverage": 0.95,
}

_FEATURES = {"f0": 1.5, "f1": 2.3, "f2": 0.8}
_LOGGED = {
    "model_id": "price",
    "prediction_id": "5f0c2d9a41be7d3386a1c0f2e4b59d17",
    "stored": True,
    "prediction": 1,
    "prediction_proba": 0.83,
    "confidence": None,
    "latency_ms": 4.2,
    "ground_truth_stored": True,
    "remarks": [],
}

EXAMPLES: dict[tuple[str, str, str], Any] = {
    ("get", "/livez", "200"): {"status": "ok"},
    ("get", "/readyz", "200"): {"status": "ok"},
    ("post", "/v0/events", "202"): {"successful_rows": 1, "quarantined_rows": 0},
    ("get", "/health", "200"): {
        "status": "healthy",
        "components": [{"name": "store", "status": "healthy"}],
        "models": [
            {
                "model_id": "price",
                "status": "warning",
                "checks": [{"name": "average_confidence", "value": 0.74, "health": "warning"}],
            }
        ],
    },
    ("get", "/health", "503"): {"status": "unhealthy", "components": [{"name": "store", "status": "unhealthy"}]},
    ("post", "/monitor/predict", "sent"): {"features": _FEATURES, "ground_truth": 1},
    ("post", "/monitor/predict", "200"): _LOGGED,
    ("post", "/predict", "sent"): _FEATURES,
    ("post", "/predict", "200"): {**_LOGGED, "ground_truth_stored": False},
    ("get", "/monitor/drift", "200"): {
        **_TOLD,
        "verdict": "drift",
        "reason": None,
        "drifted_features": ["area"],
        "results": [
            {
                "drift_type": "data_drift",
                "feature": "area",
                **_GROUP,
                "verdict": "drift",
                "reason": "effect_and_evidence",
                "drift_score": 3.1,
                "led_by": "ks",
                "q_value": 0.0004,
                "detectable": 0.12,
                "n_window": 1_200,
                "n_reference": 50_000,
            }
        ],
        "standing": [],
    },
    ("get", "/monitor/performance", "200"): {
        **_TOLD,
        "verdict": "ok",
        "reason": None,
        "active_alerts": 0,
        "groups": [
            {
                **_GROUP,
                "prediction_count": 1_200,
                "labelled_count": 1_140,
                "coverage": 0.95,
                "metrics": [
                    {
                        "metric": "mae",
                        "value": 2.61,
                        "lower": 2.48,
                        "upper": 2.74,
                        "detectable_change": 0.18,
                        "undefined_reason": None,
                    }
                ],
            }
        ],
        "standing": [],
    },
    ("get", "/monitor/report", "200"): "<!doctype html>…",
    ("post", "/simulate/{scenario}", "sent"): {"days": 16, "rows_per_hour": 60, "seed": 2025},
    ("post", "/simulate/{scenario}", "202"): {
        "job_id": "5f0c2d9a41be7d33",
        "state": "running",
        "status_url": "/simulate/5f0c2d9a41be7d33",
    },
    ("get", "/simulate/{job_id}", "200"): {
        "job_id": "5f0c2d9a41be7d33",
        "scenario": "sudden_drift",
        "settings": {"days": 16},
        "started_at": "2026-03-02T12:00:00Z",
        "state": "running",
        "ticks_done": 3,
        "tick_count": 16,
        "outcome": None,
        "error": None,
    },
    ("post", "/v1/quarantine/{quarantine_id}/discard", "sent"): {"note": "a test row of the new producer"},
}
"""By method, path and status; ``sent`` is the request's body."""
