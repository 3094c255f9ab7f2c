"""What a family of sums is, and how rows of ``joined_predictions`` are read for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.stages.measuring.groups import Groups
from monitoring_pipeline.stages.rows.columns import QUERY_COLUMN
from monitoring_pipeline.windows import HOUR_MICROS

Compute = Callable[[Groups], Sequence[Sums]]
"""From rows numbered by group to the sums of each group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One family of a model's sums.

    Attributes:
        name: what the results know it by.
        kind: the kind of its sums in the registry.
        measured_as: the kind and every setting that its sums depend on, the kind first; sums of others must not be
            merged with them.
        judges: whether it judges predictions by their truth. Such a family is measured for segments too, and
            compared at a label age; the others are measured for whole models, from all that is known now.
        bind: takes rows of ``joined_predictions`` and gives the function from groups to sums.
    """

    name: str
    kind: str
    measured_as: str
    judges: bool
    bind: Callable[[pa.Table], Compute]


def floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """A numeric column with NaN where there is no value; nothing but NaN where an older file lacks the column."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values: npt.NDArray[np.float64] = table[name].to_numpy()
    return values


def integers(table: pa.Table, name: str, *, missing: int) -> npt.NDArray[np.int64]:
    """A column of whole numbers with ``missing`` where there is no value, or no column."""
    if name not in table.column_names:
        return np.full(table.num_rows, missing, dtype=np.int64)
    values: npt.NDArray[np.int64] = table[name].fill_null(missing).to_numpy()
    return values


def is_known(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Rows whose truth is known."""
    known: npt.NDArray[np.bool_] = table["actual_received_at"].is_valid().to_numpy()
    return known


def numbered_queries(table: pa.Table) -> npt.NDArray[np.int64]:
    """The number of each row's query; -1 where it has none. A query's rows are those of one hour and environment."""
    if QUERY_COLUMN not in table.column_names:
        return np.full(table.num_rows, -1, dtype=np.int64)
    hours = (table["predicted_at"].to_numpy() // HOUR_MICROS).tolist()
    columns = (table[name].to_pylist() for name in ("model_version", "environment", QUERY_COLUMN))
    numbers: dict[tuple[int, str, str, str], int] = {}
    return np.array(
        [
            -1 if query is None else numbers.setdefault((hour, version, environment, query), len(numbers))
            for hour, version, environment, query in zip(hours, *columns, strict=True)
        ],
        dtype=np.int64,
    )
