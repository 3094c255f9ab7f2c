"""One transaction of ingest: rows, rejected rows, touched hours and the batch's counts land together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.hour_errors.keeping import keep_errors
from monitoring_pipeline.events.revisions import ModelHour, hour_of, touch_hours
from monitoring_pipeline.events.schema import Event
from monitoring_pipeline.events.sql.lookup import Key
from monitoring_pipeline.events.storing.actuals import Growth, land_actuals, told_of
from monitoring_pipeline.events.storing.predictions import Settled, land_predictions
from monitoring_pipeline.events.totals.counting import count_predictions
from monitoring_pipeline.events.truth import Statement

# Any number serves, as long as all writers of events take the same one.
_INGEST_LOCK = 5_201_701


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of one transaction's valid events."""

    accepted: int
    duplicates: int
    conflicts: list[Event]
    revised: int
    retracted: int
    orphans: int
    returned: int
    touched: set[ModelHour]


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction is landing events, and keep the others waiting until this one ends.

    SQLite has one writer anyway. On PostgreSQL this makes "is it there already?" and "then add it" one step,
    and leaves no two transactions that could wait for each other.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _INGEST_LOCK})


def store_events(
    connection: Connection,
    events: Sequence[Event],
    *,
    config: MonitoringConfig,
    now: int,
    batch_id: str,
    expects_new: bool = False,
) -> Stored:
    """Land valid events in the order of their arrival.

    An event is accepted if anything of it was new: the prediction, or the actual that it carries. A prediction
    that contradicts the one that stands is a conflict, and its actual is not taken either: which of the two
    events is true is for a person to say.

    Args:
        connection: an open writing transaction whose turn it is (see :func:`take_turn`).
        events: valid events in order of arrival.
        config: tells how new predictions are counted.
        now: the transaction's knowledge time, microseconds UTC.
        batch_id: the ingest batch that they belong to.
        expects_new: see :func:`.land_predictions`.
    """
    settled = land_predictions(connection, events, now=now, batch_id=batch_id, expects_new=expects_new)
    count_predictions(connection, settled.new, config=config, now=now)
    arrived = [
        (position, event.actual)
        for position, event in enumerate(events)
        if event.actual is not None and position not in settled.conflict_positions
    ]
    growth = land_actuals(connection, arrived, made=settled.standing, now=now, batch_id=batch_id)
    predicted = {hour_of(new.model_id, new.predicted_at) for new in settled.new}
    labelled = {hour_of(model_id, predicted_at) for model_id, predicted_at in growth.touched}
    touch_hours(connection, predicted=predicted, labelled=labelled, now=now)
    keep_errors(
        connection, new=settled.new, changes=growth.changes, adopted=_adopted_truth(connection, settled, growth)
    )
    accepted = len(settled.new_positions | growth.stored_positions)
    return Stored(
        accepted=accepted,
        duplicates=len(events) - accepted - len(settled.conflict_positions),
        conflicts=[events[position] for position in sorted(settled.conflict_positions)],
        revised=growth.revised,
        retracted=growth.retracted,
        orphans=growth.orphans,
        returned=growth.returned,
        touched=predicted | labelled,
    )


def _adopted_truth(connection: Connection, settled: Settled, growth: Growth) -> dict[Key, Statement]:
    """What holds about new predictions of which only earlier transactions said something."""
    told = told_of(connection, settled.adopted - growth.changes.keys())
    return {key: holds for key, known in told.items() if (holds := known.holds()) is not None}
