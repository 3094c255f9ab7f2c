"""Which version of a model is the latest."""

from sqlalchemy import Engine, select

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.totals.tables import version_totals

LATEST = "latest"


def resolved(engine: Engine, model_id: str, *, version: str, environment: str) -> str | None:
    """The version that is asked for; for ``latest`` the newest one, ``None`` if none was ever seen.

    The newest version is the one whose first prediction arrived last. Not the one that made the newest prediction:
    while a rollout goes on, the old version still answers.
    """
    if version != LATEST:
        return version
    table = version_totals.c
    query = (
        select(table.model_version)
        .where(table.model_id == model_id, table.environment == environment)
        .order_by(table.first_seen_at.desc(), table.first_predicted_at.desc(), table.model_version.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        newest: str | None = connection.scalar(query)
    return newest
