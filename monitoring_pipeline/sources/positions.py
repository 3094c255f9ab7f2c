"""How far a source has been read, kept in the transaction that lands what was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, func, select

from monitoring_pipeline.database import insert_of, reading
from monitoring_pipeline.sources.tables import source_positions

WHOLE = ""
"""The part that stands for the whole of a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where the next reading of one part of a source begins."""

    source: str
    part: str
    value: Mapping[str, Any]


def positions_of(engine: Engine, source: str) -> dict[str, dict[str, Any]]:
    """What is known of each part of a source.

    Raises:
        MonitorError: if the store cannot be opened.
    """
    table = source_positions.c
    with reading(engine) as connection:
        rows = connection.execute(select(table.part, table.position).where(table.source == source))
        return {row.part: orjson.loads(row.position) for row in rows}


def last_read_at(engine: Engine) -> dict[str, int]:
    """When each source was last read, microseconds UTC; a source that never was is not among them."""
    table = source_positions.c
    with reading(engine) as connection:
        rows = connection.execute(select(table.source, func.max(table.read_at).label("read_at")).group_by(table.source))
        return {row.source: row.read_at for row in rows}


def keep(connection: Connection, positions: Sequence[Position], *, now: int) -> None:
    """Write positions in an open writing transaction."""
    for position in positions:
        written = orjson.dumps(dict(position.value), option=orjson.OPT_SORT_KEYS).decode()
        row = {"source": position.source, "part": position.part, "position": written, "read_at": now}
        insert = insert_of(connection)(source_positions).values(row)
        changed = {"position": written, "read_at": now}
        connection.execute(insert.on_conflict_do_update(index_elements=["source", "part"], set_=changed))
