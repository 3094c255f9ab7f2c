"""Messages that a silence holds back, and which of them are sent when it ends.

A message is written with its transition, silence or not: it exists if and only if the transition does. While a silence
holds that matches its alert, its state is ``silenced`` and nobody sends it. When no silence matches any more, the
present state of each alert is told once, by the message of the alert's last event: if the alert stands, or if the
channel was told of it before the silence and would else believe for ever that it does. The others stay ``silenced``:
what came and went unheard is no news.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, or_, select, update

from monitoring_pipeline.alerts.handling.tables import silences
from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.alerts.vocabulary import AlertState

_ACTIVE = sorted(state for state in AlertState if state.active)
_EARLIER = notifications.alias("earlier")


def holds(now: int) -> ColumnElement[bool]:
    """The silences that hold at an instant."""
    table = silences.c
    return and_(table.starts_at <= now, table.ends_at > now, table.ended_at.is_(None))


def is_silenced(now: int) -> ColumnElement[bool]:
    """Of a message: whether a silence holds that matches its alert. News of another kind is never silenced."""
    matching = (_every_or(name) for name in ("model_id", "rule_id", "segment"))
    return exists(
        select(silences.c.silence_id)
        .join(alerts, and_(*matching))
        .where(holds(now), alerts.c.alert_id == notifications.c.alert_id)
        .correlate(notifications)
    )


def may_be_told(now: int) -> ColumnElement[bool]:
    """Of a message: whether it was held back, nothing holds it any more, and it tells what people need to know."""
    return and_(notifications.c.state == NotificationState.SILENCED, is_news(), ~is_silenced(now))


def is_news() -> ColumnElement[bool]:
    """Of a message that is held back: whether it tells what people need to know, as things stand."""
    told_before = exists(
        select(_EARLIER.c.notification_id)
        .where(
            _EARLIER.c.alert_id == notifications.c.alert_id,
            _EARLIER.c.channel == notifications.c.channel,
            _EARLIER.c.sequence < notifications.c.sequence,
            _EARLIER.c.state == NotificationState.DELIVERED,
        )
        .correlate(notifications)
    )
    return exists(
        select(alerts.c.alert_id)
        .where(
            alerts.c.alert_id == notifications.c.alert_id,
            alerts.c.sequence == notifications.c.sequence,
            # Not IN, which cannot be part of a statement that is executed for many messages.
            or_(told_before, *(alerts.c.state == state for state in _ACTIVE)),
        )
        .correlate(notifications)
    )


def hold_new(connection: Connection, rows: Sequence[Mapping[str, object]], *, now: int) -> None:
    """Hold back those of the messages just written, in the same transaction, whose alerts are silenced."""
    if connection.execute(select(silences.c.silence_id).where(holds(now)).limit(1)).first() is not None:
        _move(connection, [str(row["notification_id"]) for row in rows], _waits_silenced(now), _HELD)


def review(connection: Connection, *, now: int) -> None:
    """Hold back what waits and is silenced by now, and let go what no silence holds any more."""
    for wanted, values in (
        (_waits_silenced(now), _HELD),
        (may_be_told(now), {"state": NotificationState.PENDING, "attempts": 0, "next_attempt_at": now}),
    ):
        _move(connection, connection.scalars(_ids(wanted)).all(), wanted, values)


def needs_review(connection: Connection, *, now: int) -> bool:
    """Whether :func:`review` would change anything."""
    changing = (_waits_silenced(now), may_be_told(now))
    return any(connection.execute(_ids(wanted).limit(1)).first() is not None for wanted in changing)


def _waits_silenced(now: int) -> ColumnElement[bool]:
    return and_(notifications.c.state == NotificationState.PENDING, is_silenced(now))


def _ids(wanted: ColumnElement[bool]) -> Select[Any]:
    return select(notifications.c.notification_id).where(wanted).order_by(notifications.c.notification_id)


def _every_or(name: str) -> ColumnElement[bool]:
    return or_(silences.c[name].is_(None), silences.c[name] == alerts.c[name])


def _move(
    connection: Connection, ids: Sequence[str], wanted: ColumnElement[bool], values: Mapping[str, object]
) -> None:
    """Change the messages one by one in the order of their ids, so that two who do so never wait for each other."""
    if ids:
        one = update(notifications).where(notifications.c.notification_id == bindparam("id"), wanted).values(values)
        connection.execute(one, [{"id": notification_id} for notification_id in sorted(ids)])


_HELD = {"state": NotificationState.SILENCED}
