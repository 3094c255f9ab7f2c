"""The outbox: messages written with the transition they speak about, taken one lease at a time.

The states of a row: ``pending`` (due at ``next_attempt_at``) → ``delivered``, or after
``MAX_ATTEMPTS`` → ``failed``, which stays visible with its last error and can be put back. While a silence holds a row
is ``silenced`` instead (see :mod:`.held_back`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from monitoring_pipeline.alerts.handling.held_back import hold_new, is_silenced, may_be_told
from monitoring_pipeline.alerts.notification import DeliveryError, Notification, NotificationState
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.alerts.vocabulary import stable_id
from monitoring_pipeline.database import insert_of
from monitoring_pipeline.windows import SECOND_MICROS

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 3600.0
# 9 attempts in the first hour and a half, then hourly: a receiver may be down for half a day.
MAX_ATTEMPTS = 20
# A receiver that asks for more is taken to be mistaken: a wrong header must not silence an alert for ever.
LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0
# Longer than one attempt can take (60 s is the longest timeout, a name look-up may add 30 s), so that no
# one else sends what is being sent; after a crash the message waits this long.
LEASE_SECONDS = 150.0


def row(*, alert_id: str, sequence: int, channel: str, payload: Mapping[str, Any], now: int) -> dict[str, object]:
    """The row of a new message; its id is the same whenever the same transition is recorded."""
    return {
        "notification_id": stable_id(alert_id, sequence, channel),
        "alert_id": alert_id,
        "sequence": sequence,
        "channel": channel,
        "payload": json.dumps(payload, sort_keys=True, allow_nan=False),
        "state": NotificationState.PENDING,
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": now,
        "delivered_at": None,
        "last_error": None,
    }


def put(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Write new messages, in the caller's transaction; one that is there already stays as it is.

    Those whose alerts are silenced at their ``created_at`` are held back from the first.
    """
    if not rows:
        return
    connection.execute(insert_of(connection)(notifications).on_conflict_do_nothing(), list(rows))
    hold_new(connection, rows, now=max(int(str(row["created_at"])) for row in rows))


def due(connection: Connection, *, channel: str, now: int, limit: int) -> list[Notification]:
    """The channel's messages that may be tried now, oldest first."""
    query = (
        select(notifications)
        .where(
            notifications.c.channel == channel,
            notifications.c.state == NotificationState.PENDING,
            notifications.c.next_attempt_at <= now,
        )
        .order_by(notifications.c.created_at, notifications.c.alert_id, notifications.c.sequence)
        .limit(limit)
    )
    return [_notification(found) for found in connection.execute(query)]


def due_count(connection: Connection, *, now: int) -> tuple[int, int | None]:
    """How many messages of all channels may be tried now, and when the last of them became due.

    Those that a silence held back until now are among them: the next delivery lets them go.
    """
    is_due = and_(
        notifications.c.state == NotificationState.PENDING,
        notifications.c.next_attempt_at <= now,
    )
    query = select(func.count(), func.max(notifications.c.next_attempt_at)).where(or_(is_due, may_be_told(now)))
    count, newest = connection.execute(query).one()
    return count, newest


def pending_counts(connection: Connection, *, now: int | None = None) -> dict[str, int]:
    """How many messages wait, by channel; also for channels that the config no longer names.

    With ``now``, those that a silence held back until then are counted too.
    """
    waits = notifications.c.state == NotificationState.PENDING
    query = (
        select(notifications.c.channel, func.count().label("waiting"))
        .where(waits if now is None else or_(waits, may_be_told(now)))
        .group_by(notifications.c.channel)
    )
    return {row.channel: row.waiting for row in connection.execute(query)}


def claim(connection: Connection, notification: Notification, *, now: int) -> bool:
    """Take the lease of a due message; ``False`` if another deliverer was faster, or a silence holds since.

    The attempt is counted here, before it is made: a message that kills its deliverer is given up too.
    """
    statement = (
        update(notifications)
        .where(
            notifications.c.notification_id == notification.notification_id,
            notifications.c.state == NotificationState.PENDING,
            notifications.c.attempts == notification.attempts,
            notifications.c.next_attempt_at <= now,
            ~is_silenced(now),
        )
        .values(
            attempts=notification.attempts + 1,
            next_attempt_at=now + round(LEASE_SECONDS * SECOND_MICROS),
        )
    )
    return connection.execute(statement).rowcount == 1


def mark_delivered(connection: Connection, notification: Notification, *, now: int) -> None:
    """Note that the receiver has the message."""
    connection.execute(
        update(notifications)
        .where(notifications.c.notification_id == notification.notification_id)
        .values(state=NotificationState.DELIVERED, delivered_at=now, last_error=None)
    )


def mark_attempt_failed(connection: Connection, notification: Notification, error: DeliveryError, *, now: int) -> bool:
    """Note a failed attempt and when the next is due; ``True`` if that was the last."""
    attempts = notification.attempts + 1
    given_up = attempts >= MAX_ATTEMPTS
    wait = retry_seconds(notification.notification_id, attempts, retry_after_seconds=error.retry_after_seconds)
    connection.execute(
        update(notifications)
        .where(
            notifications.c.notification_id == notification.notification_id,
            notifications.c.state == NotificationState.PENDING,
            notifications.c.attempts == attempts,  # else the lease ran out and another attempt is under way
        )
        .values(
            state=NotificationState.FAILED if given_up else NotificationState.PENDING,
            next_attempt_at=now + round(wait * SECOND_MICROS),
            last_error=str(error),
        )
    )
    return given_up


def put_back_failed(connection: Connection, *, now: int, channel: str | None = None) -> int:
    """Make given-up messages pending again, with all their attempts; returns how many."""
    statement = update(notifications).where(notifications.c.state == NotificationState.FAILED)
    if channel is not None:
        statement = statement.where(notifications.c.channel == channel)
    values = {"state": NotificationState.PENDING, "attempts": 0, "next_attempt_at": now}
    return connection.execute(statement.values(values)).rowcount


def retry_seconds(notification_id: str, attempts: int, *, retry_after_seconds: float | None = None) -> float:
    """How long to wait after the ``attempts``-th failure.

    ``min(1 h, 10 s · 2^(attempts-1)) · (¾ … 1)``: the jitter comes from the id, so that messages that failed
    together do not come back together and a rerun plans the same instants. A receiver's Retry-After is
    honoured up to one day where it is longer.
    """
    seed = hashlib.sha256(f"{notification_id}:{attempts}".encode()).digest()
    jitter = int.from_bytes(seed[:4]) / 2**32
    doublings = min(attempts - 1, 30)  # far beyond the hour, far below the largest double
    backoff = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**doublings)
    return max(backoff * (0.75 + 0.25 * jitter), min(retry_after_seconds or 0.0, LONGEST_RETRY_AFTER_SECONDS))


def _notification(found: Row[Any]) -> Notification:
    return Notification(
        notification_id=found.notification_id,
        alert_id=found.alert_id,
        sequence=found.sequence,
        channel=found.channel,
        payload=json.loads(found.payload),
        attempts=found.attempts,
    )
