"""The joined rows as they were known at an instant: fewer predictions, less truth, or another one.

Files that were written before they kept what was known when are told as far as they go: without ``received_at`` all
predictions count as known, without ``truth_history`` the truth that holds is the only one there ever was.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from monitoring_pipeline.events.truth import known_by, read_history, truth_of

_RECEIVED = "received_at"
_HISTORY = "truth_history"
_ACTUAL_RECEIVED = "actual_received_at"
_FIRST_RECEIVED = "first_actual_received_at"

# By column of the truth: the column that says since when its value is known.
_KNOWN_SINCE = {
    "actual_value": _ACTUAL_RECEIVED,
    "actual_class": _ACTUAL_RECEIVED,
    _ACTUAL_RECEIVED: _ACTUAL_RECEIVED,
    _FIRST_RECEIVED: _FIRST_RECEIVED,
}


def known_at(table: pa.Table, instant: int) -> pa.Table:
    """The table as it was known at an instant, with the same columns and in the same order of rows.

    It equals the table that would have been joined from all that was received up to and including the instant.

    Args:
        table: rows of ``joined_predictions``, of any number of hours.
        instant: microseconds UTC.
    """
    rows = _received_by(table, instant)
    told = {name: _told_by(rows, name, since, instant) for name, since in _KNOWN_SINCE.items() if _has(rows, name)}
    if _has(rows, _HISTORY):
        has_history = _has_history(rows)
        texts = rows[_HISTORY].filter(has_history).to_pylist()
        truths = [truth_of(known_by(read_history(text), instant)) for text in texts]
        told = {
            name: _replaced(column, has_history, [getattr(truth, name) for truth in truths])
            for name, column in {**told, _HISTORY: rows[_HISTORY]}.items()
        }
    for name, column in told.items():
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
    return rows


def _has(table: pa.Table, name: str) -> bool:
    return name in table.column_names


def _received_by(table: pa.Table, instant: int) -> pa.Table:
    if not _has(table, _RECEIVED):
        return table
    # Null where the hour's file is older than the column.
    return table.filter(pc.fill_null(pc.less_equal(table[_RECEIVED], instant), fill_value=True))


def _told_by(rows: pa.Table, name: str, since: str, instant: int) -> pa.ChunkedArray:
    return pc.if_else(pc.less_equal(rows[since], instant), rows[name], pa.scalar(None, type=rows[name].type))


def _has_history(rows: pa.Table) -> pa.Array:
    return rows[_HISTORY].is_valid().combine_chunks()


def _replaced(column: pa.ChunkedArray, where: pa.Array, values: Sequence[object]) -> pa.ChunkedArray:
    """The column with these values in the places of ``where``, in order."""
    if not values:
        return column
    return pa.chunked_array([pc.replace_with_mask(column.combine_chunks(), where, pa.array(values, type=column.type))])
