"""Parquet: columns with types of their own, read a few thousand rows at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.columns import checked_columns, fold_features
from monitoring_pipeline.events.rows import Row

_BATCH_ROWS = 5_000
_ASSUMED_ROW_BYTES = 300


class ParquetSource:
    """Rows of a Parquet file; a null cell is an absent field.

    Raises:
        MonitorError: if it is no Parquet file or its columns cannot be used.
    """

    columns: frozenset[str] | None

    def __init__(self, path: Path) -> None:
        self._path = path
        with _readable(path):
            self._file = pq.ParquetFile(path)
        self._read = 0
        self.columns = checked_columns(self._file.schema_arrow.names, where=str(path))

    def rows(self) -> Iterator[Row]:
        """The rows, once; ``line`` is the row's number.

        Raises:
            MonitorError: if the file is damaged further on.
        """
        with _readable(self._path):
            for batch in self._file.iter_batches(batch_size=_BATCH_ROWS):
                for values in _in_microseconds(batch).to_pylist(maps_as_pydicts="strict"):
                    self._read += 1
                    record = fold_features((name, value) for name, value in values.items() if value is not None)
                    yield Row(self._read, record, record, _ASSUMED_ROW_BYTES)

    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        total_rows: int = self._file.metadata.num_rows
        return self._read / max(1, total_rows)


def _in_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Instants at the store's resolution: Python's own could not hold nanoseconds."""
    for place, column in enumerate(batch.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            finer = batch.column(place).cast(pa.timestamp("us", tz=column.type.tz), safe=False)
            batch = batch.set_column(place, column.name, finer)
    return batch


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        first_line = str(error).splitlines()[0]
        raise MonitorError(f"{path} cannot be read as Parquet: {first_line}; write the file anew") from error
