"""The same late truth, brought in twice from the same state: what it touches, or everything anew."""

import random
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import select

from assets.instance import open_instance
from assets.jobs import JOB_NAMES
from assets.partitions import range_tags
from assets.reconcile import QUIET
from assets.requests import due_runs
from benchmarks.measured import stages, workload
from monitoring_pipeline.alerts.tables import findings
from monitoring_pipeline.database import reading
from monitoring_pipeline.definitions import build_definitions, reconciler
from monitoring_pipeline.events.ingest import ingest_file
from monitoring_pipeline.events.tables import actuals
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.results.tables import drift_results, estimates, metrics, performance_sums, quality_results
from monitoring_pipeline.stages.days import models_of_days
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.tracking.project import project_days
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor

SEGMENTS = ["origin"]

# Late truth reads neither features nor anything made of them.
UNTOUCHED = {"logged_predictions", "hourly_drift", "daily_drift"}


def prepare(
    home: str, models: int, hours: int, rows: int, late_hours: int, late_percent: int, dagster: int
) -> dict[str, Any]:
    """A history that is computed, but for some actuals of old hours, which wait in a file.

    Args:
        home: where to.
        models: how many.
        hours: of history.
        rows: of each model and hour.
        late_hours: hours with late actuals, scattered over all but the last day.
        late_percent: share of all predictions whose actuals are late.
        dagster: whether Dagster will be measured, whose runs show days in MLflow: then MLflow knows the history.
    """
    old_hours = random.Random(workload.SEED).sample(range(hours - 24), late_hours)
    late_rows = models * hours * rows * late_percent // 100 // late_hours  # of each late hour, over all models
    late = {hour * models * rows + i * (models * rows // late_rows) for hour in old_hours for i in range(late_rows)}
    workload.write_home(home, models=models, hours=hours, segments=SEGMENTS, reference_rows=50_000)
    workload.fill(home, models=models, hours=hours, rows_per_hour=rows, late=late)
    installation = _open(home, hours, later=0)
    starts = {Grain.HOUR: _starts(hours, Grain.HOUR), Grain.DAY: _starts(hours, Grain.DAY)}
    started = time.perf_counter()
    stages.run(stages.HOURLY, installation.pipeline, starts[Grain.HOUR], only_due=False)
    stages.run(stages.DAILY, installation.pipeline, starts[Grain.DAY], only_due=False)
    seconds = time.perf_counter() - started
    if dagster:
        _show_in_mlflow(installation, starts[Grain.DAY])
    return {"late": len(late), "seconds": seconds}


def bring_in(home: str, hours: int, how: str) -> dict[str, Any]:
    """Land the late actuals and compute, an hour after the history was.

    Args:
        home: a copy of what :func:`prepare` left.
        hours: of the history.
        how: a key of ``WAYS``.
    """
    _warm_up(home, hours, mlflow="through Dagster" in how)
    installation = _open(home, hours, later=HOUR_MICROS)
    late = Path(home) / "late.ndjson"
    started = time.perf_counter()
    report = ingest_file(installation.engine, late, config=installation.config, clock=installation.clock)
    landed = time.perf_counter()
    runs = WAYS[how](installation, hours)
    ended = time.perf_counter()
    return {
        "ingest_seconds": landed - started,
        "compute_seconds": ended - landed,
        "runs": runs,
        "late_accepted": report.accepted,
        **_what_stands(installation, _touched(installation)),
    }


def _warm_up(home: str, hours: int, *, mlflow: bool) -> None:
    """Load Great Expectations and MLflow, which a daemon has loaded; the same bytes at the old time change nothing."""
    installation = _open(home, hours, later=0)
    stages.run(stages.HOURLY, installation.pipeline, [workload.START], only_due=False)
    if mlflow:
        _show_in_mlflow(installation, [workload.START])
    installation.engine.dispose()


def _due_through_dagster(installation: Installation, _hours: int) -> int:
    with reconciler(installation) as reconcile:
        return reconcile(lambda _run: None).runs


def _all_through_dagster(installation: Installation, hours: int) -> int:
    definitions = build_definitions(installation)
    with open_instance(installation.home) as instance:
        for grain in Grain:
            job = definitions.resolve_job_def(JOB_NAMES[grain])
            _execute(job, instance, range_tags(_starts(hours, grain), grain))
    return len(Grain)


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, tags: dict[str, str]) -> None:
    result = job.execute_in_process(instance=instance, tags=tags, run_config=QUIET)
    assert result.success


def _due_in_stages(installation: Installation, _hours: int) -> int:
    runs = 0
    while due := due_runs(installation.pipeline, debounce=False):
        for run in due:
            of_grain = stages.HOURLY if run.grain is Grain.HOUR else stages.DAILY
            stages.run(of_grain, installation.pipeline, run.windows.starts, only_due=True)
            runs += 1
    return runs


def _due_in_one_call(installation: Installation, _hours: int) -> int:
    """All due windows of a grain together, whatever lies between them: a run of Dagster can only take a range."""
    calls = 0
    while due := due_runs(installation.pipeline, debounce=False):
        grain = due[0].grain
        starts = [start for run in due if run.grain is grain for start in run.windows.starts]
        of_grain = stages.HOURLY if grain is Grain.HOUR else stages.DAILY
        stages.run(of_grain, installation.pipeline, starts, only_due=True)
        calls += 1
    return calls


def _all_in_stages(installation: Installation, hours: int) -> int:
    stages.run(stages.HOURLY, installation.pipeline, _starts(hours, Grain.HOUR), only_due=False)
    stages.run(stages.DAILY, installation.pipeline, _starts(hours, Grain.DAY), only_due=False)
    return len(Grain)


WAYS: dict[str, Callable[[Installation, int], int]] = {
    "what is due, through Dagster": _due_through_dagster,
    "everything, through Dagster": _all_through_dagster,
    "what is due, without Dagster": _due_in_stages,
    "what is due at once, without Dagster": _due_in_one_call,
    "everything, without Dagster": _all_in_stages,
}


def _open(home: str, hours: int, *, later: int) -> Installation:
    # A day after the history ended: all its days are over.
    return workload.open_home(home, now=workload.START + hours * HOUR_MICROS + DAY_MICROS + later)


def _starts(hours: int, grain: Grain) -> list[int]:
    return list(range(workload.START, workload.START + hours * HOUR_MICROS, grain.micros))


def _show_in_mlflow(installation: Installation, days: list[int]) -> None:
    with reading(installation.engine) as connection:
        wanted = models_of_days(connection, days)
        declarations = {m: declaration(connection, installation.config, m) for m, _ in wanted}
    project_days(
        installation.engine, installation.tracking, wanted, clock=installation.clock, declarations=declarations
    )


def _touched(installation: Installation) -> set[tuple[str, int]]:
    """The model-hours that the late actuals belong to, from the events themselves."""
    table = actuals.c
    query = select(table.model_id, table.predicted_at).where(table.received_at == installation.clock())
    with reading(installation.engine) as connection:
        return {(model_id, floor(at, Grain.HOUR)) for model_id, at in connection.execute(query)}


def _what_stands(installation: Installation, touched: set[tuple[str, int]]) -> dict[str, Any]:
    """Which windows this process published, whether they are those touched, and a digest of all that stands."""
    with reading(installation.engine) as connection:
        rows = connection.execute(select(partition_ledger)).all()
    days = {(model_id, floor(hour, Grain.DAY)) for model_id, hour in touched}
    published: dict[str, set[tuple[str, int]]] = {row.dataset: set() for row in rows}
    for row in rows:
        if row.published_at == installation.clock():
            published[row.dataset].add((row.model_id, row.window_start))
    expected = {
        name: set() if name in UNTOUCHED else (days if name.startswith("daily_") else touched) for name in published
    }
    return {
        "model_hours_touched": len(touched),
        "model_days_touched": len(days),
        "recomputed": {name: len(windows) for name, windows in sorted(published.items())},
        "exactly_the_touched": published == expected,
        "digest": _digest(installation),
    }


def _digest(installation: Installation) -> str:
    """One hash of every output that stands: the ledger's checksums, the sums and all result rows.

    Without revisions and knowledge times: a full recomputation also says of untouched files that they are of the
    newest revision.
    """
    ledger = partition_ledger.c
    queries = [select(ledger.dataset, ledger.model_id, ledger.window_start, ledger.checksum), select(performance_sums)]
    for table in (metrics, estimates, drift_results, quality_results, findings):
        columns = (column for column in table.columns if column.name not in {"known_from", "known_to"})
        queries.append(select(*columns).where(table.c.known_to.is_(None)))
    digest = sha256()
    with reading(installation.engine) as connection:
        for query in queries:
            for line in sorted(repr(tuple(row)) for row in connection.execute(query)):
                digest.update(line.encode())
    return digest.hexdigest()
