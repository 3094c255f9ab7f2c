"""Events, models and homes to measure on: seeded, so every run meets the same bytes."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.windows import HOUR_MICROS, isoformat

Event = dict[str, Any]

START = 1_704_067_200_000_000  # 2024-01-01T00:00Z, a Monday
SEED = 2013

NUMERIC_FEATURES = ("distance", "hour", "temperature", "humidity", "wind", "pressure")
CARRIERS = [f"carrier-{number:02}" for number in range(16)]
ORIGINS = ["EWR", "JFK", "LGA"]
FEATURES = (*NUMERIC_FEATURES, "carrier", "origin")  # eight

REFERENCE = "reference.parquet"


def write_home(home: str, *, models: int, hours: int, segments: list[str], reference_rows: int) -> Path:
    """A folder with ``monitoring.yaml`` and the reference it names; returns the config's path.

    Models with an odd number are regressions, the others binary.
    """
    folder = Path(home)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    columns: dict[str, Any] = {name: rng.normal(50, 20, reference_rows) for name in NUMERIC_FEATURES}
    columns |= {"carrier": rng.choice(CARRIERS, reference_rows), "origin": rng.choice(ORIGINS, reference_rows)}
    pq.write_table(pa.table(columns), folder / REFERENCE)
    config = {
        "start": isoformat(START),
        "end": isoformat(START + hours * HOUR_MICROS),
        "debounce_seconds": 0,
        "models": [_model(number, segments) for number in range(1, models + 1)],
    }
    path = folder / "monitoring.yaml"
    path.write_text(json.dumps(config, indent=1))  # JSON is YAML
    return path


def _model(number: int, segments: list[str]) -> dict[str, Any]:
    measured = "mae" if number % 2 else "brier"
    return {
        "id": f"model-{number}",
        "task": "regression" if number % 2 else "binary",
        "features": dict.fromkeys(NUMERIC_FEATURES, "numeric")
        | {"carrier": "categorical", "origin": {"type": "categorical", "allowed": ORIGINS}},
        "segments": segments,
        "labels": {"expected_delay": "PT1H", "maturity": "PT24H"},
        "reference": {"file": REFERENCE},
        "rules": [
            {"id": "error of the hour", "metric": measured, "above": 1e6, "grain": "hour"},
            {"id": "error of the day", "metric": measured, "above": 1e6},
            {"id": "drift of the hour", "metric": "drifted_features", "above": 7, "grain": "hour", "min_labelled": 0},
        ],
    }


def open_home(home: str, *, now: int) -> Installation:
    """The installation in a folder of :func:`write_home`, at a fixed present."""
    os.environ["MONITOR_HOME"] = home
    return open_installation(Path(home) / "monitoring.yaml", clock=lambda: now)


def predictions(*, models: int, hours: int, rows_per_hour: int) -> Iterator[Event]:
    """Each model's predictions of each hour, in order of time; ids as producers make them, in no order."""
    ids = random.Random(SEED)
    rng = np.random.default_rng(SEED)
    for hour in range(hours):
        for number in range(1, models + 1):
            values = rng.normal(50, 20, (rows_per_hour, len(NUMERIC_FEATURES))).round(3).tolist()
            yield from (
                _prediction(ids, number, START + hour * HOUR_MICROS + row * HOUR_MICROS // rows_per_hour, row, numbers)
                for row, numbers in enumerate(values)
            )


def _prediction(ids: random.Random, number: int, at: int, row: int, numbers: list[float]) -> Event:
    event: Event = {
        "timestamp": isoformat(at),
        "model_id": f"model-{number}",
        "prediction_id": f"{ids.getrandbits(128):032x}",
        "features": dict(zip(NUMERIC_FEATURES, numbers, strict=True))
        | {"carrier": CARRIERS[row % len(CARRIERS)], "origin": ORIGINS[row % len(ORIGINS)]},
        "predicted_value": numbers[0],
        "model_version": "v1",
        "environment": "production",
        "latency_ms": abs(numbers[1]),
    }
    if number % 2 == 0:
        event |= {"predicted_value": float(numbers[0] > 50), "prediction_proba": min(max(numbers[0] / 100, 0.0), 1.0)}
    return event


def actual(prediction: Event) -> Event:
    """What turned out to be true of a prediction."""
    wrong_by = prediction["features"]["wind"]
    binary = "prediction_proba" in prediction
    return {
        "timestamp": prediction["timestamp"],
        "model_id": prediction["model_id"],
        "prediction_id": prediction["prediction_id"],
        "actual_value": float(wrong_by > 50) if binary else prediction["predicted_value"] + wrong_by / 10,
    }


def write_ndjson(path: Path, events: Iterator[Event]) -> Path:
    """One event per line."""
    with path.open("wb") as file:
        file.writelines(orjson.dumps(event) + b"\n" for event in events)
    return path


def fill(home: str, *, models: int, hours: int, rows_per_hour: int, late: set[int] | None = None) -> None:
    """Land all predictions and their actuals; ``late`` holds the positions of actuals that are left for later.

    Those wait in ``late.ndjson`` beside the config.
    """
    folder, held_back = Path(home), late or set()
    events = list(predictions(models=models, hours=hours, rows_per_hour=rows_per_hour))
    installation = open_home(home, now=START + hours * HOUR_MICROS)
    files = [
        write_ndjson(folder / "predictions.ndjson", iter(events)),
        write_ndjson(folder / "actuals.ndjson", (actual(e) for i, e in enumerate(events) if i not in held_back)),
    ]
    for file in files:
        report = ingest_file(installation.engine, file, config=installation.config, clock=installation.clock)
        assert report.accepted == report.received, "a benchmark's events are all good"
        file.unlink()
    write_ndjson(folder / "late.ndjson", (actual(events[i]) for i in sorted(held_back)))
    installation.engine.dispose()


def prepare(
    home: str, *, models: int, hours: int, rows_per_hour: int, segments: list[str], reference_rows: int
) -> dict[str, Any]:
    """A home with its events landed and nothing computed."""
    write_home(home, models=models, hours=hours, segments=segments, reference_rows=reference_rows)
    fill(home, models=models, hours=hours, rows_per_hour=rows_per_hour)
    return {"events": 2 * models * hours * rows_per_hour}
