"""A month of one model's predictions and their truth, made by the database: sending them would take an hour.

The store is what ingest leaves behind, down to the sums that it keeps. Rows are in the order of time, as they arrive;
ids are in none, as producers make them, so that indexes are as deep and their pages as scattered as in a store that has
grown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text

from benchmarks.measured.progress import tell
from benchmarks.measured.stores import open_store
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.database import insert_of, reading
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import ByPart, by_group, write_groups, write_parts
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.stages.live.errors.rows import errors_by_part, stored_rows
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor

MODEL = "price"
REVISION = 2  # of every hour: its predictions came, then their truth

# Odd, so that no two numbers below 2**32 give the same.
_SCATTER = 2_654_435_761

# Every hour holds the same values, so that the errors of one hour are those of all of them.
_COUNTED = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(0 AS bigint), :rows - 1))",
}
_ID = {
    "sqlite": f"printf('%08x-%d', i * {_SCATTER} % 4294967296, i)",
    "postgresql": f"lpad(to_hex(i * {_SCATTER} % 4294967296), 8, '0') || '-' || i",
}
_MADE = ":start + (i / :per_hour) * 3600000000 + (i % :per_hour) * (3600000000 / :per_hour)"
_PREDICTED = "(i % :per_hour) * 0.001"
_ACTUAL = f"{_PREDICTED} + (((i % :per_hour) * 7919) % 1000 - 500) * 0.013"

_STATEMENTS = {
    "predictions": f"""
        INSERT INTO predictions (model_id, prediction_id, predicted_at, model_version, environment, predicted_value,
            features, received_at, batch_id)
        {{counted}} SELECT '{MODEL}', {{id}}, {_MADE}, 'v1', 'production', {_PREDICTED}, '{{{{}}}}', {_MADE}, 'filled'
        FROM n""",
    "actuals": f"""
        INSERT INTO actuals (model_id, prediction_id, revision, predicted_at, actual_value, observed_at, received_at,
            batch_id)
        {{counted}} SELECT '{MODEL}', {{id}}, 1, {_MADE}, {_ACTUAL}, {_MADE}, {_MADE}, 'filled' FROM n""",
    "counts": f"""
        INSERT INTO version_totals
        SELECT '{MODEL}', 'v1', 'production', COUNT(*), MIN(received_at), MAX(received_at), MIN(predicted_at),
            MAX(predicted_at)
        FROM predictions""",
    "counters": f"""
        INSERT INTO prediction_counters
        SELECT '{MODEL}', 'v1', 'production', '', 'predictions', 'count', COUNT(*) FROM predictions""",
    "hours": f"""
        INSERT INTO hour_revision (model_id, hour, revision, prediction_revision, changed_at)
        SELECT '{MODEL}', predicted_at - predicted_at % 3600000000, {REVISION}, 1, MAX(received_at)
        FROM predictions GROUP BY predicted_at - predicted_at % 3600000000""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much there is, from when on."""

    start: int
    hours: int
    per_hour: int

    @property
    def rows(self) -> int:
        """Of all hours."""
        return self.hours * self.per_hour

    @classmethod
    def until_now(cls, *, rows: int, hours: int) -> "Extent":
        """The whole hours before this one."""
        start = floor(system_clock(), Grain.HOUR) - hours * HOUR_MICROS
        return cls(start=start, hours=hours, per_hour=rows // hours)


def prediction_id(number: int) -> str:
    """The id of a filled prediction."""
    return f"{number * _SCATTER % 2**32:08x}-{number}"


def fill(database: str, store: str, rows: int, hours: int) -> dict[str, Any]:
    """Predictions of the hours before this one, each with its truth, and what ingest would have kept of them."""
    Path(store).mkdir(parents=True, exist_ok=True)
    with open_store(database, store) as engine:
        return {"kept_as_computed": fill_store(engine, Extent.until_now(rows=rows, hours=hours))}


def fill_store(engine: Engine, extent: Extent) -> bool:
    """Fill a store that is empty; whether the errors that were filled in are those of the rows."""
    filling = _sqlite_filling if engine.dialect.name == "sqlite" else _postgresql_filling
    with filling(engine) as connection:
        for what, statement in _STATEMENTS.items():
            tell(what)
            written = text(statement.format(counted=_COUNTED[engine.dialect.name], id=_ID[engine.dialect.name]))
            known = {"rows": extent.rows, "per_hour": extent.per_hour, "start": extent.start}
            connection.execute(written, {name: known[name] for name in written.compile().params})
    with reading(engine) as connection:
        first, last = (_computed(connection, extent, hour) for hour in (0, extent.hours - 1))
    kept = {hour: _moved(first, hour * HOUR_MICROS) for hour in range(extent.hours)}
    _keep(engine, extent, kept)
    return kept[extent.hours - 1] == last


@contextmanager
def _sqlite_filling(engine: Engine) -> Iterator[Connection]:
    """A transaction that need not be durable: a crash only means to fill again.

    The indexes stay: rows come in the order of time, and the indexes that are not in that order cannot be taken away.
    """
    engine.dispose()
    filling = create_engine(engine.url)
    event.listen(filling, "connect", _not_durable)
    with filling.begin() as connection:
        yield connection
    filling.dispose()


def _not_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-2000000"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def _postgresql_filling(engine: Engine) -> Iterator[Connection]:
    """As above, and without keys and indexes, which are made at its end.

    What was filled is written out before anything is measured, or the server would do it meanwhile.
    """
    _outside(engine, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_wal_size = '32GB'", _RELOAD)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for table in _LARGE:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}"))
            for index in table.indexes:
                index.drop(connection)
        yield connection
        for table in _LARGE:
            tell(f"indexes of {table}")
            columns = ", ".join(table.primary_key.columns.keys())
            connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({columns})"))
            for index in table.indexes:
                index.create(connection)
    tell("vacuum and checkpoint")
    _outside(engine, "ALTER SYSTEM RESET ALL", _RELOAD, "VACUUM ANALYZE", "CHECKPOINT")


_LARGE = (predictions, actuals)
_RELOAD = "SELECT pg_reload_conf()"


def _outside(engine: Engine, *statements: str) -> None:
    """What cannot be done in a transaction."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))


def _computed(connection: Connection, extent: Extent, hour: int) -> ByPart:
    start = extent.start + hour * HOUR_MICROS
    return errors_by_part(stored_rows(connection, MODEL, start, start + HOUR_MICROS))


def _moved(parts: ByPart, by: int) -> ByPart:
    return {
        (start + by, version, environment): replace(sums, first_at=sums.first_at + by, last_at=sums.last_at + by)
        for (start, version, environment), sums in parts.items()
    }


def _keep(engine: Engine, extent: Extent, kept: dict[int, ByPart]) -> None:
    rows = [
        {
            "model_id": MODEL,
            "hour": extent.start + hour * HOUR_MICROS,
            "revision": REVISION,
            "errors": write_groups(by_group(parts.items())),
            "parts": write_parts(parts),
        }
        for hour, parts in kept.items()
    ]
    with engine.begin() as connection:
        connection.execute(insert_of(connection)(hour_errors), rows)
