"""Writing results: only what changed, by closing the old row and opening a new one.

A recomputation that finds the same values writes nothing, so storage grows with changes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, insert, select, update

from monitoring_pipeline.results.tables import performance_sums

Row = Mapping[str, Any]

SUMS_KEY = ("model_id", "window_start", "model_version", "environment", "segment", "family")


def replace_standing(
    connection: Connection,
    table: Table,
    scope: ColumnElement[bool],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    now: int,
) -> int:
    """Make ``rows`` the standing rows of a scope.

    Args:
        connection: a writing transaction.
        table: a result table with ``known_from`` and ``known_to``.
        scope: which standing rows the new ones replace; those whose key is not among ``rows`` are closed.
        rows: the complete truth of the scope, without the knowledge columns.
        key: the columns that identify a row among all standing ones of the table, not just of the scope.
        now: the knowledge time of the change.

    Returns:
        How many rows were opened or closed; 0 if nothing changed.
    """
    columns, all_standing = _standing_rows(table)
    found = [dict(zip(columns, row, strict=True)) for row in connection.execute(all_standing.where(scope))]
    standing = {tuple(row[name] for name in key): row for row in found}
    wanted = {tuple(row[name] for name in key): {name: row.get(name) for name in columns} for row in rows}
    opened = [row for identity, row in wanted.items() if standing.get(identity) != row]
    closed = [row for identity, row in standing.items() if wanted.get(identity) != row]
    _close(connection, table, closed, key=key, now=now)
    if opened:
        connection.execute(insert(table), [{**row, "known_from": now} for row in opened])
    return len(opened) + len(closed)


@cache
def _standing_rows(table: Table) -> tuple[Sequence[str], Select[Any]]:
    """A result table's columns but those of knowledge, and the question for what stands: made once for each table."""
    columns = [column for column in table.columns if column.name not in ("known_from", "known_to")]
    return [column.name for column in columns], select(*columns).where(table.c.known_to.is_(None))


def _close(connection: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str], now: int) -> None:
    if not rows:
        return
    identity = and_(*(table.c[name] == bindparam(f"key_{name}") for name in key))
    statement = update(table).where(identity, table.c.known_to.is_(None)).values(known_to=now)
    connection.execute(statement, [{f"key_{name}": row[name] for name in key} for row in rows])


def replace_sums(
    connection: Connection, model_id: str, hours: Collection[int], rows: Sequence[Row], *, now: int
) -> None:
    """Make ``rows`` the mergeable sums of one model's hours; sums that changed keep their past."""
    table = performance_sums.c
    by_hour: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_hour[row["window_start"]].append(row)
    for start in range(0, len(hours), 500):
        batch = sorted(hours)[start : start + 500]
        scope = and_(table.model_id == model_id, table.window_start.in_(batch))
        wanted = [row for hour in batch for row in by_hour[hour]]
        replace_standing(connection, performance_sums, scope, wanted, key=SUMS_KEY, now=now)


def checksum_of(rows: Iterable[Row]) -> str:
    """A hash of result rows that does not depend on their order: equal results, equal hash."""
    # Decoded: the bytes that orjson gives hold 8 kB and more each.
    lines = sorted(orjson.dumps(dict(row), option=orjson.OPT_SORT_KEYS).decode() for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
