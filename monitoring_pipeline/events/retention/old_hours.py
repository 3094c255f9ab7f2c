"""Which hours retention may seal: old ones, and what the ledger says stands for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, and_, select, tuple_

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.revisions import ModelHour
from monitoring_pipeline.events.seals import is_sealed
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.windows import isoformat

_model_hour = tuple_(hour_revision.c.hour, hour_revision.c.model_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """The names in the ledger that tell whether an hour is computed.

    Args:
        last: the dataset that is up to date when all of an hour is computed.
        files: the datasets that hold the hour's events once the store does not.
    """

    last: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHour:
    """One model's hour that is not sealed: its last revision, and the files that stand for it."""

    model_id: str
    hour: int
    revision: int
    is_computed: bool
    files: tuple[ledger.LedgerEntry, ...]

    def __str__(self) -> str:
        return f"{self.model_id} {isoformat(self.hour)}"


def old_hours(engine: Engine, *, before: int, datasets: Datasets, batch: int) -> Iterator[list[OldHour]]:
    """The hours before an instant that are not sealed, each of them once, oldest first, some at a time."""
    after: ColumnElement[bool] = hour_revision.c.hour < before
    while True:
        with reading(engine) as connection:
            hours = _unsealed(connection, and_(hour_revision.c.hour < before, after), datasets, batch)
        if not hours:
            return
        yield hours
        after = _model_hour > (hours[-1].hour, hours[-1].model_id)


def look_again(connection: Connection, hours: Sequence[OldHour], datasets: Datasets) -> list[OldHour]:
    """Those of the hours that are still exactly as they were."""
    keys = [(hour.hour, hour.model_id) for hour in hours]
    present = set(_unsealed(connection, _model_hour.in_(keys), datasets, len(hours)))
    return [hour for hour in hours if hour in present]


def _unsealed(connection: Connection, which: ColumnElement[bool], datasets: Datasets, limit: int) -> list[OldHour]:
    hours, done = hour_revision.c, partition_ledger.c
    computed = and_(done.dataset == datasets.last, done.model_id == hours.model_id, done.window_start == hours.hour)
    query = (
        select(hours.model_id, hours.hour, hours.revision, done.revision.label("done"))
        .join(partition_ledger, computed, isouter=True)
        .where(which, ~is_sealed(hours.model_id, hours.hour))
        .order_by(hours.hour, hours.model_id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    files = _files(connection, [row.hour for row in rows], datasets)
    return [
        OldHour(
            model_id=row.model_id,
            hour=row.hour,
            revision=row.revision,
            is_computed=row.done is not None and row.done >= row.revision,
            files=tuple(found[row.model_id, row.hour] for found in files if (row.model_id, row.hour) in found),
        )
        for row in rows
    ]


def _files(
    connection: Connection, hours: Sequence[int], datasets: Datasets
) -> list[dict[ModelHour, ledger.LedgerEntry]]:
    return [ledger.entries(connection, dataset, hours) for dataset in datasets.files]
