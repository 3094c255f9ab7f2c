"""From joined rows to the sums of every group: whole models, declared segments and their combinations."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.stages.measuring.families import Compute, Family, families
from monitoring_pipeline.stages.measuring.groups import GroupKey, Groups, group_rows
from monitoring_pipeline.stages.rows.columns import SEGMENT_PREFIX


def grouped_sums(
    model: Model, table: pa.Table, windows: npt.NDArray[np.int64], *, wanted: Sequence[Family] | None = None
) -> dict[GroupKey, Sums]:
    """The sums of each group and family.

    Args:
        model: names the task, the segments and what else is measured.
        table: rows of ``joined_predictions``.
        windows: each row's window.
        wanted: some of the model's families; all of them if left out.
    """
    if not table.num_rows:
        return {}
    wholes = group_rows(table, windows)
    splits = [
        group_rows(table, windows, segment_columns=columns)
        for columns in ([SEGMENT_PREFIX + name for name in split] for split in model.segment_splits)
        if set(columns) <= set(table.column_names)
    ]
    result: dict[GroupKey, Sums] = {}
    for family in families(model) if wanted is None else wanted:
        compute = family.bind(table)
        result |= _by_key(wholes, compute, family.name)
        for groups in splits if family.judges else ():
            result |= _within_limit(_by_key(groups, compute, family.name), model.max_segment_values)
    return result


def _by_key(groups: Groups, compute: Compute, family: str) -> dict[GroupKey, Sums]:
    return {replace(key, family=family): sums for key, sums in zip(groups.keys, compute(groups), strict=True)}


def _within_limit(found: dict[GroupKey, Sums], most_values: int) -> dict[GroupKey, Sums]:
    values: dict[int, set[str]] = defaultdict(set)
    for key in found:
        values[key.window_start].add(key.segment)
    return {key: sums for key, sums in found.items() if len(values[key.window_start]) <= most_values}
