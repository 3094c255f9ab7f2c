"""No statement that runs with each request, or with each commit, looks through a whole table that grows with events."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as engine_events

from monitoring_pipeline.config.models import MonitoringConfig, Task
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.details import prediction_details
from monitoring_pipeline.stages.live.drift import drift_detection
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.performance import performance_metrics
from monitoring_pipeline.stages.models import declaration
from tests.conftest import FixedClock
from tests.serving import event

# A scan of one of these costs more with every event that was ever stored.
_GROWING = re.compile(r"\bSCAN (?:predictions|actuals|hour_revision|hour_errors|quarantine|ingest_batches)\b")

Statements = list[tuple[str, Any]]


@contextmanager
def _noted(engine: Engine) -> Iterator[Statements]:
    statements: Statements = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, _context: object, many: bool) -> None:
        statements.append((statement, values[0] if many else values))

    engine_events.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        engine_events.remove(engine, "before_cursor_execute", note)


def _scans(engine: Engine, statements: Statements) -> list[str]:
    found = []
    with engine.connect() as connection:
        for statement, values in statements:
            if statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                found += [f"{step[-1]}: {statement}" for step in plan if _GROWING.search(step[-1])]
    return found


def _land(engine: Engine, rows: list[dict[str, Any]], kind: Kind, clock: FixedClock) -> None:
    ingest_rows(engine, rows, kind=kind, config=MonitoringConfig(), clock=clock)


def _truth(number: int, value: float) -> dict[str, Any]:
    return {"model_id": "price", "prediction_id": f"p{number}", "actual_value": value}


def test_landing_events_finds_all_that_it_needs_by_keys(sqlite_engine: Engine, clock: FixedClock) -> None:
    _land(sqlite_engine, [_truth(number, 1) for number in (0, 99)], Kind.ACTUALS, clock)  # orphans

    with _noted(sqlite_engine) as statements:
        _land(sqlite_engine, [event(number) for number in range(3)], Kind.PREDICTIONS, clock)
        _land(sqlite_engine, [event(0), event(1, predicted_value=7), event(5)], Kind.PREDICTIONS, clock)
        _land(sqlite_engine, [_truth(number, 2) for number in range(3)], Kind.ACTUALS, clock)

    assert any("UPDATE actuals" in statement for statement, _ in statements), "an orphan was adopted"
    assert _scans(sqlite_engine, statements) == []


@pytest.mark.parametrize("hours", [3, 720])
def test_pipes_find_all_that_they_need_by_keys(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, hours: int
) -> None:
    _land(sqlite_engine, [event(number) for number in range(3)], Kind.PREDICTIONS, clock)
    _land(sqlite_engine, [_truth(number, 2) for number in range(3)], Kind.ACTUALS, clock)
    live = Live.of(sqlite_engine, lake=Lake(root=tmp_path), clock=clock)
    of_version: dict[str, Any] = {"model_id": "price", "model_version": "latest", "environment": "production"}

    with _noted(sqlite_engine) as statements:
        rows = performance_metrics(live, **of_version, time_window_hours=hours).rows
        drift_detection(
            live,
            model_id="price",
            environment="production",
            recent_window_hours=1,
            historical_window_hours=hours,
        )
        details = prediction_details(live, **of_version, limit=2)

    assert (len(rows), len(details.rows)) == (1, 2)
    assert _scans(sqlite_engine, statements) == []


def test_the_task_of_a_model_that_nobody_declared_is_told_without_looking_at_its_predictions(
    sqlite_engine: Engine, clock: FixedClock
) -> None:
    _land(sqlite_engine, [event(number) for number in range(3)], Kind.PREDICTIONS, clock)

    with _noted(sqlite_engine) as statements, reading(sqlite_engine) as connection:
        task = declaration(connection, MonitoringConfig(), "price").task

    assert task is Task.REGRESSION
    # A search by the model's name reads as much as a scan, if all events are that model's.
    assert [statement for statement, _ in statements if re.search(r"\b(?:predictions|actuals)\b", statement)] == []
