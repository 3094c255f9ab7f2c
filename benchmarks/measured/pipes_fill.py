"""A month of one model's predictions and their truth, made by the database: sending them would take an hour.

The store is what ingest leaves behind, down to what it counts and the errors that it keeps: a test holds the two
against each other, table by table. Indexes are as deep as in a store that has grown; on SQLite their pages are as
scattered, too.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from benchmarks.measured.pipes_rows import FEATURES, MODEL, REVISION, Extent, statements
from benchmarks.measured.progress import tell
from benchmarks.measured.stores import open_store
from benchmarks.measured.straight import filling, write_out
from monitoring_pipeline.database import insert_of, reading
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import ByPart, by_group, write_groups, write_parts
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.stages.live.errors.rows import errors_by_part, stored_rows
from monitoring_pipeline.windows import HOUR_MICROS


def fill(database: str, store: str, rows: int, hours: int) -> dict[str, Any]:
    """Predictions of the hours before this one, each with its truth, and what ingest would have kept of them."""
    with open_store(database, store) as engine:
        started = time.perf_counter()
        kept_as_computed = fill_store(engine, Extent.until_now(rows=rows, hours=hours))
    store_bytes = write_out(Path(store))
    seconds = time.perf_counter() - started
    return {"kept_as_computed": kept_as_computed, "seconds": seconds, "store_bytes": store_bytes}


def fill_store(engine: Engine, extent: Extent) -> bool:
    """Fill a store that is empty; whether the errors that were filled in are those of the rows."""
    known = {"rows": extent.rows, "per_hour": extent.per_hour, "start": extent.start, "features": FEATURES}
    with filling(engine, large=(predictions, actuals)) as connection:
        for what, statement in statements(engine.dialect.name):
            tell(what)
            made = text(statement)
            connection.execute(made, {name: known[name] for name in made.compile().params})
    tell("errors of hours")
    with reading(engine) as connection:
        first, last = (_computed(connection, extent, hour) for hour in (0, extent.hours - 1))
    kept = {hour: _moved(first, hour * HOUR_MICROS) for hour in range(extent.hours)}
    _keep(engine, extent, kept)
    return kept[extent.hours - 1] == last


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
