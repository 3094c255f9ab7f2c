"""Alerts as faces show them: one dictionary per alert, with stable keys and ISO 8601 instants."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, and_, func, select

from monitoring_pipeline.alerts.handling.tables import acknowledgements
from monitoring_pipeline.alerts.history import whole_id
from monitoring_pipeline.alerts.notification import NotificationState
from monitoring_pipeline.alerts.selection import AlertSelection
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.alerts.vocabulary import AlertState, coverage_of
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.database import Key, beyond, reading
from monitoring_pipeline.windows import Grain, Window, isoformat

ORDER = ("window_start", "model_id", "grain", "model_version", "environment", "segment", "rule_id")
"""What alerts are listed by; together they name one."""

ACTIVE_STATES = tuple(state for state in AlertState if state.active)

_COLUMNS = [alerts.c[name] for name in ORDER]
_ACKNOWLEDGED = and_(acknowledgements.c.alert_id == alerts.c.alert_id, acknowledgements.c.sequence == alerts.c.sequence)


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
    ``changed_at`` is the last change of state; ``deliveries`` counts the alert's notifications by state;
    ``acknowledged_at`` and what follows are ``None`` unless somebody took note of the alert's last event.

    Args:
        engine: the store.
        model_id: one model; every model where ``None``.
        states: the states wanted; every state where ``None``.
        start: windows that start at or after this instant, microseconds UTC.
        end: windows that start before this instant.

    Raises:
        MonitorError: if the store cannot be used.
    """
    models = None if model_id is None else [model_id]
    selection = AlertSelection(model_ids=models, states=states, start=start, end=end)
    with reading(engine) as connection:
        return _alerts(connection, _selected(selection.conditions()).order_by(*_COLUMNS))


def page_of_alerts(
    engine: Engine, selection: AlertSelection, *, limit: int, after: Key | None = None
) -> tuple[list[dict[str, Any]], Key | None]:
    """Some of the alerts that match, the newest window first, and the key behind which the others are.

    Args:
        engine: the store.
        selection: which alerts.
        limit: the most alerts.
        after: the key that came with the page before; ``None`` for the first.

    Returns:
        Alerts as :func:`list_alerts` gives them, and the next key; ``None`` if there are no more.
    """
    place = [] if after is None else [beyond(_COLUMNS, after, descending=True)]
    query = _selected([*selection.conditions(), *place]).order_by(*(column.desc() for column in _COLUMNS))
    with reading(engine) as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
        shown = rows[:limit]
        next_key = tuple(getattr(shown[-1], name) for name in ORDER) if len(rows) > limit else None
        return _told(connection, shown), next_key


def find_alert(
    engine: Engine, alert_id: str, *, is_open: Callable[[str], bool] = lambda _model_id: True
) -> dict[str, Any]:
    """One alert, as :func:`list_alerts` gives it; the beginning of its id will do.

    Args:
        engine: the store.
        alert_id: of the alert, or the beginning of it if no other one's begins so.
        is_open: whether whoever asks may hear of the alerts of a model.

    Raises:
        NoSuchAlertError: if there is no such alert.
    """
    with reading(engine) as connection:
        whole = whole_id(connection, alert_id, is_open=is_open)
        [found] = _alerts(connection, _selected([alerts.c.alert_id == whole]))
        return found


def active_counts(connection: Connection, model_ids: Collection[str]) -> dict[str, dict[Severity, int]]:
    """How many alerts of each model stand, by severity; models without any are left out."""
    query = (
        select(alerts.c.model_id, alerts.c.severity, func.count().label("standing"))
        .where(alerts.c.model_id.in_(sorted(model_ids)), alerts.c.state.in_(sorted(ACTIVE_STATES)))
        .group_by(alerts.c.model_id, alerts.c.severity)
    )
    counts: dict[str, dict[Severity, int]] = defaultdict(dict)
    for row in connection.execute(query):
        counts[row.model_id][Severity(row.severity)] = row.standing
    return counts


def worst_active_severity(listed: Iterable[dict[str, Any]]) -> Severity | None:
    """The highest severity among the listed alerts that still stand, or ``None`` if none does."""
    active = {Severity(alert["severity"]) for alert in listed if AlertState(alert["state"]).active}
    return next((severity for severity in reversed(Severity) if severity in active), None)


def _selected(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    noted = acknowledgements.c
    return (
        select(alerts, noted.acknowledged_at, noted.acknowledged_by, noted.note)
        .select_from(alerts.outerjoin(acknowledgements, _ACKNOWLEDGED))
        .where(*conditions)
    )


def _alerts(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    ids = query.with_only_columns(alerts.c.alert_id).order_by(None)
    return _shown(connection.execute(query).all(), _deliveries(connection, ids))


def _told(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    return _shown(rows, _deliveries(connection, [row.alert_id for row in rows]))


def _shown(rows: Sequence[Row[Any]], deliveries: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    return [_alert(row, deliveries.get(row.alert_id, {})) for row in rows]


def _deliveries(connection: Connection, ids: Select[Any] | Sequence[str]) -> dict[str, dict[str, int]]:
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
        "sequence": row.sequence,
        "deliveries": {state.value: deliveries.get(state, 0) for state in NotificationState},
        "acknowledged_at": None if row.acknowledged_at is None else isoformat(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
        "acknowledgement_note": row.note,
    }
