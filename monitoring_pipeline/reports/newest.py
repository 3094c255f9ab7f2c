"""When a model predicted last: what a report of a model that has ended, or was replayed, is about."""

from dataclasses import replace

from sqlalchemy import Connection, func, select

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import HOUR_MICROS


def newest_hour(connection: Connection, model_id: str) -> int | None:
    """The start of the last hour in which a model predicted, microseconds UTC; ``None`` if it never did."""
    newest: int | None = connection.scalar(
        select(func.max(hour_revision.c.hour)).where(hour_revision.c.model_id == model_id)
    )
    return newest


def up_to_newest(installation: Installation, model_id: str) -> Installation:
    """The installation with a clock that stands at the end of that hour; as it is if the model never predicted."""
    with reading(installation.engine) as connection:
        newest = newest_hour(connection, model_id)
    if newest is None:
        return installation
    end = min(newest + HOUR_MICROS, installation.clock())
    return replace(installation, clock=lambda: end)
