"""A store of the first schema is upgraded: what was told is kept, and what can be measured anew is due."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, delete

from monitoring_pipeline.alerts.history import alert_history
from monitoring_pipeline.database import open_engine, reading, writing
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.stages.due import due_hours
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests import first_schema
from tests.pipeline_examples import (
    LONG_AFTER,
    START,
    final_state,
    history,
    ingest,
    messages_of,
    open_home,
    run_due,
    table_rows,
)

HOURLY = ("logged_predictions", "joined_predictions", "hourly_performance", "hourly_drift", "hourly_findings")
DAILY = ("daily_performance", "daily_drift", "daily_findings")
ALERT_ID = "a1" * 16


@pytest.fixture(params=["sqlite", "postgresql"])
def first(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Engine]:
    """A store of the first schema, empty, on each database."""
    if request.param == "sqlite":
        store = open_engine(sqlite_url)
    else:
        store = open_engine(request.getfixturevalue("postgres_database_url"))
    first_schema.begin(store)
    yield store
    store.dispose()


def ledger_row(dataset: str, window_start: int) -> first_schema.Row:
    return {
        "dataset": dataset,
        "model_id": "m",
        "window_start": window_start,
        "revision": 1,
        "checksum": "numbers",
        "row_count": 1,
        "byte_count": 0,
        "published_at": START,
    }


def hour_row(hour: int) -> first_schema.Row:
    return {"model_id": "m", "hour": hour, "revision": 1, "prediction_revision": 1, "changed_at": START}


def test_events_results_and_alerts_are_kept_to_the_last_bit(first: Engine) -> None:
    with first_schema.tables(first) as tables:
        rows = {
            name: [first_schema.a_row(table)]
            for name, table in tables.items()
            if name not in ("alembic_version", "partition_ledger", "performance_sums")
        }
    for name in ("metrics", "findings", "drift_results", "quality_results"):
        rows[name] += [{**rows[name][0], "known_to": None}]  # one that was superseded, and one that stands
    rows["alerts"][0] |= {"alert_id": ALERT_ID}
    rows["alert_events"][0] |= {"alert_id": ALERT_ID}
    first_schema.fill(first, rows)

    upgrade(first)

    after = first_schema.all_rows(first)
    assert {name: [{c: row[c] for c in rows[name][0]} for row in after[name]] for name in rows} == rows
    assert {(row["detectable_change"], row["error_bound"]) for row in after["metrics"]} == {(None, None)}
    [event] = alert_history(first, ALERT_ID)
    assert (event["severity"], event["causes"], event["new_value"]) == (None, None, 0.1 + 0.2)


def test_computed_hours_are_due_again_and_sealed_ones_are_not(first: Engine) -> None:
    computed, sealed, fresh = START, START + HOUR_MICROS, START + 2 * HOUR_MICROS
    first_schema.fill(
        first,
        {
            "hour_revision": [hour_row(hour) for hour in (computed, sealed, fresh)],
            "partition_ledger": [
                *(ledger_row(dataset, hour) for dataset in HOURLY for hour in (computed, sealed)),
                ledger_row("sealed_events", sealed),
            ],
        },
    )

    upgrade(first)

    with reading(first) as connection:
        due = due_hours(connection, now=LONG_AFTER)
    left = {(row["dataset"], row["window_start"]) for row in first_schema.all_rows(first)["partition_ledger"]}
    assert [(hour.window_start, hour.reopened) for hour in due] == [(computed, False), (fresh, False)]
    assert left == {
        *((dataset, sealed) for dataset in (*HOURLY, "sealed_events")),
        ("logged_predictions", computed),  # nothing new in it
    }


def test_a_day_is_merged_anew_unless_all_its_hours_are_sealed(first: Engine) -> None:
    sealed_day, half_sealed_day = START, START + DAY_MICROS
    hours = (sealed_day, half_sealed_day, half_sealed_day + HOUR_MICROS)
    first_schema.fill(
        first,
        {
            "partition_ledger": [
                *(ledger_row(dataset, hour) for dataset in HOURLY for hour in hours),
                *(ledger_row("sealed_events", hour) for hour in hours[:2]),
                *(ledger_row(dataset, day) for dataset in DAILY for day in (sealed_day, half_sealed_day)),
            ],
        },
    )

    upgrade(first)

    left = {(row["dataset"], row["window_start"]) for row in first_schema.all_rows(first)["partition_ledger"]}
    days = {entry for entry in left if entry[0].startswith("daily_")}
    assert days == {(dataset, sealed_day) for dataset in DAILY}


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_the_next_reconciliation_says_all_that_a_fresh_store_says_and_tells_nobody_twice(tmp_path: Path) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predicted, told = history([*range(4), 30])
    ingest(installation, predictions=predicted, actuals=told)
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
        fresh, messages = final_state(installation), messages_of(installation)
        events = table_rows(installation, "findings")
        make_first(installation)

        upgrade(installation.engine)
        run_due(installation, instance)

    assert final_state(installation) == fresh
    assert (messages_of(installation), table_rows(installation, "findings")) == (messages, events)
    installation.engine.dispose()


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_a_day_with_sealed_hours_is_still_merged_from_all_of_them(tmp_path: Path) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predicted, told = history(range(3))
    ingest(installation, predictions=predicted, actuals=told)
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
        before = errors_of_days(installation)
        seal_first_hour(installation)
        make_first(installation)

        upgrade(installation.engine)
        run_due(installation, instance)

    assert errors_of_days(installation) == before
    installation.engine.dispose()


def make_first(installation: Installation) -> None:
    """Take the installation's store back to the first schema, with what it would have held then."""
    rows = first_schema.as_first_written(first_schema.all_rows(installation.engine))
    first_schema.begin(installation.engine)
    first_schema.fill(installation.engine, rows)


def seal_first_hour(installation: Installation) -> None:
    """Remove the first hour's events; its file is one of before it kept what was known when."""
    later = ["received_at", "first_actual_received_at", "truth_history"]
    with first_schema.tables(installation.engine) as tables, writing(installation.engine) as connection:
        ledger = tables["partition_ledger"]
        for model_id in ("delay", "late"):
            of_hour = (ledger.c.model_id == model_id, ledger.c.window_start == START)
            where = (*of_hour, ledger.c.dataset == "joined_predictions")
            entry = connection.execute(ledger.select().where(*where)).one()
            table = installation.pipeline.lake.read(entry.path, checksum=entry.checksum).drop_columns(later)
            stored = installation.pipeline.lake.store("joined_predictions", model_id, START, table)
            connection.execute(ledger.update().where(*where).values(path=stored.path, checksum=stored.checksum))
            seal = {**ledger_row("sealed_events", START), "model_id": model_id}
            connection.execute(ledger.insert(), seal)
        for events in (predictions, actuals):
            connection.execute(delete(events).where(events.c.predicted_at < START + HOUR_MICROS))


def errors_of_days(installation: Installation) -> list[tuple[object, ...]]:
    rows = read_metrics(installation.engine, grain=Grain.DAY)
    wanted = [row for row in rows if row["metric"] in first_schema.METRICS]
    columns = ("model_id", "segment", "metric", "value", "prediction_count", "labelled_count")
    return [tuple(row[column] for column in columns) for row in wanted]
