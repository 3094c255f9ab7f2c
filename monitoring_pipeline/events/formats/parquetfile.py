"""Parquet: columns with types of their own, read a few thousand rows at a time.

A cell may hold what Python cannot: an instant beyond the year 9999, bytes that are no text, a map that names a key
twice. Then its rows are read one by one, and only the rows with such a cell are refused.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.columns import checked_columns, fold_features
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected

_BATCH_ROWS = 5_000
_ASSUMED_ROW_BYTES = 300

# What pyarrow raises for a cell that has no Python value.
_UNREADABLE = (ArithmeticError, ValueError, LookupError, pa.ArrowException)


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
                for values, rejected in _records(_in_utc_microseconds(batch)):
                    self._read += 1
                    record = fold_features((name, value) for name, value in values.items() if value is not None)
                    yield Row(self._read, None if rejected else record, record, _ASSUMED_ROW_BYTES, rejected)

    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        total_rows: int = self._file.metadata.num_rows
        return self._read / max(1, total_rows)


def _records(batch: pa.RecordBatch) -> Iterator[tuple[Mapping[str, object], Rejected | None]]:
    try:
        rows = batch.to_pylist(maps_as_pydicts="strict")
    except _UNREADABLE:
        yield from (_record(batch, row) for row in range(batch.num_rows))
    else:
        yield from ((row, None) for row in rows)


def _record(batch: pa.RecordBatch, row: int) -> tuple[Mapping[str, object], Rejected | None]:
    """One row, with words in the place of cells that cannot be read, and the verdict on the first of those."""
    values: dict[str, object] = {}
    rejected = None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[row].as_py(maps_as_pydicts="strict")
        except _UNREADABLE as error:
            values[name] = f"(unreadable {column.type})"
            rejected = rejected or _verdict(name, error)
    return values, rejected


def _verdict(field: str, error: Exception) -> Rejected:
    if isinstance(error, UnicodeDecodeError):
        return Rejected(QuarantineReason.BAD_TEXT, field, f"{field} holds bytes that are not UTF-8 text")
    if isinstance(error, KeyError):
        return Rejected(QuarantineReason.DUPLICATE_KEY, field, f"{field} holds a map that names a key more than once")
    return Rejected(QuarantineReason.OUT_OF_RANGE, field, f"{field} holds a value that cannot be read: {error}")


def _in_utc_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Instants at the store's resolution, which Python's own has too, and in the zone that every machine knows."""
    for place, column in enumerate(batch.schema):
        if pa.types.is_timestamp(column.type):
            unit = "us" if column.type.unit == "ns" else column.type.unit
            zone = None if column.type.tz is None else "UTC"
            batch = batch.set_column(place, column.name, batch.column(place).cast(pa.timestamp(unit, zone), safe=False))
    return batch


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        first_line = str(error).splitlines()[0]
        raise MonitorError(f"{path} cannot be read as Parquet: {first_line}; write the file anew") from error
