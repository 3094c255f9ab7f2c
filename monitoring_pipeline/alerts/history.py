"""The life of one alert as faces show it: one dictionary per event, with stable keys and ISO 8601 instants."""

import json
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from monitoring_pipeline.alerts.tables import alert_events, alerts
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.windows import isoformat

LEAST_DIGITS = 6
_ID = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},32}}")


class NoSuchAlertError(MonitorError):
    """An id names no alert, or more than one."""


def alert_history(engine: Engine, alert_id: str) -> list[dict[str, Any]]:
    """The events of an alert, in the order in which they happened.

    ``causes`` are the ingest batches that reached the window since the finding before, newest first; ``None`` for a
    withdrawal, and for events of before causes were kept.

    Args:
        engine: the store.
        alert_id: of the alert, or the beginning of it if no other alert's begins so.

    Raises:
        NoSuchAlertError: if there is no such alert.
        MonitorError: if the store cannot be used.
    """
    with reading(engine) as connection:
        whole = whole_id(connection, alert_id)
        query = select(alert_events).where(alert_events.c.alert_id == whole).order_by(alert_events.c.sequence)
        return [_event(row) for row in connection.execute(query)]


def whole_id(connection: Connection, beginning: str, *, is_open: Callable[[str], bool] = lambda _model_id: True) -> str:
    """The id of the one alert whose id begins so.

    Args:
        connection: a transaction.
        beginning: of the id, or all of it.
        is_open: whether whoever asks may hear of the alerts of a model; the others are as if they were not.

    Raises:
        NoSuchAlertError: if there is none, or more than one.
    """
    if not _ID.fullmatch(beginning):
        raise NoSuchAlertError(
            f"{beginning!r} is not the id of an alert: {LEAST_DIGITS} to 32 hexadecimal digits, "
            "as 'monitor alerts list --json' prints them under alert_id"
        )
    # Of digits alone, so nothing in it is a wildcard.
    query = select(alerts.c.alert_id, alerts.c.model_id).where(alerts.c.alert_id.like(f"{beginning}%"))
    found = [row.alert_id for row in connection.execute(query) if is_open(row.model_id)]
    if not found:
        raise NoSuchAlertError(f"there is no alert {beginning}; 'monitor alerts list --json' prints all ids")
    if len(found) > 1:
        raise NoSuchAlertError(f"several alerts begin with {beginning}; give more digits of the one that is meant")
    return str(found[0])


def _event(row: Row[Any]) -> dict[str, Any]:
    return {
        "alert_id": row.alert_id,
        "sequence": row.sequence,
        "known_at": isoformat(row.known_at),
        "from_state": row.from_state,
        "to_state": row.to_state,
        "severity": row.severity,
        "old_value": row.old_value,
        "new_value": row.new_value,
        "old_coverage": row.old_coverage,
        "new_coverage": row.new_coverage,
        "labelled_count": row.labelled_count,
        "causes": None if row.causes is None else json.loads(row.causes),
    }
