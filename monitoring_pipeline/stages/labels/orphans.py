"""Orphans: truth that arrived about predictions that nobody has logged."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from monitoring_pipeline.events.tables import actuals


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphans:
    """The orphans of one model.

    Attributes:
        count: predictions that are spoken of and not known.
        oldest_at: when the first word of the oldest arrived, microseconds UTC; ``None`` without orphans.
    """

    count: int
    oldest_at: int | None


def orphans_of(connection: Connection, model_id: str, *, now: int) -> Orphans:
    """What waits for its prediction; those that arrived after ``now`` are left out.

    Of a past instant it cannot see orphans whose prediction has come since. An orphan knows no environment.
    """
    table = actuals.c
    query = select(func.count(table.prediction_id.distinct()), func.min(table.received_at)).where(
        table.model_id == model_id, table.predicted_at.is_(None), table.received_at <= now
    )
    count, oldest_at = connection.execute(query).one()
    return Orphans(count=count, oldest_at=oldest_at)
