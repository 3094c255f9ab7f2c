"""The parts that the store tells of: what is due, what people were told, what came in."""

from sqlalchemy import ColumnElement, Connection, func, select

from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.api.components.component import Component, judged
from monitoring_pipeline.events.tables import quarantine
from monitoring_pipeline.lake.tables import knowledge
from monitoring_pipeline.sources.positions import losses_in
from monitoring_pipeline.stages.due import DueWindow
from monitoring_pipeline.stages.late_hours import late_hours
from monitoring_pipeline.windows import DAY_MICROS, SECOND_MICROS, isoformat

WAITS_SINCE_MICROS = 15 * 60 * SECOND_MICROS
"""A message that could have been sent so long ago, nobody sends."""


def pipeline(connection: Connection, due: list[DueWindow], *, now: int) -> Component:
    """What is due for longer than the daemon needs, and when anything was last published."""
    late = late_hours(connection, due, now=now)
    newest = connection.scalar(select(func.max(knowledge.c.known_at)))
    oldest = min((window.window_start for window in late), default=None)
    reason = (
        f"{len(late)} hours with events wait to be computed for more than two hours; "
        "see that Dagster's daemon runs, or run 'monitor reconcile'"
        if late
        else None
    )
    return judged(
        "pipeline",
        {
            "due_hours": len(due),
            "late_hours": len(late),
            "oldest_late_hour": None if oldest is None else isoformat(oldest),
            "last_published_at": None if newest is None else isoformat(newest),
        },
        degraded=reason,
    )


def standing_alerts(connection: Connection) -> Component:
    """How many alerts stand. They are news of models: the monitor that raised them is well."""
    standing = [state.value for state in AlertState if state.active]
    query = select(alerts.c.severity, func.count()).where(alerts.c.state.in_(standing)).group_by(alerts.c.severity)
    counts = {str(severity): int(count) for severity, count in connection.execute(query)}
    return judged("alerts", {"active": sum(counts.values()), **dict(sorted(counts.items()))})


def pending_notifications(connection: Connection, *, now: int) -> Component:
    """Whether messages reach their channels."""
    table = notifications.c
    is_pending = table.state == NotificationState.PENDING
    pending = _count(connection, is_pending)
    stuck = _count(connection, is_pending & (table.next_attempt_at <= now - WAITS_SINCE_MICROS))
    failed = _count(connection, table.state == NotificationState.FAILED)
    reason = None
    if stuck:
        reason = f"{stuck} notifications could have been sent long ago; see that Dagster's daemon runs"
    elif failed:
        reason = f"{failed} notifications were given up; mend the channel, then 'monitor alerts redeliver'"
    return judged("notifications", {"pending": pending, "stuck": stuck, "failed": failed}, degraded=reason)


def ingest(connection: Connection, *, now: int) -> Component:
    """How many rows could not be taken lately, and whether messages were lost."""
    query = select(func.count()).select_from(quarantine).where(quarantine.c.received_at > now - DAY_MICROS)
    losses = losses_in(connection)
    lately = losses.last_at is not None and losses.last_at > now - DAY_MICROS
    reason = (
        "messages of Kafka were deleted before they were read; 'monitor consume' has said which, and source_positions "
        "keeps how many: lengthen the topic's retention, and send them again"
    )
    figures = {
        "quarantined_last_24h": int(connection.scalar(query) or 0),
        "lost_messages": losses.messages,
        "last_lost_at": None if losses.last_at is None else isoformat(losses.last_at),
    }
    return judged("ingest", figures, degraded=reason if lately else None)


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(notifications).where(condition)
    return int(connection.scalar(query) or 0)
