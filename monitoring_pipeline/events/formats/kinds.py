"""Telling predictions from actuals by their columns."""

from collections.abc import Iterator
from itertools import chain

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.rows import Row, Source
from monitoring_pipeline.events.schema import Kind

_PEEK_ROWS = 1_000
_PEEK_BYTES = 8_000_000


def infer_kind(source: Source, rows: Iterator[Row], *, where: str) -> tuple[Kind | None, Iterator[Row]]:
    """The kind of the rows, and all of them again from the first.

    A column ``predicted_value`` tells predictions (they may carry their actuals), else ``actual_value`` or
    ``retracted`` tells actuals. Where the source names no columns, those of its first thousand rows are looked at.
    A source with neither columns nor rows has no kind.

    Raises:
        MonitorError: if none of these columns is there.
    """
    first = _peek(rows) if source.columns is None else []
    names = {name for row in first for name in row.record or ()} if source.columns is None else source.columns
    rows = chain(first, rows)
    if "predicted_value" in names:
        return Kind.PREDICTIONS, rows
    if "actual_value" in names or "retracted" in names:
        return Kind.ACTUALS, rows
    if not names and not first:
        return None, rows
    raise MonitorError(
        f"{where}: no column predicted_value, actual_value or retracted tells what its rows are; "
        "give --kind predictions or --kind actuals"
    )


def _peek(rows: Iterator[Row]) -> list[Row]:
    first: list[Row] = []
    size = 0
    for row in rows:
        first.append(row)
        size += row.size
        if len(first) >= _PEEK_ROWS or size >= _PEEK_BYTES:
            break
    return first
