"""Removing messages that nobody will send any more. Alerts and their events stay for ever."""

from sqlalchemy import ColumnElement, Engine, and_, exists, or_, select

from monitoring_pipeline.alerts.handling.held_back import is_news
from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.database import remove_where

_HELD = notifications.alias("held")


def remove_settled(engine: Engine, *, before: int, batch: int = 1_000) -> int:
    """Remove messages of before an instant that were delivered, or held back by a silence and are news no more.

    Pending and failed ones stay, whatever their age, and what still may be told when a silence ends. A removed message
    is not sent again: messages are written with a transition of an alert, and its transitions are on record.

    Args:
        engine: the store.
        before: microseconds UTC.
        batch: the most messages of one transaction.

    Returns:
        How many were removed.
    """
    settled = or_(_is_delivered(before), and_(_is_held(before), ~is_news()))
    return remove_where(engine, notifications.c.notification_id, settled, batch=batch)


def _is_delivered(before: int) -> ColumnElement[bool]:
    """Delivered, and nothing held back depends on it: who was told of an alert must hear of its end."""
    table = notifications.c
    awaited = exists(
        select(_HELD.c.notification_id)
        .where(
            _HELD.c.alert_id == table.alert_id,
            _HELD.c.channel == table.channel,
            _HELD.c.state == NotificationState.SILENCED,
        )
        .correlate(notifications)
    )
    return and_(table.state == NotificationState.DELIVERED, table.delivered_at < before, ~awaited)


def _is_held(before: int) -> ColumnElement[bool]:
    table = notifications.c
    return and_(table.state == NotificationState.SILENCED, table.created_at < before)
