"""Reading many hour files as one table, by the explicit paths of the ledger."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.lake.ledger import LedgerEntry


def hour_tables(
    lake: Lake, entries: Sequence[LedgerEntry], *, columns: Sequence[str] | None = None
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """The rows of several hours of one model, and the hour of each row.

    A feature that is numeric in one hour and text in another is text in all of them; one that an hour's file
    does not have is null there.

    Returns:
        The table (no columns if there are no entries) and each row's ``window_start``. A column that no file has
        is not in it.
    """
    tables, counts = [], []
    for entry in entries:
        assert entry.path is not None, "only file datasets are read from the lake"
        table = lake.read(entry.path, checksum=entry.checksum, columns=columns)
        tables.append(table)
        counts.append(table.num_rows)
    starts = np.repeat(np.array([entry.window_start for entry in entries], dtype=np.int64), counts)
    return together(tables), starts


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of several hours' tables; a column that is numeric in one and text in another is text in all."""
    if not tables:
        return pa.table({})
    kinds: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    mixed = {name for name, types in kinds.items() if len(types) > 1}
    if mixed:
        tables = [_as_text(table, mixed) for table in tables]
    return pa.concat_tables(tables, promote_options="default")


def _as_text(table: pa.Table, names: set[str]) -> pa.Table:
    for index, field in enumerate(table.schema):
        if field.name in names:
            table = table.set_column(index, field.name, table[field.name].cast(pa.string()))
    return table
