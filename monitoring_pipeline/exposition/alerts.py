"""Alerts that stand, and messages about them that have not arrived."""

from collections.abc import Iterator

from sqlalchemy import func, select

from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.exposition.families import MODEL, Family
from monitoring_pipeline.exposition.moment import Moment, seconds
from monitoring_pipeline.windows import DAY_MICROS, Grain

SHOWN_MICROS = 2 * DAY_MICROS
"""An alert is about one window and stands for ever if it was right: shown are those of lately."""

_STANDING = [state for state in AlertState if state.active]
_UNFINISHED = (NotificationState.PENDING, NotificationState.FAILED)


def families(moment: Moment) -> Iterator[Family]:
    """The families of this module."""
    yield _active(moment)
    yield from _notifications(moment)


def _active(moment: Moment) -> Family:
    table = alerts.c
    keys = (table.model_id, table.severity, table.state)
    query = select(*keys, func.count()).where(
        table.model_id.in_(list(moment.rank)),
        table.grain.in_([grain.value for grain in Grain]),
        table.window_start > moment.now - SHOWN_MICROS,
        table.state.in_([state.value for state in _STANDING]),
    )
    counts = {tuple(row[:3]): row[3] for row in moment.connection.execute(query.group_by(*keys))}
    return Family(
        name="mlmon_alerts_active",
        meaning="Alerts that stand, of windows that began within the last 48 hours.",
        labels=(MODEL, "severity", "state"),
        samples=[
            (key, float(counts.get(key, 0)))
            for model_id in moment.rank
            for severity in reversed(Severity)
            for state in _STANDING
            for key in [(model_id, severity.value, state.value)]
        ],
        most=450,
    )


def _notifications(moment: Moment) -> Iterator[Family]:
    table = notifications.c
    query = (
        select(table.channel, table.state, func.count(), func.min(table.created_at))
        .where(table.state.in_([state.value for state in _UNFINISHED]))
        .group_by(table.channel, table.state)
    )
    found = {(row[0], row[1]): (row[2], row[3]) for row in moment.connection.execute(query)}
    channels = sorted({*moment.config.channels, *(channel for channel, _ in found)})
    yield Family(
        name="mlmon_notifications",
        meaning="Messages that have not arrived: pending ones are tried again, failed ones were given up.",
        labels=("channel", "state"),
        samples=[
            ((channel, state.value), float(found.get((channel, state.value), (0, 0))[0]))
            for channel in channels
            for state in _UNFINISHED
        ],
        most=60,
    )
    yield Family(
        name="mlmon_oldest_pending_notification_timestamp_seconds",
        meaning="Since when the oldest pending message of a channel waits; absent where none does.",
        labels=("channel",),
        samples=[
            ((channel,), seconds(oldest))
            for (channel, state), (_, oldest) in sorted(found.items())
            if state == NotificationState.PENDING
        ],
        most=30,
    )
