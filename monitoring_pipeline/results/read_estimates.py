"""Reads estimates beside what is measured: the rows that ``monitor estimates`` prints."""

from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, select

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.database import reading
from monitoring_pipeline.results.as_of import held_at, settled
from monitoring_pipeline.results.tables import estimates, metrics
from monitoring_pipeline.windows import Grain, Window, isoformat

_SAME = ("model_id", "grain", "window_start", "model_version", "environment", "segment", "metric")


def read_estimates(
    engine: Engine,
    *,
    model_id: str | None = None,
    start: int | None = None,
    end: int | None = None,
    as_of: int | None = None,
    clock: Clock = system_clock,
) -> list[dict[str, Any]]:
    """The estimates that stand, or stood at an instant, beside the metrics of the same window, one row per metric.

    Args:
        engine: the store.
        model_id: one model, or every model.
        start: windows that start at or after this instant (microseconds UTC).
        end: windows that start before this instant.
        as_of: what the monitor held to be true at this instant; ``None`` for what stands.
        clock: what time it is; an instant in the future is refused.

    Returns:
        Rows ordered by model, window, version, environment, segment and metric. ``value`` is measured on the labelled
        rows alone, ``estimate`` is about the whole window; what does not exist is ``None``.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    for table in (estimates, metrics):
        settled(engine, table, as_of, clock=clock)
    same = and_(*(metrics.c[name] == estimates.c[name] for name in _SAME), held_at(metrics, as_of))
    query = (
        select(
            estimates,
            metrics.c.value.label("measured"),
            metrics.c.lower.label("measured_lower"),
            metrics.c.upper.label("measured_upper"),
            metrics.c.prediction_count,
            metrics.c.labelled_count,
        )
        .join_from(estimates, metrics, same, isouter=True)
        .where(held_at(estimates, as_of), *_wanted(model_id, start, end))
    )
    with reading(engine) as connection:
        rows = [_shaped(row) for row in connection.execute(query).mappings()]
    return sorted(rows, key=lambda row: tuple(row[name] for name in _SAME))


def _wanted(model_id: str | None, start: int | None, end: int | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if model_id is not None:
        conditions.append(estimates.c.model_id == model_id)
    if start is not None:
        conditions.append(estimates.c.window_start >= start)
    if end is not None:
        conditions.append(estimates.c.window_start < end)
    return conditions


def _shaped(row: Any) -> dict[str, Any]:
    window = Window(row["window_start"], Grain(row["grain"]))
    predictions, labelled = row["prediction_count"], row["labelled_count"]
    return {
        **{name: row[name] for name in ("model_id", "model_version", "environment", "segment", "grain")},
        "window_start": isoformat(window.start),
        "window_end": isoformat(window.end),
        "metric": row["metric"],
        "value": row["measured"],
        "lower": row["measured_lower"],
        "upper": row["measured_upper"],
        "prediction_count": predictions,
        "labelled_count": labelled,
        "coverage": labelled / predictions if predictions else None,
        "estimate": row["value"],
        "estimate_lower": row["lower"],
        "estimate_upper": row["upper"],
        "undefined_reason": row["undefined_reason"],
        "method": row["method"],
        "unlabelled_count": row["unlabelled_count"],
        "trained_until": None if row["trained_until"] is None else isoformat(row["trained_until"]),
        "trained_count": row["trained_count"],
    }
