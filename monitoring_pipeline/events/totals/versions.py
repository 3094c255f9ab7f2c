"""Which models were ever heard of, and in which versions: read from the totals, however many events there are."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, collate, func, select

from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.windows import isoformat


def models_heard_of(connection: Connection, among: Collection[str] | None = None) -> set[str]:
    """The models that ever logged a prediction, or those of some that did."""
    query = select(version_totals.c.model_id).distinct()
    if among is not None:
        query = query.where(version_totals.c.model_id.in_(sorted(among)))
    return set(connection.scalars(query))


def next_models(connection: Connection, *, after: str | None, limit: int, declared: Iterable[str] = ()) -> list[str]:
    """The next models in the order of their ids' characters, declared ones among those that logged a prediction.

    Args:
        connection: a reading transaction.
        after: the last model before; ``None`` from the beginning.
        limit: the most models.
        declared: models that belong to the list whatever they logged.
    """
    model_id = _bytewise(connection)
    query = select(version_totals.c.model_id).group_by(version_totals.c.model_id).order_by(model_id).limit(limit)
    if after is not None:
        query = query.where(model_id > after)
    heard_of = connection.scalars(query).all()
    silent = (declared_id for declared_id in declared if after is None or declared_id > after)
    return sorted({*heard_of, *silent})[:limit]


def versions_of(connection: Connection, model_ids: Collection[str], *, most: int) -> dict[str, list[dict[str, Any]]]:
    """The versions of some models in their environments, at most so many of each, the last heard of first."""
    table = version_totals.c
    place = func.row_number().over(
        partition_by=table.model_id,
        order_by=(table.last_seen_at.desc(), table.model_version.desc(), table.environment.desc()),
    )
    ranked = select(version_totals, place.label("place")).where(table.model_id.in_(sorted(model_ids))).subquery()
    found: dict[str, list[dict[str, Any]]] = {}
    query = select(ranked).where(ranked.c.place <= most).order_by(ranked.c.model_id, ranked.c.place)
    for row in connection.execute(query):
        found.setdefault(row.model_id, []).append(_version(row))
    return found


def extents_of(connection: Connection, model_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Of some models how much was ever logged, in how many versions and environments, and when last."""
    table = version_totals.c
    query = (
        select(
            table.model_id,
            func.count().label("version_count"),
            func.sum(table.prediction_count).label("prediction_count"),
            func.max(table.last_seen_at).label("last_seen_at"),
            func.max(table.last_predicted_at).label("last_predicted_at"),
        )
        .where(table.model_id.in_(sorted(model_ids)))
        .group_by(table.model_id)
    )
    return {row.model_id: _extent(row) for row in connection.execute(query)}


def _bytewise(connection: Connection) -> ColumnElement[str]:
    """The id in the order of its characters, as SQLite and Python have it, whatever language the database is set to."""
    return collate(version_totals.c.model_id, "BINARY" if connection.dialect.name == "sqlite" else "C")


def _version(row: Row[Any]) -> dict[str, Any]:
    instants = ("first_seen_at", "last_seen_at", "first_predicted_at", "last_predicted_at")
    return {
        "model_version": row.model_version,
        "environment": row.environment,
        "prediction_count": row.prediction_count,
        **{name: isoformat(getattr(row, name)) for name in instants},
    }


def _extent(row: Row[Any]) -> dict[str, Any]:
    return {
        "version_count": row.version_count,
        "prediction_count": int(row.prediction_count),  # PostgreSQL adds integers up to a decimal number
        "last_seen_at": isoformat(row.last_seen_at),
        "last_predicted_at": isoformat(row.last_predicted_at),
    }
