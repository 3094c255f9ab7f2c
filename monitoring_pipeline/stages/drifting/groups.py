"""The rows that are compared: of each version, environment and segment, in the order of their hours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.stages.measuring.groups import GroupKey, group_rows
from monitoring_pipeline.stages.rows.columns import SEGMENT_PREFIX

_NO_WINDOW = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The rows whose fields have these values; of the whole model where there are none."""

    fields: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()


WHOLE = Segment()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupRows:
    """One group's rows over several hours.

    Attributes:
        key: the group; its window is not set.
        segment: which rows of a reference are compared with it.
        table: the rows, ordered by hour.
        hours: the hour of each row, ascending.
    """

    key: GroupKey
    segment: Segment
    table: pa.Table
    hours: npt.NDArray[np.int64]

    def between(self, start: int, end: int) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        """The rows of the hours in ``[start, end)``, and the hour of each."""
        first, last = np.searchsorted(self.hours, [start, end])
        return self.table.slice(first, last - first), self.hours[first:last]

    def count(self, start: int, end: int) -> int:
        """How many rows the hours in ``[start, end)`` have."""
        first, last = np.searchsorted(self.hours, [start, end])
        return int(last - first)


def group_tables(
    table: pa.Table, hours: npt.NDArray[np.int64], *, splits: Sequence[Sequence[str]]
) -> Iterator[GroupRows]:
    """Each group of the whole model, then of each split into segments.

    Args:
        table: rows with ``model_version``, ``environment`` and the segment columns of the splits.
        hours: the hour of each row.
        splits: the fields of each split.
    """
    for fields in ((), *splits):
        columns = [SEGMENT_PREFIX + field for field in fields]
        if all(column in table.column_names for column in columns):
            yield from _groups_of_split(table, hours, tuple(fields), columns)


def _groups_of_split(
    table: pa.Table, hours: npt.NDArray[np.int64], fields: tuple[str, ...], columns: Sequence[str]
) -> Iterator[GroupRows]:
    groups = group_rows(table, np.full(table.num_rows, _NO_WINDOW, dtype=np.int64), segment_columns=columns)
    order = np.lexsort((hours, groups.codes))
    bounds = np.searchsorted(groups.codes[order], np.arange(len(groups.keys) + 1))
    ordered, ordered_hours = table.take(pa.array(order)), hours[order]
    for key, first, last in zip(groups.keys, bounds[:-1], bounds[1:], strict=True):
        rows = ordered.slice(first, last - first)
        values = tuple(rows[column][0].as_py() for column in columns)
        segment = Segment(fields=fields, values=values)
        yield GroupRows(key=key, segment=segment, table=rows, hours=ordered_hours[first:last])
