"""From event rows to the typed columns of an hour file.

Features become columns ``f.<name>``, segments columns ``s.<name>``, declared numeric fields (resources, business)
columns ``x.<name>``, and a ranking model's query the column ``query_id``. A declared feature has its declared type;
another one is numeric if every value of the hour is a number, else text.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from monitoring_pipeline.config.models import FeatureType, Model
from monitoring_pipeline.events.read import PREDICTION_COLUMNS
from monitoring_pipeline.events.validation.checks import yes_or_no

FEATURE_PREFIX = "f."
SEGMENT_PREFIX = "s."
NUMERIC_PREFIX = "x."
QUERY_COLUMN = "query_id"

# PostgreSQL refuses index entries beyond 2,704 bytes; nobody reads a name of this length anyway.
LONGEST_SEGMENT_VALUE = 200

LOGGED_TYPES = {
    "prediction_id": pa.string(),
    "predicted_at": pa.int64(),
    "model_version": pa.string(),
    "environment": pa.string(),
    "entity_id": pa.string(),
    "predicted_value": pa.float64(),
    "predicted_class": pa.string(),
    "prediction_proba": pa.float64(),
    "probabilities": pa.string(),
    "confidence": pa.float64(),
    "latency_ms": pa.float64(),
    "received_at": pa.int64(),
}


def logged_table(model: Model, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """One hour's predictions as a table sorted by prediction_id.

    Args:
        model: the declaration, which types the features and names the segments, the numeric fields and the query.
        rows: tuples of ``PREDICTION_COLUMNS``.
    """
    # Sorted here and not by the database: collations differ, code points do not.
    ordered = sorted(rows, key=lambda row: row[0])
    columns = dict(zip(PREDICTION_COLUMNS, zip(*ordered, strict=True), strict=True)) if ordered else {}
    features = [orjson.loads(text) for text in columns.pop("features", ())]
    extras = [orjson.loads(text) if text else {} for text in columns.pop("extras", ())]
    arrays = {name: pa.array(columns.get(name, ()), type=kind) for name, kind in LOGGED_TYPES.items()}
    for name in model.segment_fields:
        arrays[SEGMENT_PREFIX + name] = pa.array(map(segment_text, _field(name, features, extras)), type=pa.string())
    if model.query is not None:
        arrays[QUERY_COLUMN] = _typed(_field(model.query, features, extras), numeric=False)
    for name in model.numeric_fields:
        arrays[NUMERIC_PREFIX + name] = _typed(_field(name, features, extras), numeric=True)
    arrays.update(_feature_columns(model, features))
    return pa.table(arrays)


def _field(name: str, features: Sequence[Mapping[str, Any]], extras: Sequence[Mapping[str, Any]]) -> list[Any]:
    """A field of each prediction: the feature of this name if there is one, else the extra field."""
    return [f[name] if name in f else e.get(name) for f, e in zip(features, extras, strict=True)]


def segment_text(value: object) -> str | None:
    """A segment's value as text; one too long for an index keeps its beginning and a hash that tells it apart."""
    text = _as_text(value)
    if text is None or len(text) <= LONGEST_SEGMENT_VALUE:
        return text
    return f"{text[:LONGEST_SEGMENT_VALUE]}…{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def texts(column: pa.ChunkedArray, *, boolean: bool = False) -> list[str | None]:
    """A column's values as category names, the same whatever type a file gave them.

    Args:
        column: of any type.
        boolean: whether the feature is declared boolean, of which 1, ``True`` and ``"True"`` are one value.
    """
    written = _as_boolean_text if boolean else _as_text
    return [written(value) for value in column.to_pylist()]


def _feature_columns(model: Model, rows: Sequence[Mapping[str, Any]]) -> dict[str, pa.Array]:
    undeclared = {name for row in rows for name in row} - model.features.keys()
    columns = {
        FEATURE_PREFIX + name: _declared([row.get(name) for row in rows], feature.type)
        for name, feature in model.features.items()
    }
    for name in sorted(undeclared):
        values = [row.get(name) for row in rows]
        columns[FEATURE_PREFIX + name] = _typed(values, numeric=all(map(_is_number_or_none, values)))
    return columns


def _declared(values: Sequence[Any], kind: FeatureType) -> pa.Array:
    if kind is FeatureType.BOOLEAN:
        # Ingest writes true and false; events that are older than the declaration may hold 1 or "True".
        return pa.array([_as_boolean_text(value) for value in values], type=pa.string())
    return _typed(values, numeric=kind is FeatureType.NUMERIC)


def _typed(values: Iterable[Any], *, numeric: bool) -> pa.Array:
    if not numeric:
        return pa.array([_as_text(value) for value in values], type=pa.string())
    # The type first: nearly all are floats, and asking isinstance about a union costs several times as much.
    return pa.array([v if type(v) is float else float(v) if _is_number(v) else None for v in values], type=pa.float64())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _as_boolean_text(value: object) -> str | None:
    said = yes_or_no(value)
    return _as_text(value if said is None else said)


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    # 3 and 3.0 are one category: JSON has a single kind of number.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if written == "null":
        return None  # NaN and infinity, which JSON has no number for: files hold missing numbers as NaN
    return str(orjson.loads(written)) if written.startswith('"') else written  # a date, as events hold it
