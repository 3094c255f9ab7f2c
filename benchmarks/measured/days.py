"""A day's metrics, merged from its hours' sums or recomputed from the rows of its hours."""

import time
from collections.abc import Callable
from math import isclose
from typing import Any

import numpy as np

from benchmarks.measured import filled
from benchmarks.measured.workload import START, open_home
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.measure import grouped_sums
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.measuring.periods import Asked, period_metrics
from monitoring_pipeline.stages.measuring.stored_sums import stored_sums
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import joined
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.stages.rows.read_lake import hour_tables
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, Period

HOURS = [START + hour * HOUR_MICROS for hour in range(24)]
SHOWN = ("value", "lower", "upper", "detectable_change", "error_bound")

Metrics = dict[tuple[str, str], dict[str, Any]]
"""By segment and metric: the numbers that are shown, and the counts of rows."""


def prepare(home: str, rows: int) -> dict[str, Any]:
    """One day of two models, with files and sums of each hour."""
    filled.write_home(home, models=len(filled.TASKS), hours=24)
    filled.fill(home, models=len(filled.TASKS), hours=24, rows_per_hour=rows)
    pipeline = _open(home)
    for stage in (log_predictions, join_predictions, measure_hours):
        stage(pipeline, HOURS)
    merge_days(pipeline, [START])
    return {}


def compute(home: str, runs: int) -> dict[str, Any]:
    """For each task, milliseconds of both ways to the same day: each run of one followed by a run of the other."""
    pipeline = _open(home)
    return {model.task.value: _compute(pipeline, model, runs) for model in pipeline.config.models}


def _compute(pipeline: Pipeline, model: Model, runs: int) -> dict[str, Any]:
    ways: dict[str, Callable[[Pipeline, Model], Metrics]] = {"merged": _merged, "recomputed": _recomputed}
    found = {way: function(pipeline, model) for way, function in ways.items()}
    milliseconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(runs):
        for way, function in ways.items():
            started = time.perf_counter()
            function(pipeline, model)
            milliseconds[way].append((time.perf_counter() - started) * 1e3)
    _check_order(pipeline, model)
    _check_published(pipeline, model, found["merged"])
    return {"milliseconds": milliseconds, "compared": _compared(found["merged"], found["recomputed"])}


def _open(home: str) -> Pipeline:
    return open_home(home, now=START + 2 * DAY_MICROS).pipeline


def _merged(pipeline: Pipeline, model: Model) -> Metrics:
    asked = Asked(period=Period.DAY, model_id=model.id, start=START, end=START + DAY_MICROS)
    return {(row["segment"], row["metric"]): _numbers(row) for row in period_metrics(pipeline, asked)}


def _recomputed(pipeline: Pipeline, model: Model) -> Metrics:
    with reading(pipeline.engine) as connection:
        standing = ledger.entries(connection, joined.DATASET, HOURS, model_id=model.id)
    table, starts = hour_tables(pipeline.lake, [standing[key] for key in sorted(standing)])
    groups = grouped_sums(model, table, np.full_like(starts, START))
    return {
        (key.segment, result.metric): {
            **{name: getattr(result, name) for name in SHOWN},
            "prediction_count": sums.prediction_count,
            "labelled_count": sums.labelled_count,
        }
        for key, sums in groups.items()
        for result in evaluate(sums)
    }


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in (*SHOWN, "prediction_count", "labelled_count")}


def _compared(merged: Metrics, recomputed: Metrics) -> dict[str, Any]:
    """That both ways say the same, and how much of it to the last bit."""
    assert merged.keys() == recomputed.keys()
    # Families measure hours, so a day that is measured in one piece passes for an hour's length.
    names = sorted(key for key in recomputed if key[1] != "predictions_per_second")
    bit_equal = 0
    for key in names:
        assert all(_close(merged[key][name], recomputed[key][name]) for name in SHOWN), (key, merged[key])
        assert all(merged[key][name] == recomputed[key][name] for name in ("prediction_count", "labelled_count"))
        bit_equal += merged[key] == recomputed[key]
    return {"metrics": len(names), "bit-equal": bit_equal}


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _check_order(pipeline: Pipeline, model: Model) -> None:
    """The same bits in whatever order the hours come."""
    with reading(pipeline.engine) as connection:
        stored = stored_sums(connection, model, HOURS)
    for family in {key.family for key in stored}:
        parts = [sums for key, sums in stored.items() if (key.family, key.segment) == (family, "all")]
        assert merge(parts).to_dict() == merge(parts[::-1]).to_dict(), family


def _check_published(pipeline: Pipeline, model: Model, merged: Metrics) -> None:
    """The daily stage stored these very bits."""
    rows = read_metrics(pipeline.engine, model_id=model.id, grain=Grain.DAY)
    assert {(row["segment"], row["metric"]): _numbers(row) for row in rows} == merged
