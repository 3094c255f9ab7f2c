"""The question of the reconcile sensor on a store with a year of hours."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, update

from assets.requests import due_runs
from benchmarks.measured.stores import open_store
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, from_micros

START = 1_672_531_200_000_000  # 2023-01-01T00:00Z
HOURLY = ("logged_predictions", "joined_predictions", "data_quality", "hourly_performance", "hourly_drift")
DAILY = ("daily_performance", "daily_estimates", "daily_drift", "daily_truth_drift")
LAST = ("hourly_findings", "daily_findings")
ROWS_PER_INSERT = 20_000


def ask(database: str, folder: str, hours: int, models: int, due: int, runs: int) -> dict[str, Any]:
    """Milliseconds of ``due_runs`` with nothing due, and with some scattered hours due, one per model in turn."""
    with open_store(database, folder) as engine:
        _fill(engine, hours, models)
        config = MonitoringConfig(start=from_micros(START), debounce_seconds=60)
        pipeline = Pipeline(
            config=config, base=Path(folder), engine=engine, lake=Lake(root=Path(folder)), clock=lambda: _end(hours)
        )
        nothing, found = _times(pipeline, runs)
        assert not found, "everything was computed"
        _touch(engine, hours, models, due)
        some, found = _times(pipeline, runs)
    asked_for = {"runs": len(found), "hours": sum(len(run.windows.starts) for run in found)}
    assert asked_for["hours"] >= due, "all that is due was found"
    return {"nothing_due": nothing, "some_due": some, "asked_for": asked_for}


def _end(hours: int) -> int:
    return START + hours * HOUR_MICROS


def _times(pipeline: Pipeline, runs: int) -> tuple[list[float], list[Any]]:
    due_runs(pipeline, debounce=True)
    milliseconds = []
    for _ in range(runs):
        started = time.perf_counter()
        found = due_runs(pipeline, debounce=True)
        milliseconds.append((time.perf_counter() - started) * 1e3)
    return milliseconds, found


def _fill(engine: Engine, hours: int, models: int) -> None:
    """A year in which everything is computed: revisions and all rows of the ledger."""
    revisions = [
        {"model_id": f"model-{m}", "hour": hour, "revision": 2, "prediction_revision": 1, "changed_at": START}
        for m in range(models)
        for hour in range(START, _end(hours), HOUR_MICROS)
    ]
    with writing(engine) as connection:
        for batch in _batches(revisions):
            connection.execute(insert(hour_revision), batch)
        for batch in _batches(_ledger_rows(hours, models)):
            connection.execute(insert(partition_ledger), batch)


def _ledger_rows(hours: int, models: int) -> list[dict[str, Any]]:
    shape = {"path": None, "checksum": "0" * 64, "row_count": 50, "byte_count": 9_000, "published_at": START}
    return [
        {"dataset": dataset, "model_id": f"model-{m}", "window_start": start, "revision": revision, **shape}
        for datasets, step, revision in (
            ((*HOURLY, LAST[0]), HOUR_MICROS, 2),
            ((*DAILY, LAST[1]), DAY_MICROS, 2 * 24),
        )
        for dataset in datasets
        for m in range(models)
        for start in range(START, _end(hours), step)
    ]


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (rows[i : i + ROWS_PER_INSERT] for i in range(0, len(rows), ROWS_PER_INSERT))


def _touch(engine: Engine, hours: int, models: int, due: int) -> None:
    step = hours // due
    keys = [(f"model-{i % models}", START + i * step * HOUR_MICROS) for i in range(due)]
    with writing(engine) as connection:
        for model_id, hour in keys:
            table = hour_revision.c
            connection.execute(
                update(hour_revision).where(table.model_id == model_id, table.hour == hour).values(revision=3)
            )
