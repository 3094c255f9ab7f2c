"""Removing messages that were delivered long ago. Alerts and their events stay for ever."""

from sqlalchemy import Engine, delete, select

from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.database import writing


def remove_delivered(engine: Engine, *, before: int, batch: int = 1_000) -> int:
    """Remove messages delivered before an instant; pending and failed ones stay, whatever their age.

    A removed message is not sent again: messages are written with a transition of an alert, and its
    transitions are on record.

    Args:
        engine: the store.
        before: microseconds UTC.
        batch: the most messages of one transaction.

    Returns:
        How many were removed.
    """
    table = notifications.c
    old = (
        select(table.notification_id)
        .where(table.state == NotificationState.DELIVERED, table.delivered_at < before)
        .limit(batch)
    )
    removed = 0
    while True:
        with writing(engine) as connection:
            count = connection.execute(delete(notifications).where(table.notification_id.in_(old))).rowcount
        removed += count
        if count < batch:
            return removed
