"""Alerts as faces show them: one dictionary per alert, with stable keys and ISO 8601 instants."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select

from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.alerts.vocabulary import AlertState, coverage_of
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.database import reading
from monitoring_pipeline.windows import Grain, Window, isoformat

_ORDER = ("window_start", "model_id", "grain", "model_version", "environment", "segment", "rule_id")


def list_alerts(
    engine: Engine,
    *,
    model_id: str | None = None,
    states: Collection[AlertState] | None = None,
    start: int | None = None,
    end: int | None = None,
) -> list[dict[str, Any]]:
    """The alerts that match, in the order of their windows.

    ``value``, its interval and the counts are those of the last verdict that had enough data;
    ``changed_at`` is the last change of state; ``deliveries`` counts the alert's notifications by state.

    Args:
        engine: the store.
        model_id: one model; every model where ``None``.
        states: the states wanted; every state where ``None``.
        start: windows that start at or after this instant, microseconds UTC.
        end: windows that start before this instant.

    Raises:
        MonitorError: if the store cannot be used.
    """
    query = select(alerts).order_by(*(alerts.c[name] for name in _ORDER))
    if model_id is not None:
        query = query.where(alerts.c.model_id == model_id)
    if states is not None:
        query = query.where(alerts.c.state.in_(sorted(states)))
    if start is not None:
        query = query.where(alerts.c.window_start >= start)
    if end is not None:
        query = query.where(alerts.c.window_start < end)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
        deliveries = _deliveries(connection, query)
    return [_alert(row, deliveries.get(row.alert_id, {})) for row in rows]


def worst_active_severity(listed: Iterable[dict[str, Any]]) -> Severity | None:
    """The highest severity among the listed alerts that still stand, or ``None`` if none does."""
    active = {Severity(alert["severity"]) for alert in listed if AlertState(alert["state"]).active}
    return next((severity for severity in reversed(Severity) if severity in active), None)


def _deliveries(connection: Connection, wanted: Select[Any]) -> dict[str, dict[str, int]]:
    ids = wanted.with_only_columns(alerts.c.alert_id).order_by(None)
    query = (
        select(notifications.c.alert_id, notifications.c.state, func.count().label("messages"))
        .where(notifications.c.alert_id.in_(ids))
        .group_by(notifications.c.alert_id, notifications.c.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        counts.setdefault(row.alert_id, {})[row.state] = row.messages
    return counts


def _alert(row: Row[Any], deliveries: dict[str, int]) -> dict[str, Any]:
    window = Window(row.window_start, Grain(row.grain))
    return {
        "alert_id": row.alert_id,
        "model_id": row.model_id,
        "model_version": row.model_version,
        "environment": row.environment,
        "segment": row.segment,
        "grain": row.grain,
        "window_start": isoformat(window.start),
        "window_end": isoformat(window.end),
        "rule_id": row.rule_id,
        "metric": row.metric,
        "severity": row.severity,
        "state": row.state,
        "value": row.value,
        "lower": row.lower,
        "upper": row.upper,
        "threshold": row.threshold,
        "direction": row.direction,
        "prediction_count": row.prediction_count,
        "labelled_count": row.labelled_count,
        "coverage": coverage_of(row.labelled_count, row.prediction_count, metric=row.metric),
        "opened_at": isoformat(row.opened_at),
        "changed_at": isoformat(row.changed_at),
        "deliveries": {state.value: deliveries.get(state, 0) for state in NotificationState},
    }
