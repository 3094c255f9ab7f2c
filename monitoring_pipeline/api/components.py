"""The parts of the monitor itself, and whether each works: what ``GET /health`` says beside the models.

Nothing here waits for another service: the store is asked, and MLflow and the channels are judged by what waits for
them there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, select

from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.submissions import MOST_WAITING_BYTES
from monitoring_pipeline.events.tables import hour_revision, quarantine
from monitoring_pipeline.lake.tables import knowledge
from monitoring_pipeline.stages.due import DueWindow, due_hours
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, SECOND_MICROS, isoformat

DUE_SINCE_MICROS = 2 * HOUR_MICROS
"""The daemon looks every half minute, and a run takes minutes: what is due for longer, nobody computes."""

WAITS_SINCE_MICROS = 15 * 60 * SECOND_MICROS
"""A message that could have been sent so long ago, nobody sends."""

FULL_RATIO = 0.8  # of what may wait to be stored


Figures = Mapping[str, int | str | None]


class Status(StrEnum):
    """How a component does, the best first."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of the monitor.

    Attributes:
        name: store, writer, pipeline, alerts, notifications, ingest.
        status: of the part.
        reason: why it is not healthy and what to do; ``None`` where it is.
        figures: what it was judged by; instants are ISO 8601.
    """

    name: str
    status: Status
    reason: str | None
    figures: Figures


def components(service: Service) -> list[Component]:
    """Every part, as of now. Without a store the others cannot be judged."""
    installation = service.installation
    now = installation.clock()
    try:
        span = installation.pipeline.span
        with reading(installation.engine) as connection:
            due = due_hours(connection, now=now, debounce_micros=DUE_SINCE_MICROS, span=span)
            found = [
                _pipeline(connection, due, now=now),
                _alerts(connection),
                _notifications(connection, now=now),
                _ingest(connection, now=now),
            ]
    except MonitorError:
        reason = "the store cannot be used; the server's log says why"
        return [_component("store", unhealthy=reason), _writer(service)]
    return [_component("store"), _writer(service), *found]


def overall(found: list[Component]) -> Status:
    """The worst of all parts."""
    order = list(Status)
    return max((component.status for component in found), key=order.index)


def _component(
    name: str, figures: Figures | None = None, *, unhealthy: str | None = None, degraded: str | None = None
) -> Component:
    status = Status.UNHEALTHY if unhealthy else Status.DEGRADED if degraded else Status.HEALTHY
    return Component(name=name, status=status, reason=unhealthy or degraded, figures=dict(figures or {}))


def _writer(service: Service) -> Component:
    waiting = service.writer.waiting_bytes
    stopped = None if service.writer.is_running else "events are not taken now; start the server again"
    is_full = waiting > FULL_RATIO * MOST_WAITING_BYTES
    full = "events come faster than they are stored; send larger batches, or use PostgreSQL" if is_full else None
    return _component("writer", unhealthy=stopped, degraded=full, figures={"waiting_bytes": waiting})


def _pipeline(connection: Connection, due: list[DueWindow], *, now: int) -> Component:
    """What is due for longer than the daemon needs, and when anything was last published."""
    late = list(_late(connection, due, now=now))
    newest = connection.scalar(select(func.max(knowledge.c.known_at)))
    oldest = min((window.window_start for window in late), default=None)
    reason = (
        f"{len(late)} hours with events wait to be computed for more than two hours; "
        "see that Dagster's daemon runs, or run 'monitor reconcile'"
        if late
        else None
    )
    return _component(
        "pipeline",
        {
            "due_hours": len(due),
            "late_hours": len(late),
            "oldest_late_hour": None if oldest is None else isoformat(oldest),
            "last_published_at": None if newest is None else isoformat(newest),
        },
        degraded=reason,
    )


def _late(connection: Connection, due: list[DueWindow], *, now: int) -> Iterator[DueWindow]:
    """Of the due hours, those that have been due for long: an old hour whose events came just now has not."""
    if not due:
        return
    table, starts = hour_revision.c, [window.window_start for window in due]
    query = select(table.model_id, table.hour).where(
        table.hour.between(min(starts), max(starts)), table.changed_at <= now - DUE_SINCE_MICROS
    )
    unchanged = {(model_id, hour) for model_id, hour in connection.execute(query)}
    for window in due:
        ended_long_ago = window.window_start + HOUR_MICROS <= now - DUE_SINCE_MICROS
        if ended_long_ago and (window.model_id, window.window_start) in unchanged:
            yield window


def _alerts(connection: Connection) -> Component:
    """How many alerts stand. They are news of models: the monitor that raised them is well."""
    standing = [state.value for state in AlertState if state.active]
    query = select(alerts.c.severity, func.count()).where(alerts.c.state.in_(standing)).group_by(alerts.c.severity)
    counts = {str(severity): int(count) for severity, count in connection.execute(query)}
    return _component("alerts", {"active": sum(counts.values()), **dict(sorted(counts.items()))})


def _notifications(connection: Connection, *, now: int) -> Component:
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
    return _component("notifications", {"pending": pending, "stuck": stuck, "failed": failed}, degraded=reason)


def _ingest(connection: Connection, *, now: int) -> Component:
    query = select(func.count()).select_from(quarantine).where(quarantine.c.received_at > now - DAY_MICROS)
    return _component("ingest", {"quarantined_last_24h": int(connection.scalar(query) or 0)})


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(notifications).where(condition)
    return int(connection.scalar(query) or 0)
