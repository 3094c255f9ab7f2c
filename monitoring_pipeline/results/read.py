"""Reads metrics and drift results, as they stand or as they stood: what ``monitor metrics`` and ``drift`` print.

Rows are plain dictionaries with stable keys, ready for JSON: instants are ISO 8601 in UTC, and a value that does
not exist is ``None`` with its reason beside it, never a number and never NaN.
"""

import math
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Engine, RowMapping, Select, Table, func, select

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.database import reading
from monitoring_pipeline.results.as_of import held_at, settled
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import Grain, Window, isoformat

ResultRow = dict[str, Any]


def read_metrics(
    engine: Engine,
    *,
    model_id: str | None = None,
    grain: Grain | None = None,
    start: int | None = None,
    end: int | None = None,
    segment: str | None = None,
    as_of: int | None = None,
    clock: Clock = system_clock,
) -> list[ResultRow]:
    """The metrics that stand, or stood at an instant: one row per window, group and metric.

    Args:
        engine: the store.
        model_id: one model, or every model.
        grain: hours or days, or both.
        start: windows that start at or after this instant (microseconds UTC).
        end: windows that start before this instant.
        segment: one segment (``all``, ``carrier=UA``), or with a star at its end every segment that starts so.
        as_of: what the monitor held to be true at this instant; ``None`` for what stands. The answer about a past
            instant is the same for ever, whatever truth arrives later: same rows, same bits.
        clock: what time it is; an instant in the future is refused.

    Returns:
        Rows ordered by model, grain, window, version, environment, segment and metric. ``coverage`` is
        labelled_count / prediction_count, ``None`` without predictions and for metrics that need no labels.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    held = held_at(metrics, settled(engine, metrics, as_of, clock=clock))
    wanted = _held(metrics, held, model_id=model_id, grain=grain, start=start, end=end, segment=segment)
    return _rows(engine, wanted, lambda row: {**_group(row), **_metric(row)}, order=("metric",))


def read_drift(
    engine: Engine,
    *,
    model_id: str | None = None,
    grain: Grain | None = None,
    start: int | None = None,
    end: int | None = None,
    segment: str | None = None,
    as_of: int | None = None,
    clock: Clock = system_clock,
) -> list[ResultRow]:
    """The standing drift results, one row per window, group, feature and measure; see :func:`read_metrics`."""
    held = held_at(drift_results, settled(engine, drift_results, as_of, clock=clock))
    wanted = _held(drift_results, held, model_id=model_id, grain=grain, start=start, end=end, segment=segment)
    return _rows(engine, wanted, lambda row: {**_group(row), **_drift(row)}, order=("drift_type", "feature", "measure"))


def models_with_results(engine: Engine, table: Table) -> list[str]:
    """The models that have rows in a results table, in order."""
    with reading(engine) as connection:
        return sorted(connection.scalars(select(table.c.model_id).distinct()))


def _held(
    table: Table,
    held: ColumnElement[bool],
    *,
    model_id: str | None,
    grain: Grain | None,
    start: int | None,
    end: int | None,
    segment: str | None,
) -> Select[Any]:
    conditions = [held]
    if model_id is not None:
        conditions.append(table.c.model_id == model_id)
    if grain is not None:
        conditions.append(table.c.grain == grain.value)
    if start is not None:
        conditions.append(table.c.window_start >= start)
    if end is not None:
        conditions.append(table.c.window_start < end)
    if segment is not None:
        conditions.append(_segment_is(table, segment))
    return select(table).where(*conditions)


def _segment_is(table: Table, segment: str) -> ColumnElement[bool]:
    if not segment.endswith("*"):
        return table.c.segment == segment
    # Not LIKE: on SQLite it takes "ua" for "UA".
    prefix = segment.removesuffix("*")
    return func.substr(table.c.segment, 1, len(prefix)) == prefix


def _rows(
    engine: Engine, wanted: Select[Any], shape: Callable[[RowMapping], ResultRow], *, order: tuple[str, ...]
) -> list[ResultRow]:
    with reading(engine) as connection:
        rows = [shape(row) for row in connection.execute(wanted).mappings()]
    # Ordered here and not by the database, whose collation may differ from one server to the next.
    keys = ("model_id", "grain", "window_start", "model_version", "environment", "segment", *order)
    return sorted(rows, key=lambda row: tuple(row[key] for key in keys))


def _group(row: RowMapping) -> ResultRow:
    window = Window(row["window_start"], Grain(row["grain"]))
    return {
        "model_id": row["model_id"],
        "model_version": row["model_version"],
        "environment": row["environment"],
        "segment": row["segment"],
        "grain": row["grain"],
        "window_start": isoformat(window.start),
        "window_end": isoformat(window.end),
    }


def _metric(row: RowMapping) -> ResultRow:
    predictions, labelled = row["prediction_count"], row["labelled_count"]
    return {
        "metric": row["metric"],
        **{key: _finite(row[key]) for key in ("value", "lower", "upper", "detectable_change", "error_bound")},
        "prediction_count": predictions,
        "labelled_count": labelled,
        # A value without a label is that of a metric which needs none, such as a latency.
        "coverage": labelled / predictions if predictions and (labelled or row["value"] is None) else None,
        "undefined_reason": row["undefined_reason"],
        "known_from": isoformat(row["known_from"]),
    }


def _drift(row: RowMapping) -> ResultRow:
    return {
        **{key: row[key] for key in ("drift_type", "feature", "measure", "verdict", "reason")},
        **{key: _finite(row[key]) for key in ("value", "threshold", "noise_limit", "detectable", "p_value", "q_value")},
        **{key: row[key] for key in ("n_reference", "n_window", "n_effective", "window_count")},
        "detail": None if row["detail"] is None else orjson.loads(row["detail"]),
        "reference_id": row["reference_id"],
        "known_from": isoformat(row["known_from"]),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
