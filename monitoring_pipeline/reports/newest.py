"""When a model predicted last: what a report of a model that has ended, or was replayed, is about."""

from sqlalchemy import Connection, func, select

from monitoring_pipeline.events.tables import hour_revision


def newest_hour(connection: Connection, model_id: str) -> int | None:
    """The start of the last hour in which a model predicted, microseconds UTC; ``None`` if it never did."""
    newest: int | None = connection.scalar(
        select(func.max(hour_revision.c.hour)).where(hour_revision.c.model_id == model_id)
    )
    return newest
