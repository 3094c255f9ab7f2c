"""The reference of each model, read once and prepared per feature."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.config.models import FeatureType, Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages import logged
from monitoring_pipeline.stages.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.read_lake import hour_tables
from monitoring_pipeline.windows import HOUR_MICROS, to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReference:
    """One feature's prepared reference and the id of its content, computed once."""

    prepared: NumericReference | CategoricalReference
    reference_id: str


# Free text and instants need measures of their own; their distances as categories would mean nothing.
MEASURED_TYPES = {FeatureType.NUMERIC, FeatureType.CATEGORICAL, FeatureType.BOOLEAN}


def measured_features(model: Model) -> dict[str, FeatureType]:
    """The declared features that drift is measured on."""
    return {name: f.type for name, f in model.features.items() if f.drift and f.type in MEASURED_TYPES}


def prepared_references(pipeline: Pipeline, model: Model) -> Mapping[str, FeatureReference]:
    """Each measured feature's reference; empty if the model declares no reference.

    Raises:
        MonitorError: if the reference's file cannot be read or lacks a feature.
    """
    features = tuple(sorted((name, kind.value) for name, kind in measured_features(model).items()))
    if model.reference is None or not features:
        return {}
    if model.reference.file is not None:
        path = (pipeline.base / model.reference.file).resolve()
        return _from_file(path, _fingerprint(path, model), features)
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
    path: Path, _fingerprint: tuple[int, int], features: tuple[tuple[str, str], ...]
) -> Mapping[str, FeatureReference]:
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise MonitorError(f"the reference file {path} is not a Parquet file: {str(error).splitlines()[0]}") from None
    if missing := sorted({name for name, _ in features} - set(table.column_names)):
        raise MonitorError(
            f"the reference file {path} has no column for {', '.join(missing)}; "
            "its columns are named as the features, or set drift: false on those features"
        )
    return {name: _prepared(table[name], kind) for name, kind in features}


@lru_cache(maxsize=64)
def _from_window(
    lake: Lake, entries: tuple[ledger.LedgerEntry, ...], features: tuple[tuple[str, str], ...]
) -> Mapping[str, FeatureReference]:
    table, _ = hour_tables(lake, entries)
    present = set(table.column_names)
    return {
        name: _prepared(table[FEATURE_PREFIX + name], kind)
        for name, kind in features
        if FEATURE_PREFIX + name in present
    }


def _prepared(column: pa.ChunkedArray, kind: str) -> FeatureReference:
    prepared: NumericReference | CategoricalReference
    if kind == FeatureType.NUMERIC.value:
        prepared = NumericReference.from_values(column.cast(pa.float64()).to_numpy().astype(np.float64))
    else:
        prepared = CategoricalReference.from_values(texts(column))
    return FeatureReference(prepared=prepared, reference_id=prepared.content_id())
