"""The reference of each model, read once and prepared per feature."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitoring_pipeline.config.models import FeatureType, Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import logged
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.stages.rows.read_lake import hour_tables
from monitoring_pipeline.windows import HOUR_MICROS, to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReference:
    """One feature's prepared reference and the id of its content, computed once."""

    prepared: NumericReference | CategoricalReference
    reference_id: str

    @property
    def row_count(self) -> int:
        """How many values are present."""
        return self.prepared.values.size if isinstance(self.prepared, NumericReference) else self.prepared.row_count


# Free text and instants need measures of their own; their distances as categories would mean nothing.
MEASURED_TYPES = {FeatureType.NUMERIC, FeatureType.CATEGORICAL, FeatureType.BOOLEAN}


def _measured_features(model: Model) -> dict[str, FeatureType]:
    """The declared features that drift is measured on."""
    return {name: f.type for name, f in model.features.items() if f.drift and f.type in MEASURED_TYPES}


def prepared_references(pipeline: Pipeline, model: Model) -> Mapping[str, FeatureReference]:
    """Each measured feature's reference; none if the model declares none, and one of no rows if its window is empty.

    Raises:
        MonitorError: if the reference's file cannot be read, lacks a feature, or holds what is not of its type.
    """
    features = tuple(sorted((name, kind.value) for name, kind in _measured_features(model).items()))
    if model.reference is None or not features:
        return {}
    if model.reference.file is not None:
        path = (pipeline.base / model.reference.file).resolve()
        return _from_file(path, _fingerprint(path, model), model.id, features)
    assert model.reference.start is not None, "the config demands a window or a file"
    assert model.reference.end is not None, "the config demands a window or a file"
    hours = range(to_micros(model.reference.start), to_micros(model.reference.end), HOUR_MICROS)
    with reading(pipeline.engine) as connection:
        entries = ledger.entries(connection, logged.DATASET, hours, model_id=model.id)
    return _from_window(pipeline.lake, tuple(entries[key] for key in sorted(entries)), features)


def _fingerprint(path: Path, model: Model) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise MonitorError(
            f"the reference file {path} of model {model.id} cannot be read: {error.strerror}; "
            "a relative path is relative to the folder of the config"
        ) from None
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=64)
def _from_file(
    path: Path, _fingerprint: tuple[int, int], model_id: str, features: tuple[tuple[str, str], ...]
) -> Mapping[str, FeatureReference]:
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise MonitorError(
            f"the reference file {path} of model {model_id} is not a Parquet file: {str(error).splitlines()[0]}"
        ) from None
    if missing := sorted({name for name, _ in features} - set(table.column_names)):
        raise MonitorError(
            f"the reference file {path} of model {model_id} has no column for {', '.join(missing)}; "
            "its columns are named as the features, or set drift: false on those features"
        )
    return {name: _prepared_column(path, model_id, name, table[name], kind) for name, kind in features}


def _prepared_column(path: Path, model_id: str, name: str, column: pa.ChunkedArray, kind: str) -> FeatureReference:
    """A file is written for its purpose, so a text among its numbers is a mistake and not a missing value."""
    try:
        return _prepared(column.cast(pa.float64()) if kind == FeatureType.NUMERIC.value else column, kind)
    except (pa.ArrowException, TypeError, ValueError):
        # The exception would quote a value of the file.
        raise MonitorError(
            f"column {name} of the reference file {path} of model {model_id} holds {column.type} that cannot be read "
            f"as {kind}; mend the file or the feature's type, or set drift: false on the feature"
        ) from None


@lru_cache(maxsize=64)
def _from_window(
    lake: Lake, entries: tuple[ledger.LedgerEntry, ...], features: tuple[tuple[str, str], ...]
) -> Mapping[str, FeatureReference]:
    table, _ = hour_tables(lake, entries)
    return {name: _prepared(feature_column(table, name), kind) for name, kind in features}


def feature_column(table: pa.Table, feature: str) -> pa.ChunkedArray:
    """The feature's column; all missing where the hours were logged before anybody declared it."""
    name = FEATURE_PREFIX + feature
    return table[name] if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows, pa.float64())])


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column's values as numbers, NaN where missing.

    Hours that were logged while the feature was declared as something else hold text; what does not parse as a
    number is missing there, as it would be in an hour that is logged now.
    """
    if not pa.types.is_string(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    return np.array([_number(text) for text in column.to_pylist()], dtype=np.float64)


def _number(text: str | None) -> float:
    try:
        return math.nan if text is None else float(text)
    except ValueError:
        return math.nan


def _prepared(column: pa.ChunkedArray, kind: str) -> FeatureReference:
    prepared: NumericReference | CategoricalReference
    if kind == FeatureType.NUMERIC.value:
        prepared = NumericReference.from_values(numbers(column))
    else:
        prepared = CategoricalReference.from_values(texts(column, boolean=kind == FeatureType.BOOLEAN.value))
    return FeatureReference(prepared=prepared, reference_id=prepared.content_id())
