"""Somebody takes note of an alert: of what happened to it so far, not of what will.

An acknowledgement is for the alert's last event. When the alert changes again, that is news: it counts as
unacknowledged until somebody takes note of that, too. What was acknowledged before stays on record.
"""

from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from monitoring_pipeline.alerts.handling.tables import acknowledgements
from monitoring_pipeline.alerts.history import whole_id
from monitoring_pipeline.alerts.tables import alerts
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.database import insert_of, reading, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.windows import isoformat

MAX_NOTE_CHARS = 1_000


class AlertMovedError(MonitorError):
    """Something happened to the alert that the person who acknowledges it has not seen."""


def acknowledge(
    engine: Engine, alert_id: str, *, by: str, clock: Clock, note: str | None = None, sequence: int | None = None
) -> dict[str, Any]:
    """Take note of an alert as it stands; who did so first for its last event stays on record.

    Args:
        engine: the store.
        alert_id: of the alert, or the beginning of it.
        by: who takes note.
        clock: what time it is.
        note: what they say.
        sequence: of the last event that they saw; ``None`` for whatever is the last.

    Returns:
        The acknowledgement that stands, ready for JSON.

    Raises:
        NoSuchAlertError: if there is no such alert.
        AlertMovedError: if ``sequence`` is not that of the alert's last event.
        MonitorError: if the note is too long, or the store cannot be used.
    """
    if note is not None and len(note) > MAX_NOTE_CHARS:
        raise MonitorError(f"the note has {len(note)} characters; allowed are {MAX_NOTE_CHARS}")
    with writing(engine) as connection:
        whole = whole_id(connection, alert_id)
        last = connection.scalar(select(alerts.c.sequence).where(alerts.c.alert_id == whole))
        if sequence is not None and sequence != last:
            raise AlertMovedError(f"the alert's last event is {last}, not {sequence}; look at it again")
        row = {
            "alert_id": whole,
            "sequence": last,
            "acknowledged_at": clock(),
            "acknowledged_by": by,
            "note": note,
        }
        connection.execute(insert_of(connection)(acknowledgements).values(row).on_conflict_do_nothing())
        return _of_alert(connection, whole)[-1]


def acknowledgements_of(engine: Engine, alert_id: str) -> list[dict[str, Any]]:
    """Everything that was ever acknowledged of an alert, in the order of its events.

    Raises:
        NoSuchAlertError: if there is no such alert.
    """
    with reading(engine) as connection:
        return _of_alert(connection, whole_id(connection, alert_id))


def _of_alert(connection: Connection, alert_id: str) -> list[dict[str, Any]]:
    table = acknowledgements.c
    query = select(acknowledgements).where(table.alert_id == alert_id).order_by(table.sequence)
    return [_acknowledgement(row) for row in connection.execute(query)]


def _acknowledgement(row: Row[Any]) -> dict[str, Any]:
    return {
        "alert_id": row.alert_id,
        "sequence": row.sequence,
        "acknowledged_at": isoformat(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
        "note": row.note,
    }
