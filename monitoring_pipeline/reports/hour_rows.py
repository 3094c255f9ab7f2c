"""The sums of an hour from its rows: a part of the rows at a time, so that no hour is too large for the memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.events.read import count_between, predictions_between
from monitoring_pipeline.performance.operations.sums import OperationsSums
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.stages.measuring.measure import grouped_sums
from monitoring_pipeline.stages.rows.columns import logged_table
from monitoring_pipeline.stages.rows.joined import truth_between, with_truth
from monitoring_pipeline.windows import HOUR_MICROS

MOST_ROWS_AT_ONCE = 20_000  # in memory, about 1 kB each: an hour may have millions


def sums_of_rows(connection: Connection, model: Model, hour: int) -> dict[GroupKey, Sums]:
    """The sums of every group and family of an hour, from its predictions and the truth that is known of them.

    Args:
        connection: a reading transaction.
        model: the declaration.
        hour: its start.
    """
    end = hour + HOUR_MICROS
    # The rows of a query belong together, and none of them says where they end: its hour is read whole.
    parts = [(hour, end)] if model.query is not None else stretches(connection, model.id, hour, end)
    found = []
    for first, last in parts:
        rows = with_truth(
            logged_table(model, predictions_between(connection, model.id, first, last)),
            truth_between(connection, model.id, first, last),
        )
        found.append(grouped_sums(model, rows, np.full(rows.num_rows, hour, dtype=np.int64)))
    return merged_parts(found)


def stretches(connection: Connection, model_id: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most :data:`MOST_ROWS_AT_ONCE` rows each that make up ``[start, end)``, halved until they are."""
    middle = (start + end) // 2
    if middle == start or count_between(connection, model_id, start, end) <= MOST_ROWS_AT_ONCE:
        yield start, end
        return
    yield from stretches(connection, model_id, start, middle)
    yield from stretches(connection, model_id, middle, end)


def merged_parts(parts: Sequence[Mapping[GroupKey, Sums]]) -> dict[GroupKey, Sums]:
    """The sums of one hour from those of its parts, each of which was measured as if it were the whole hour."""
    by_group: dict[GroupKey, list[Sums]] = {}
    for part in parts:
        for key, sums in part.items():
            by_group.setdefault(key, []).append(sums)
    return {key: _of_one_hour(sums) for key, sums in by_group.items()}


def _of_one_hour(parts: Sequence[Sums]) -> Sums:
    first, merged = parts[0], merge(parts)
    if isinstance(first, OperationsSums) and isinstance(merged, OperationsSums):
        return replace(merged, window_seconds=first.window_seconds)  # the parts share the hour; it is not one of each
    return merged
