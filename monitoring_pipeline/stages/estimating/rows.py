"""The rows that losses are learned from and estimated of: joined rows beside their features, hour by hour."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring_pipeline.config.models import FeatureType, Model
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.performance.estimation.inputs import Column
from monitoring_pipeline.performance.rows.grouping import Booleans
from monitoring_pipeline.stages.drifting.values import numbers
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.stages.rows.hour_files import HourFiles, sampled, with_features

JOINED_COLUMNS = (
    "prediction_id", "model_version", "environment", "predicted_value",
    "actual_value", "actual_received_at", "first_actual_received_at",
)  # fmt: skip

PREDICTION = "prediction"  # no feature's column: those keep their prefix
LEARNABLE_TYPES = {FeatureType.NUMERIC, FeatureType.CATEGORICAL, FeatureType.BOOLEAN}


@lru_cache(maxsize=1024)  # consecutive days learn from the same hours
def labelled_sample(lake: Lake, files: HourFiles, one_in: int) -> pa.Table:
    """Labelled rows beside their features: those one in ``one_in`` whose id has the right hash.

    The same rows whenever it is asked, and no other row's presence matters.
    """
    rows = joined_rows(lake, files)
    rows = rows.filter(pa.array(is_labelled(rows)))
    return with_features(lake, files, sampled(rows, one_in))


def joined_rows(lake: Lake, files: HourFiles) -> pa.Table:
    """One hour's joined rows, in the columns that are needed here."""
    assert files.joined.path is not None, "joined_predictions always has a file"
    return lake.read(files.joined.path, checksum=files.joined.checksum, columns=list(JOINED_COLUMNS))


def is_labelled(rows: pa.Table) -> Booleans:
    """Rows whose error is known."""
    labelled: Booleans = _is_finite(rows, "predicted_value") & _is_finite(rows, "actual_value")
    return labelled


def is_waiting(rows: pa.Table) -> Booleans:
    """Rows whose error will be known once their truth arrives."""
    waiting: Booleans = _is_finite(rows, "predicted_value") & rows["actual_received_at"].is_null().to_numpy()
    return waiting


def known_since(rows: pa.Table) -> pa.ChunkedArray:
    """When each row's first truth became known; files from before that was kept tell when the present one did."""
    name = "first_actual_received_at"
    present = rows["actual_received_at"]
    return pc.coalesce(rows[name], present) if name in rows.column_names else present


def learning_columns(model: Model, rows: pa.Table) -> dict[str, Column]:
    """The prediction and the features, as an estimator takes them; free text and instants are left out."""
    columns: dict[str, Column] = {PREDICTION: numbers(rows["predicted_value"])}
    for name in rows.column_names:
        declared = model.features.get(name.removeprefix(FEATURE_PREFIX))
        if name.startswith(FEATURE_PREFIX) and (declared is None or declared.type in LEARNABLE_TYPES):
            columns[name] = _column(rows[name], None if declared is None else declared.type)
    return columns


def of_group(rows: pa.Table, group: Mapping[str, str]) -> pa.Table:
    """The rows whose columns have these values."""
    for name, value in group.items():
        rows = rows.filter(pc.equal(rows[name], value))
    return rows


def _column(column: pa.ChunkedArray, kind: FeatureType | None) -> Column:
    is_number = kind is FeatureType.NUMERIC or (kind is None and not pa.types.is_string(column.type))
    return numbers(column) if is_number else texts(column, boolean=kind is FeatureType.BOOLEAN)


def _is_finite(rows: pa.Table, name: str) -> Booleans:
    finite: Booleans = np.isfinite(rows[name].to_numpy())
    return finite
