"""Removing what never belonged to an hour: old orphaned actuals and old quarantined rows."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, func, select, tuple_

from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.lookup import Key
from monitoring_pipeline.events.store import take_turn
from monitoring_pipeline.events.tables import actuals, quarantine

# Each is two parameters of a statement, of which SQLite takes 32,766.
_ROWS_PER_TRANSACTION = 1_000

_KEY = tuple_(actuals.c.model_id, actuals.c.prediction_id)


def remove_orphans(engine: Engine, *, before: int) -> int:
    """Remove actuals whose prediction is unknown and of which nothing was heard since ``before``.

    All revisions of an orphan go together or stay together: the next one is numbered by how many there are.

    Returns:
        How many revisions were removed.
    """
    with reading(engine) as connection:
        keys = _orphans(connection, before)
    removed = 0
    for start in range(0, len(keys), _ROWS_PER_TRANSACTION):
        some = keys[start : start + _ROWS_PER_TRANSACTION]
        with writing(engine) as connection:
            take_turn(connection)
            # Asked again: a new revision, or the prediction itself, may have come in between.
            if still := _orphans(connection, before, among=some):
                removed += connection.execute(delete(actuals).where(_KEY.in_(still))).rowcount
    return removed


def _orphans(connection: Connection, before: int, *, among: Sequence[Key] | None = None) -> list[Key]:
    table = actuals.c
    query = select(table.model_id, table.prediction_id).where(table.predicted_at.is_(None))
    if among is not None:
        query = query.where(_KEY.in_(among))
    query = query.group_by(table.model_id, table.prediction_id).having(func.max(table.received_at) < before)
    return [(row.model_id, row.prediction_id) for row in connection.execute(query)]


def remove_quarantined(engine: Engine, *, before: int) -> int:
    """Remove rejected rows that were received before an instant, microseconds UTC; return how many."""
    table = quarantine.c
    old = select(table.quarantine_id).where(table.received_at < before).limit(_ROWS_PER_TRANSACTION)
    removed = 0
    while True:
        with writing(engine) as connection:
            count = connection.execute(delete(quarantine).where(table.quarantine_id.in_(old))).rowcount
        removed += count
        if count < _ROWS_PER_TRANSACTION:
            return removed
