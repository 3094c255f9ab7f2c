"""The life of one alert as faces show it: one dictionary per event, with stable keys and ISO 8601 instants."""

import json
import re
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


def whole_id(connection: Connection, beginning: str) -> str:
    """The id of the one alert whose id begins so.

    Raises:
        NoSuchAlertError: if there is none, or more than one.
    """
    if not _ID.fullmatch(beginning):
        raise NoSuchAlertError(
            f"{beginning!r} is not the id of an alert: {LEAST_DIGITS} to 32 hexadecimal digits, "
            "as 'monitor alerts list --json' prints them under alert_id"
        )
    # Of digits alone, so nothing in it is a wildcard.
    found = connection.scalars(select(alerts.c.alert_id).where(alerts.c.alert_id.like(f"{beginning}%")).limit(2)).all()
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
