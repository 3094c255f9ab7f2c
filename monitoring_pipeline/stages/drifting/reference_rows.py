"""The rows of a reference: of a file, of a window of logged predictions, or handed in."""

import stat
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.arrays import Booleans, Counts, Floats
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.drifting.groups import Segment
from monitoring_pipeline.stages.drifting.subjects import Subject
from monitoring_pipeline.stages.drifting.values import column_of
from monitoring_pipeline.stages.measuring.groups import NO_VALUE
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import logged
from monitoring_pipeline.stages.rows.columns import SEGMENT_PREFIX, segment_text
from monitoring_pipeline.stages.rows.read_lake import hour_tables
from monitoring_pipeline.windows import HOUR_MICROS, to_micros

# A column of a reference file that tells when each row was predicted.
INSTANT_COLUMN = "predicted_at"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceRows:
    """Rows to compare with; two of the same object are the same rows.

    Attributes:
        table: the columns.
        instants: an instant within the hour of each row, microseconds UTC; ``None`` if that is unknown.
        logged: whether the columns are named as in hour files, else as the features.
        place: where the rows are, for messages.
    """

    table: pa.Table
    instants: Counts | None
    logged: bool
    place: str

    @property
    def predicted_at(self) -> Floats:
        """The instant of each row's prediction, microseconds UTC; NaN where it is not known."""
        if INSTANT_COLUMN in self.table.column_names and self.logged:
            return np.asarray(self.table[INSTANT_COLUMN].cast(pa.float64()).to_numpy(), dtype=np.float64)
        if self.instants is None:
            return np.full(self.table.num_rows, np.nan)
        return self.instants.astype(np.float64)

    def column(self, subject: Subject) -> pa.ChunkedArray | None:
        """A subject's column; ``None`` if given rows lack it. Hours logged before it was declared miss its values."""
        if self.logged:
            return column_of(self.table, subject.column)
        return self.table[subject.file_column] if subject.file_column in self.table.column_names else None

    def of_segment(self, segment: Segment) -> "ReferenceRows":
        """The rows of a segment; none if the rows do not say."""
        prefix = SEGMENT_PREFIX if self.logged else ""
        chosen = np.ones(self.table.num_rows, dtype=np.bool_)
        for field, value in zip(segment.fields, segment.values, strict=True):
            if self.logged or field in self.table.column_names:
                chosen &= self._has_value(prefix + field, value)
            else:
                chosen[:] = False  # a missing value is a segment of its own, but nobody said that it is missing
        return ReferenceRows(
            table=self.table.filter(pa.array(chosen)),
            instants=None if self.instants is None else self.instants[chosen],
            logged=self.logged,
            place=self.place,
        )

    def _has_value(self, name: str, value: str | None) -> Booleans:
        try:
            encoded = column_of(self.table, name).combine_chunks().dictionary_encode()
            distinct = [value if self.logged else segment_text(value) for value in encoded.dictionary.to_pylist()]
        except (pa.ArrowException, TypeError, ValueError):
            # The exception would quote a value of the file.
            raise MonitorError(
                f"column {name} of {self.place} holds {self.table[name].type}, of which no segment can be made"
            ) from None
        codes = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
        # A missing value and one that is written "(none)" are one segment.
        wanted = NO_VALUE if value is None else value
        is_wanted = [(NO_VALUE if text is None else text) == wanted for text in [*distinct, None]]
        chosen: Booleans = np.array(is_wanted, dtype=np.bool_)[codes]
        return chosen


def declared_rows(pipeline: Pipeline, model: Model) -> ReferenceRows | None:
    """The rows of the reference that the model declares, if it declares one.

    Raises:
        MonitorError: if its file cannot be read.
    """
    if model.reference is None:
        return None
    if model.reference.file is not None:
        return file_reference((pipeline.base / model.reference.file).resolve(), model_id=model.id)
    assert model.reference.start is not None, "the config demands a window or a file"
    assert model.reference.end is not None, "the config demands a window or a file"
    hours = range(to_micros(model.reference.start), to_micros(model.reference.end), HOUR_MICROS)
    with reading(pipeline.engine) as connection:
        entries = ledger.entries(connection, logged.DATASET, hours, model_id=model.id)
    return _window(pipeline.lake, tuple(entries[key] for key in sorted(entries)))


def file_reference(path: Path, *, model_id: str | None = None) -> ReferenceRows:
    """The rows of a Parquet file, read again when it changes.

    Raises:
        MonitorError: if it cannot be read.
    """
    of_model = f" of model {model_id}" if model_id else ""
    try:
        status = path.stat()
    except OSError as error:
        raise MonitorError(
            f"the reference file {path}{of_model} cannot be read: {error.strerror}; "
            "a relative path is relative to the folder of the config"
        ) from None
    if not stat.S_ISREG(status.st_mode):  # a folder's files would be read once and never again, a pipe would hang
        raise MonitorError(f"the reference file {path}{of_model} is no file; name a single Parquet file")
    return _file(path, (status.st_mtime_ns, status.st_size), f"the reference file {path}{of_model}")


def given_rows(table: pa.Table) -> ReferenceRows:
    """Rows that were handed in, named as the features.

    Raises:
        MonitorError: if two columns have one name, or ``predicted_at`` holds no instants.
    """
    place = "the reference that was handed in"
    if repeated := sorted(name for name, count in Counter(table.column_names).items() if count > 1):
        raise MonitorError(f"{place} has several columns named {', '.join(repeated)}; a column needs its own name")
    return ReferenceRows(table=table, instants=_instants(table, place), logged=False, place=place)


@lru_cache(maxsize=8)
def _file(path: Path, _fingerprint: tuple[int, int], place: str) -> ReferenceRows:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:  # the latter for a broken footer, or a file that was taken away
        raise MonitorError(f"{place} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    return ReferenceRows(table=table, instants=_instants(table, place), logged=False, place=place)


@lru_cache(maxsize=8)
def _window(lake: Lake, entries: tuple[ledger.LedgerEntry, ...]) -> ReferenceRows:
    table, hours = hour_tables(lake, entries)
    return ReferenceRows(table=table, instants=hours, logged=True, place="the reference window")


def _instants(table: pa.Table, place: str) -> Counts | None:
    """Microseconds UTC of each row; a timestamp without zone is UTC, a number is microseconds."""
    if INSTANT_COLUMN not in table.column_names:
        return None
    column = table[INSTANT_COLUMN]
    kind = column.type
    try:
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("us"), safe=False)  # nanoseconds are of no account
        elif not pa.types.is_integer(kind):
            raise TypeError
        if column.null_count:
            raise ValueError
        instants: Counts = column.cast(pa.int64()).to_numpy()
    except (pa.ArrowException, TypeError, ValueError):
        raise MonitorError(
            f"column {INSTANT_COLUMN} of {place} holds {kind} with {column.null_count} missing; it must be timestamps "
            "or microseconds UTC, one for each row, or be left out"
        ) from None
    return instants
