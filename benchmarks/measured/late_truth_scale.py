"""Late truth for some hours of a store with many: what is due is found, computed and merged, and nothing else."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, func, insert, select, true

from assets.requests import due_runs
from benchmarks.measured import filled, stages, workload
from benchmarks.measured.workload import START
from monitoring_pipeline.alerts.tables import findings
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.results.tables import metrics, performance_sums, quality_results
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, Window, floor

MODEL_ID = "model-1"
TOUCHED = "touched.json"

TOUCHED_HOURS_OF_A_DAY = 10

# Every tenth prediction of a touched hour waits for its actual.
LATE_EVERY = 10

ESTIMATES = "daily_estimates"

WINDOWS_PER_INSERT = 100

HOURLY_ROWS = {
    partition_ledger: true(),
    performance_sums: true(),
    metrics: metrics.c.grain == Grain.HOUR.value,
    quality_results: true(),
    findings: findings.c.grain == Grain.HOUR.value,
}
DAILY_ROWS = {
    partition_ledger: partition_ledger.c.dataset.startswith("daily_"),
    metrics: metrics.c.grain == Grain.DAY.value,
    findings: findings.c.grain == Grain.DAY.value,
}

RECOMPUTED = {
    Grain.HOUR: {"joined_predictions", "data_quality", "hourly_performance", "hourly_findings"},
    Grain.DAY: {"daily_performance", ESTIMATES, "daily_truth_drift", "daily_findings"},
}


def prepare(home: str, hours: int, rows: int, touched: list[int]) -> dict[str, Any]:
    """A store in which everything is computed, but for late actuals, which wait in a file for each set of hours.

    The hours that will be touched, and their days, go through the stages; the others get copies of what the stages
    leave of one complete hour and one complete day: as many rows in every table.

    Args:
        home: where to.
        hours: of history, whole days.
        rows: of each hour.
        touched: how many hours each set of late actuals touches.
    """
    sets = filled.scattered(hours, touched, per_day=TOUCHED_HOURS_OF_A_DAY)
    filled.write_home(home, models=1, hours=hours)
    started = time.perf_counter()
    late = filled.fill(
        home,
        models=1,
        hours=hours,
        rows_per_hour=rows,
        late_hours=[hour for of_set in sets for hour in of_set],
        late_every=LATE_EVERY,
    )
    seconds = {"filling": time.perf_counter() - started}
    for number, of_set in enumerate(sets):
        workload.write_ndjson(_late_file(home, number), (event for hour in of_set for event in late[hour]))
    starts = [[START + hour * HOUR_MICROS for hour in of_set] for of_set in sets]
    (Path(home) / TOUCHED).write_text(json.dumps(starts))
    installation = _open(home, hours, later=0)
    started = time.perf_counter()
    _compute(installation, _all_hours(hours), {start for of_set in starts for start in of_set})
    seconds["computing"] = time.perf_counter() - started
    installation.engine.dispose()
    return {
        "seconds": seconds,
        "late_actuals": sum(len(events) for events in late.values()),
        "store_bytes": _store_bytes(installation),
    }


def bring_in(home: str, hours: int, rows: int) -> dict[str, Any]:
    """Land each set's late actuals and compute what is due, one set after the other.

    Returns:
        For each set the seconds of landing, of finding what is due, and of each stage.
    """
    sets: list[list[int]] = json.loads((Path(home) / TOUCHED).read_text())
    _warm_up(home, hours, sets[0][0])
    found = []
    for number, touched in enumerate(sets):
        installation = _open(home, hours, later=(number + 1) * HOUR_MICROS)
        found.append({"touched_hours": len(touched), **_bring_in(installation, _late_file(home, number))})
        _check_recomputed(installation, touched)
        _check_numbers(installation, touched, rows)
        installation.engine.dispose()
    return {"sets": found}


def _bring_in(installation: Installation, late: Path) -> dict[str, Any]:
    pipeline = installation.pipeline
    seconds: dict[str, float] = defaultdict(float)
    started = time.perf_counter()
    report = ingest_file(installation.engine, late, config=installation.config, clock=installation.clock)
    seconds["landing"] = time.perf_counter() - started
    assert report.accepted == report.received > 0
    started = time.perf_counter()
    while due := due_runs(pipeline, debounce=False):
        seconds["finding what is due"] += time.perf_counter() - started
        for run in due:
            of_grain = stages.HOURLY if run.grain is Grain.HOUR else stages.DAILY
            for stage, took in stages.run(of_grain, pipeline, run.windows.starts, only_due=True).items():
                seconds[stage] += took
        started = time.perf_counter()
    seconds["finding what is due"] += time.perf_counter() - started
    return {"late_actuals": report.accepted, "seconds": dict(seconds)}


def _warm_up(home: str, hours: int, start: int) -> None:
    """Load what a daemon has loaded; computing the same again changes nothing."""
    installation = _open(home, hours, later=0)
    stages.run(stages.HOURLY, installation.pipeline, [start], only_due=False)
    stages.run(stages.DAILY, installation.pipeline, _days([start]), only_due=False)
    installation.engine.dispose()


def _open(home: str, hours: int, *, later: int) -> Installation:
    # A day after the history ended: all its days are over.
    return workload.open_home(home, now=START + hours * HOUR_MICROS + DAY_MICROS + later)


def _store_bytes(installation: Installation) -> int:
    file = installation.engine.url.database
    assert file is not None, "the store of a home is a file"
    return Path(file).stat().st_size


def _late_file(home: str, number: int) -> Path:
    return Path(home) / f"late-{number}.ndjson"


def _all_hours(hours: int) -> list[int]:
    return [START + hour * HOUR_MICROS for hour in range(hours)]


def _days(hours: Sequence[int]) -> list[int]:
    return sorted({floor(hour, Grain.DAY) for hour in hours})


def _compute(installation: Installation, hours: list[int], touched: set[int]) -> None:
    """Bring everything up to date: what will be touched by the stages, the rest by copying."""
    whole_day = next(day for day in _days(hours) if not touched.intersection(Window(day, Grain.DAY).hours()))
    one_hour = whole_day + HOUR_MICROS
    computed = sorted({*touched, one_hour})
    stages.run(stages.HOURLY, installation.pipeline, computed, only_due=False)
    _copy(installation, one_hour, sorted(set(hours) - set(computed)), HOURLY_ROWS)
    days = sorted({*_days(computed), whole_day})
    # Estimating days of which truth is missing is no part of the question, and takes a second for each.
    merging = {name: stage for name, stage in stages.DAILY.items() if name != ESTIMATES}
    stages.run(merging, installation.pipeline, days, only_due=False)
    stages.run(stages.DAILY, installation.pipeline, [whole_day], only_due=False)
    _copy(installation, whole_day, sorted(set(_days(hours)) - set(days)), DAILY_ROWS)
    estimated = {partition_ledger: partition_ledger.c.dataset == ESTIMATES}
    _copy(installation, whole_day, sorted(set(days) - {whole_day}), estimated)
    assert not due_runs(installation.pipeline, debounce=False), "everything is computed"


def _copy(
    installation: Installation, window: int, others: list[int], tables: Mapping[Table, ColumnElement[bool]]
) -> None:
    """Every other window gets the rows of one, as if it had had the same events."""
    with writing(installation.engine) as connection:
        for table, condition in tables.items():
            wanted = select(table).where(table.c.window_start == window, condition)
            rows = [dict(row) for row in connection.execute(wanted).mappings()]
            for first in range(0, len(others), WINDOWS_PER_INSERT):
                copies = [{**row, "window_start": at} for at in others[first:][:WINDOWS_PER_INSERT] for row in rows]
                if copies:
                    connection.execute(insert(table), copies)


def _check_recomputed(installation: Installation, touched: list[int]) -> None:
    """The windows published now are those that the late actuals touched."""
    ledger = partition_ledger.c
    query = select(ledger.dataset, ledger.window_start).where(ledger.published_at == installation.clock())
    published: dict[str, set[int]] = defaultdict(set)
    with reading(installation.engine) as connection:
        for dataset, start in connection.execute(query):
            published[dataset].add(start)
    windows = {Grain.HOUR: set(touched), Grain.DAY: set(_days(touched))}
    assert published == {dataset: windows[grain] for grain in Grain for dataset in RECOMPUTED[grain]}


def _check_numbers(installation: Installation, touched: list[int], rows: int) -> None:
    """The first and the last touched hour are what the database itself makes of their events."""
    error = func.abs(predictions.c.predicted_value - actuals.c.actual_value)
    same = (predictions.c.model_id == actuals.c.model_id) & (predictions.c.prediction_id == actuals.c.prediction_id)
    for start in (touched[0], touched[-1]):
        of_hour = predictions.c.predicted_at.between(start, start + HOUR_MICROS - 1)
        truth = select(func.avg(error)).select_from(predictions).join(actuals, same)
        stored = select(metrics.c.value, metrics.c.labelled_count).where(
            metrics.c.model_id == MODEL_ID,
            metrics.c.grain == Grain.HOUR.value,
            metrics.c.window_start == start,
            metrics.c.segment == "all",
            metrics.c.metric == "mae",
            metrics.c.known_to.is_(None),
        )
        with reading(installation.engine) as connection:
            mae = connection.scalar(truth.where(predictions.c.model_id == MODEL_ID, of_hour))
            value, labelled = connection.execute(stored).one()
        assert labelled == rows
        assert mae is not None
        assert isclose(value, mae, rel_tol=1e-9)
