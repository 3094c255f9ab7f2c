"""Removing the raw events of hours that have grown old: opt-in, hour by hour, and only what was computed.

An hour is sealed in one transaction: its predictions and actuals go, and a seal (see :mod:`.seals`) says so.
A crash at any line leaves each hour either whole or sealed; the next day goes on where this one stopped.
From then on the hour's files in the lake are the only copy, so they are read and checked before.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, and_, delete, func, select

from monitoring_pipeline.database import writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.retention.leftovers import remove_batches, remove_orphans, remove_quarantined
from monitoring_pipeline.events.retention.old_hours import Datasets, OldHour, look_again, old_hours
from monitoring_pipeline.events.seals import seal
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.tables import actuals, predictions
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.windows import HOUR_MICROS

# Model hours of one transaction, which keeps ingest waiting: a few dozen hours take well under a second.
HOURS_PER_TRANSACTION = 24

_MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What one call removed, and which old hours it had to leave alone.

    ``behind`` hours are not computed up to their last event, ``damaged`` ones have a file in the lake that cannot
    be read. Their events stay until that is mended.
    """

    sealed_hours: int  # of one model each
    predictions: int
    actuals: int  # revisions, orphans among them
    quarantined: int
    batches: int  # records of where removed rows came from
    behind: int
    damaged: int
    examples: tuple[str, ...]  # a few of the hours that were left alone, and why

    @property
    def kept_hours(self) -> int:
        """Old hours that keep their events."""
        return self.behind + self.damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Removal:
    """One call under way."""

    engine: Engine
    lake: Lake
    datasets: Datasets
    now: int
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def keep(self, why: str, hour: OldHour, detail: str) -> None:
        """Leave an hour alone."""
        self.counts[why] += 1
        if len(self.examples) < _MAX_EXAMPLES:
            self.examples.append(f"{hour}: {detail}")


def remove_sealed(
    engine: Engine, *, lake: Lake, datasets: Datasets, horizon: int, now: int, batch: int = HOURS_PER_TRANSACTION
) -> RetentionReport:
    """Seal the hours before the horizon: remove their events, and what is left of that time beside them.

    An hour whose ledger is behind its last event keeps its events and stays due. Revisions, the ledger, hour
    files and results are never touched.

    Args:
        engine: the store.
        lake: where the hours' files are.
        datasets: what tells that an hour is computed.
        horizon: start of the first hour that is kept, microseconds UTC; see
            :func:`monitoring_pipeline.config.retention.retention_horizon`.
        now: the present instant.
        batch: model hours of one transaction.
    """
    removal = _Removal(engine=engine, lake=lake, datasets=datasets, now=now)
    for hours in old_hours(engine, before=horizon, datasets=datasets, batch=batch):
        _seal_all(removal, [hour for hour in hours if _may_be_sealed(removal, hour)])
    removal.counts["actuals"] += remove_orphans(engine, before=horizon)
    removal.counts["quarantined"] += remove_quarantined(engine, before=horizon)
    removal.counts["batches"] += remove_batches(engine, before=horizon)
    names = ("sealed_hours", "predictions", "actuals", "quarantined", "batches", "behind", "damaged")
    return RetentionReport(**{name: removal.counts[name] for name in names}, examples=tuple(removal.examples))


def _may_be_sealed(removal: _Removal, hour: OldHour) -> bool:
    if not hour.is_computed or len(hour.files) < len(removal.datasets.files):
        removal.keep("behind", hour, "not computed up to its last event")
        return False
    try:
        for file in hour.files:
            assert file.path is not None, "these datasets are files"
            removal.lake.read(file.path, checksum=file.checksum, columns=[])
    except MonitorError as error:
        removal.keep("damaged", hour, str(error))
        return False
    return True


def _seal_all(removal: _Removal, hours: Sequence[OldHour]) -> None:
    """Remove the events of hours that are as they were when they were looked at; the others wait a day."""
    if not hours:
        return
    counts: Counter[str] = Counter()
    with writing(removal.engine) as connection:
        take_turn(connection)  # no event lands in these hours from here to the commit
        standing = look_again(connection, hours, removal.datasets)
        seals = [_remove_events(connection, hour, counts) for hour in standing]
        ledger.publish(connection, seals, now=removal.now)
    removal.counts.update(counts, sealed_hours=len(seals))


def _remove_events(connection: Connection, hour: OldHour, counts: Counter[str]) -> ledger.LedgerEntry:
    table = predictions.c
    evidence = select(func.count(table.predicted_class), func.count(table.prediction_proba))
    of_hour = and_(
        table.model_id == hour.model_id, table.predicted_at >= hour.hour, table.predicted_at < hour.hour + HOUR_MICROS
    )
    class_count, probability_count = connection.execute(evidence.where(of_hour)).one()
    truth = actuals.c
    removed = {
        "predictions": connection.execute(delete(predictions).where(of_hour)).rowcount,
        "actuals": connection.execute(
            delete(actuals).where(
                truth.model_id == hour.model_id,
                truth.predicted_at >= hour.hour,
                truth.predicted_at < hour.hour + HOUR_MICROS,
            )
        ).rowcount,
    }
    counts.update(removed)
    return seal(
        hour.model_id,
        hour.hour,
        revision=hour.revision,
        event_count=sum(removed.values()),
        has_class=class_count > 0,
        has_probability=probability_count > 0,
    )
