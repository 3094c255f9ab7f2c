"""A model of one number whose hours hold few rows, from events to results: shared by the tests of drift."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from monitoring_pipeline.installation import Installation
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS, Grain, isoformat
from tests.alerts_examples import rows
from tests.pipeline_examples import START
from tests.stage_runs import declared, with_models

SMALL = {"min_samples": 12, "alpha": 0.01, "pool": {"rows": 25, "hours": 3}}
MOVED = {"id": "moved", "metric": "drifted_features", "above": 0, "grain": "hour"}
ROWS = 8


def pipeline_of(installation: Installation, **changes: Any) -> Pipeline:
    usual = {"drift": SMALL, "rules": [MOVED], "segments": [], "features": {"distance": {"type": "numeric"}}}
    return with_models(installation, declared(installation, "delay", **{**usual, **changes}))


def predicted(
    hour: int, *, count: int = ROWS, first: int = 0, moved: bool = False, **fields: Any
) -> list[dict[str, Any]]:
    """Distances like those of the reference, or all beyond them; the same hour and number give the same event."""
    rng = random.Random(1000 * hour + first)
    return [
        {
            "model_id": "delay",
            "prediction_id": f"{hour}-{row}-{sorted(fields.items())}",
            "timestamp": isoformat(START + hour * HOUR_MICROS + row * 1_000_000),
            "received_at": isoformat(START + hour * HOUR_MICROS + row * 1_000_000),
            "predicted_value": 10.0,
            "features": {"distance": 1e6 + row if moved else round(rng.uniform(100, 2000), 1), "carrier": "AA"},
            **fields,
        }
        for row in range(first, first + count)
    ]


def starts_of(hours: Iterable[int]) -> list[int]:
    return [START + hour * HOUR_MICROS for hour in hours]


def log(pipeline: Pipeline, hours: Iterable[int]) -> None:
    log_predictions(pipeline, starts_of(hours), only_due=True)


def bring_up_to_date(pipeline: Pipeline, hours: Sequence[int]) -> None:
    starts = starts_of(hours)
    log_predictions(pipeline, starts, only_due=True)
    join_predictions(pipeline, starts, only_due=True)
    measure_hours(pipeline, starts, only_due=True)
    measured = measure_drift(pipeline, Grain.HOUR, starts, only_due=True)
    assert measured.failures == ()
    judge_windows(pipeline, Grain.HOUR, starts, only_due=True)


def measured(pipeline: Pipeline, hours: Sequence[int]) -> None:
    log(pipeline, hours)
    assert measure_drift(pipeline, Grain.HOUR, starts_of(hours), only_due=True).failures == ()


def stored(installation: Installation, *, every: bool = False, **where: Any) -> list[dict[str, Any]]:
    found = rows(installation.engine, drift_results, "window_start", "feature", "measure", "segment", "known_from")
    return [
        row
        for row in found
        if (every or row["known_to"] is None) and all(row[name] == value for name, value in where.items())
    ]


def overall(installation: Installation, hour: int, **where: Any) -> dict[str, Any]:
    window_start = START + hour * HOUR_MICROS
    [row] = stored(installation, window_start=window_start, measure="overall", feature="distance", **where)
    return row
