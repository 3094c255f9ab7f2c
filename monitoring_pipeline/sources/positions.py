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

_LOST = " lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Messages that were deleted before they were read.

    Attributes:
        messages: how many at most, of all sources, ever.
        last_at: when that was last noticed, microseconds UTC; ``None`` if never.
    """

    messages: int
    last_at: int | None


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
    with reading(engine) as connection:
        return positions_in(connection, source)


def positions_in(connection: Connection, source: str) -> dict[str, dict[str, Any]]:
    """What is known of each part of a source, in an open transaction."""
    table = source_positions.c
    rows = connection.execute(select(table.part, table.position).where(table.source == source))
    return {row.part: orjson.loads(row.position) for row in rows}


def losses_in(connection: Connection) -> Losses:
    """What sources have missed because it was deleted before it was read, in an open transaction."""
    table = source_positions.c
    query = select(table.position, table.read_at).where(table.part.like(f"%{_LOST}"))
    rows = [(orjson.loads(row.position), row.read_at) for row in connection.execute(query)]
    losses = [(kept["lost"], at) for kept, at in rows if "lost" in kept]  # a file's name may end so, too
    return Losses(messages=sum(lost for lost, _ in losses), last_at=max((at for _, at in losses), default=None))


def lost_part(part: str) -> str:
    """The part that says what was lost of another, in a row that nothing else writes; no topic's name holds a blank."""
    return f"{part}{_LOST}"


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
