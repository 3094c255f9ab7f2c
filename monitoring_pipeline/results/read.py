"""Reads metrics and drift results, as they stand or as they stood: what ``monitor metrics`` and ``drift`` print.

Rows are plain dictionaries with stable keys, ready for JSON: instants are ISO 8601 in UTC, and a value that does
not exist is ``None`` with its reason beside it, never a number and never NaN.
"""

from typing import Any

from sqlalchemy import Engine, Select, Table, select

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.database import Key, beyond, reading
from monitoring_pipeline.results.as_of import held_at, settled
from monitoring_pipeline.results.listings import DRIFT, METRICS, Listing, ResultRow
from monitoring_pipeline.results.selection import ResultSelection
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import Grain

__all__ = ["ResultRow", "models_with_results", "page_of_results", "read_drift", "read_metrics"]


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
    models = None if model_id is None else [model_id]
    selection = ResultSelection(model_ids=models, grain=grain, start=start, end=end, segment=segment)
    wanted = _held(metrics, selection, settled(engine, metrics, as_of, clock=clock))
    return _rows(engine, wanted, METRICS)


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
    models = None if model_id is None else [model_id]
    selection = ResultSelection(model_ids=models, grain=grain, start=start, end=end, segment=segment)
    wanted = _held(drift_results, selection, settled(engine, drift_results, as_of, clock=clock))
    return _rows(engine, wanted, DRIFT)


def models_with_results(engine: Engine, table: Table) -> list[str]:
    """The models that have rows in a results table, in order."""
    with reading(engine) as connection:
        return sorted(connection.scalars(select(table.c.model_id).distinct()))


def page_of_results(
    engine: Engine,
    listing: Listing,
    selection: ResultSelection,
    *,
    limit: int,
    after: Key | None = None,
    as_of: int | None = None,
    clock: Clock = system_clock,
) -> tuple[list[ResultRow], Key | None]:
    """Some of the rows that match, and the key behind which the others are.

    Only the page is read, along the index of what stands. Texts are in the order of the database.

    Args:
        engine: the store.
        listing: :data:`.listings.METRICS` or :data:`.listings.DRIFT`.
        selection: which rows.
        limit: the most rows.
        after: the key that came with the page before; ``None`` for the first.
        as_of: as :func:`read_metrics` takes it.
        clock: what time it is.

    Returns:
        Rows as :func:`read_metrics` and :func:`read_drift` give them, and the next key; ``None`` without more.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    table = listing.table
    columns = [table.c[name] for name in listing.order]
    wanted = _held(table, selection, settled(engine, table, as_of, clock=clock))
    if after is not None:
        wanted = wanted.where(beyond(columns, after))
    with reading(engine) as connection:
        rows = connection.execute(wanted.order_by(*columns).limit(limit + 1)).mappings().all()
    shown = rows[:limit]
    next_key = tuple(shown[-1][name] for name in listing.order) if len(rows) > limit else None
    return [listing.shape(row) for row in shown], next_key


def _held(table: Table, selection: ResultSelection, as_of: int | None) -> Select[Any]:
    return select(table).where(held_at(table, as_of), *selection.conditions(table))


def _rows(engine: Engine, wanted: Select[Any], listing: Listing) -> list[ResultRow]:
    with reading(engine) as connection:
        rows = [listing.shape(row) for row in connection.execute(wanted).mappings()]
    # Ordered here and not by the database, whose collation may differ from one server to the next.
    return sorted(rows, key=lambda row: tuple(row[key] for key in listing.order))
