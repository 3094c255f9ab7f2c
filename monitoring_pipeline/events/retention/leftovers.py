"""Removing what never belonged to an hour: old orphaned actuals, old quarantined rows, records of old batches."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, func, select, tuple_, union

from monitoring_pipeline.database import reading, remove_where, writing
from monitoring_pipeline.events.sql.lookup import Key
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.tables import actuals, hour_revision, ingest_batches, predictions, quarantine
from monitoring_pipeline.windows import DAY_MICROS

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
    return remove_where(engine, table.quarantine_id, table.received_at < before, batch=_ROWS_PER_TRANSACTION)


def remove_batches(engine: Engine, *, before: int) -> int:
    """Remove the records of batches of which no row is left, after the rows themselves; return how many.

    A batch says where rows came from. What became of them is counted elsewhere, and an alert's event names its
    batches itself.

    Args:
        engine: the store.
        before: the instant since which events are kept, microseconds UTC. A batch is looked at a day later: its last
            rows come after its first, and may be of the time to come.
    """
    with reading(engine) as connection:
        old = connection.scalars(
            select(ingest_batches.c.batch_id).where(ingest_batches.c.received_at < before - DAY_MICROS)
        ).all()
        gone = sorted(set(old) - _named_batches(connection, before)) if old else []
    for start in range(0, len(gone), _ROWS_PER_TRANSACTION):
        some = gone[start : start + _ROWS_PER_TRANSACTION]
        with writing(engine) as connection:
            connection.execute(delete(ingest_batches).where(ingest_batches.c.batch_id.in_(some)))
    return len(gone)


def _named_batches(connection: Connection, before: int) -> set[str]:
    """The batches of old rows that are still there."""
    models = select(hour_revision.c.model_id).distinct()  # leads databases to the rows by their index
    of_hours = [
        select(table.c.batch_id).where(table.c.model_id.in_(models), table.c.predicted_at < before)
        for table in (predictions, actuals)
    ]
    orphans = select(actuals.c.batch_id).where(actuals.c.predicted_at.is_(None))
    return set(connection.scalars(union(*of_hours, orphans, select(quarantine.c.batch_id))))
