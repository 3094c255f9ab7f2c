"""The columns of the lake's datasets, as Dagster shows them."""

from collections.abc import Iterable

import dagster as dg
import pyarrow as pa

from monitoring_pipeline.stages.rows.columns import (
    FEATURE_PREFIX,
    LOGGED_TYPES,
    NUMERIC_PREFIX,
    QUERY_COLUMN,
    SEGMENT_PREFIX,
)
from monitoring_pipeline.stages.rows.joined import ACTUAL_TYPES, KEPT

_MEANING = {
    "prediction_id": "unique within the model",
    "predicted_at": "event time, microseconds since 1970 UTC",
    "model_version": "as logged; unversioned if the event named none",
    "environment": "as logged; production if the event named none",
    "entity_id": "what the prediction is about",
    "predicted_value": "a number, or 0 and 1 for a binary model",
    "predicted_class": "the class of a multiclass model",
    "prediction_proba": "probability of the positive class",
    "probabilities": "JSON object, class to probability",
    "confidence": "as logged, 0 to 1",
    "latency_ms": "how long the prediction took, milliseconds",
    "received_at": "knowledge time of the prediction, microseconds since 1970 UTC",
    "actual_value": "the truth known now; null while it is not known",
    "actual_class": "the truth known now of a multiclass model",
    "actual_received_at": "knowledge time of that truth, microseconds since 1970 UTC",
    "first_actual_received_at": "knowledge time of the first value there was, microseconds since 1970 UTC",
    "truth_history": "JSON list of all statements in their order, where there is more than one",
}
_DECLARED = (
    dg.TableColumn(f"{SEGMENT_PREFIX}…", "string", "the value of each declared segment"),
    dg.TableColumn(QUERY_COLUMN, "string", "the query of a ranking model's row; of no other model"),
    dg.TableColumn(f"{NUMERIC_PREFIX}…", "double", "each declared numeric field: resources, business"),
)
_FEATURES = dg.TableColumn(f"{FEATURE_PREFIX}…", "double or string", "each feature")


def logged_schema() -> dg.TableSchema:
    """The columns of ``logged_predictions``."""
    return dg.TableSchema([*_columns(LOGGED_TYPES.items()), *_DECLARED, _FEATURES])


def joined_schema() -> dg.TableSchema:
    """The columns of ``joined_predictions``."""
    kept = _columns((name, LOGGED_TYPES[name]) for name in KEPT)
    return dg.TableSchema([*kept, *_DECLARED, *_columns(ACTUAL_TYPES.items())])


def _columns(types: Iterable[tuple[str, pa.DataType]]) -> list[dg.TableColumn]:
    return [dg.TableColumn(name, str(kind), _MEANING[name]) for name, kind in types]
