"""Healthy rows from what a user has: a Parquet file, or the reference file of a declared model."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitoring_pipeline.config.home import config_path
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios.population import Bootstrap
from monitoring_pipeline.simulation.scenarios.reference import OTHER_COLUMNS

MOST_CATEGORIES = 1_000
"""A text column with more distinct values is taken for ids or free text, and left out."""

_READ_AS = {FeatureType.NUMERIC: pa.float64(), FeatureType.CATEGORICAL: pa.string(), FeatureType.BOOLEAN: pa.bool_()}


def own_rows(path: Path) -> Bootstrap:
    """The rows of a Parquet file: its columns of numbers, texts and booleans; instants, lists and ids are left out.

    So is what a reference may hold beside the inputs: when, what the model said, and the truth.

    Raises:
        MonitorError: if the file cannot be read, or has no rows or no such column.
    """
    table = _read(path)
    kinds = {name: _kind(table[name]) for name in table.column_names if name not in OTHER_COLUMNS}
    return _bootstrap(table, {name: kind for name, kind in kinds.items() if kind is not None}, path)


def rows_of_model(config: Path | None, model_id: str) -> Bootstrap:
    """The rows of a declared model's reference file: its numeric, categorical and boolean features.

    Raises:
        MonitorError: if the config declares no such model, it names no reference file, or that cannot be read.
    """
    file = config_path(config)
    model = load_config(file).model(model_id)
    if model is None or file is None:
        raise MonitorError(f"{file or 'no config'} declares no model {model_id!r}")
    if model.reference is None or model.reference.file is None:
        raise MonitorError(f"model {model_id} names no reference file; give one with --reference")
    path = (file.resolve().parent / model.reference.file).resolve()
    table = _read(path)
    declared = {name: feature.type for name, feature in model.features.items() if feature.type in _READ_AS}
    if missing := sorted(declared.keys() - set(table.column_names)):
        raise MonitorError(f"{path} has no column {missing[0]}, which model {model_id} declares as a feature")
    return _bootstrap(table, declared, path)


def _read(path: Path) -> Any:
    if not path.is_file():
        raise MonitorError(f"{path} cannot be read: there is no such file")
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError):
        raise MonitorError(f"{path} cannot be read: it is not a Parquet file, or not readable") from None


def _kind(column: Any) -> FeatureType | None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_boolean(kind):
        return FeatureType.BOOLEAN
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return FeatureType.NUMERIC
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return FeatureType.CATEGORICAL if text and len(column.unique()) <= MOST_CATEGORIES else None


def _bootstrap(table: Any, kinds: Mapping[str, FeatureType], path: Path) -> Bootstrap:
    columns = dict(_columns(table, kinds, path))
    if not columns or not table.num_rows:
        raise MonitorError(f"{path} has no rows, or no column of numbers, texts or booleans, to draw from")
    return Bootstrap(source=columns)


def _columns(table: Any, kinds: Mapping[str, FeatureType], path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, kind in kinds.items():
        try:
            column = table[name].cast(_READ_AS[kind]).combine_chunks()
        except pa.ArrowException:
            raise MonitorError(
                f"column {name} of {path} holds {table[name].type} that cannot be read as {kind}"
            ) from None
        if column.null_count == len(column):
            continue  # nothing is known of it
        if kind is FeatureType.NUMERIC:
            yield name, np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
        else:
            yield name, np.array([*column.to_pylist(), None], dtype=object)[:-1]
