"""The store that the pipes are measured on is the one that ingest would have made of the same events."""

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Engine

# The benchmarks are run from the project's folder and never installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measured.pipes_fill import fill_store
from benchmarks.measured.pipes_rows import Extent, prediction_id
from benchmarks.measured.stores import open_store
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.schema import metadata
from monitoring_pipeline.windows import HOUR_MICROS, isoformat
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import NOTHING_DECLARED, stored

# Hours that cannot be divided into so many equal parts, and some parts of each with several rows.
EXTENT = Extent(start=NOON_MICROS - 30 * HOUR_MICROS, hours=26, per_hour=43)

Row = dict[str, Any]


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def filled(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A filled store, on a server of its own: filling changes what a server is set to."""
    with (
        tempfile.TemporaryDirectory(prefix="filled-", ignore_cleanup_errors=True) as folder,
        open_store(request.param, folder) as store,
    ):
        assert fill_store(store, EXTENT), "the errors of the last hour are those of the first"
        yield store


@pytest.fixture
def ingested(request: pytest.FixtureRequest, filled: Engine) -> Engine:
    """Another store on the same database, to which the same events were sent."""
    engine: Engine = request.getfixturevalue("sqlite_engine" if filled.dialect.name == "sqlite" else "postgres_engine")
    _ingest(engine, filled)
    return engine


def test_every_table_of_a_filled_store_holds_what_ingest_would_have_stored(filled: Engine, ingested: Engine) -> None:
    for table in metadata.sorted_tables:
        assert _comparable(filled, table.name) == _comparable(ingested, table.name), table.name
    for table_name in ("predictions", "actuals", "hour_errors", "version_totals", "ingest_counters"):
        assert stored(filled, table_name), table_name


def test_a_filled_store_is_of_the_extent_that_was_asked_for(filled: Engine) -> None:
    made = sorted(stored(filled, "predictions"), key=lambda row: row["predicted_at"])

    assert [row["prediction_id"] for row in made] == [prediction_id(number) for number in range(26 * 43)]
    assert [row["predicted_at"] // HOUR_MICROS - EXTENT.start // HOUR_MICROS for row in made] == [
        hour for hour in range(26) for _ in range(43)
    ]
    assert {row["prediction_id"] for row in stored(filled, "actuals")} == {row["prediction_id"] for row in made}


def _ingest(engine: Engine, filled: Engine) -> None:
    """Tell another store what the rows of a filled one say, as producers do: each hour when it ends, then its truth."""
    predictions, actuals = stored(filled, "predictions"), stored(filled, "actuals")
    for start in range(EXTENT.start, EXTENT.start + EXTENT.hours * HOUR_MICROS, HOUR_MICROS):
        clock = FixedClock(start + HOUR_MICROS)
        _land(engine, map(_prediction, _of_hour(predictions, start)), kind="predictions", clock=clock)
        _land(engine, map(_actual, _of_hour(actuals, start)), kind="actuals", clock=clock)


def _land(engine: Engine, events: Iterable[Row], *, kind: Literal["predictions", "actuals"], clock: FixedClock) -> None:
    report = ingest_rows(engine, events, kind=kind, config=NOTHING_DECLARED, clock=clock, source="http")
    assert report.accepted == EXTENT.per_hour


def _prediction(row: Row) -> Row:
    names = ("model_id", "prediction_id", "model_version", "environment", "predicted_value")
    event = {name: row[name] for name in names}
    return {**event, "timestamp": isoformat(row["predicted_at"]), "features": json.loads(row["features"])}


def _actual(row: Row) -> Row:
    event = {name: row[name] for name in ("model_id", "prediction_id", "actual_value")}
    return {**event, "timestamp": isoformat(row["observed_at"])}


def _of_hour(rows: list[Row], start: int) -> list[Row]:
    return [row for row in rows if start <= row["predicted_at"] < start + HOUR_MICROS]


def _comparable(engine: Engine, table: str) -> list[Row]:
    """The rows with their batches told by what they are: the ids that ingest gives them are random."""
    batches = {row["batch_id"]: (row["kind"], row["received_at"]) for row in stored(engine, "ingest_batches")}
    rows = stored(engine, table)
    told = [{**row, "batch_id": batches[row["batch_id"]]} if "batch_id" in row else row for row in rows]
    return sorted(told, key=lambda row: str(row["batch_id"])) if table == "ingest_batches" else told
