"""One call of ingest under way: its rows are validated and landed batch by batch."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.config.retention import retention_horizon
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.quarantine import QuarantinedRow, QuarantineReason, Rejected
from monitoring_pipeline.events.schema import Event, Kind
from monitoring_pipeline.events.storing.batches import Batch, quarantine_rows, record_batch
from monitoring_pipeline.events.storing.late import refuse_late
from monitoring_pipeline.events.storing.report import IngestReport, Tally
from monitoring_pipeline.events.storing.transaction import store_events, take_turn
from monitoring_pipeline.events.totals.ingest_totals import count_rows
from monitoring_pipeline.events.validation.validate import Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedOut:
    """Rows of one source after validation."""

    events: list[Event]
    rejected: list[QuarantinedRow]


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Lands rows of one source; ``tally`` is the account so far. For ``expects_new`` see :func:`.land_predictions`."""

    engine: Engine
    config: MonitoringConfig
    clock: Clock
    batch: Batch
    expects_new: bool = False
    tally: Tally = field(default_factory=Tally)

    def record_empty(self) -> None:
        """Write down a call that had no rows: that somebody asked is on record, too."""
        with writing(self.engine) as connection:
            record_batch(connection, self.tally, batch=self.batch, now=self.clock())

    def land(self, rows: Iterable[Row]) -> None:
        """Validate the rows, and store them in one transaction.

        Knowledge time is taken after the turn has come: a transaction that waited must not claim to have known
        its rows before those that went ahead of it.
        """
        sorted_out = sort_out(Validator(self.config, now=self.clock()), rows, self.batch.kind)
        with writing(self.engine) as connection:
            take_turn(connection)
            self.land_in(connection, sorted_out, now=self.clock())

    def land_in(self, connection: Connection, sorted_out: SortedOut, *, now: int) -> list[QuarantinedRow]:
        """Store validated rows in a transaction whose turn it is; the rows that were not taken, by their line.

        Args:
            connection: an open writing transaction that took its turn.
            sorted_out: valid events and rejected rows.
            now: the transaction's knowledge time, microseconds UTC.
        """
        events, late = refuse_late(connection, sorted_out.events, horizon=retention_horizon(self.config, now))
        stored = store_events(
            connection,
            events,
            config=self.config,
            now=now,
            batch_id=self.batch.batch_id,
            expects_new=self.expects_new,
        )
        rejected = [*sorted_out.rejected, *late, *map(_conflict, stored.conflicts)]
        rejected.sort(key=lambda row: (row.part, row.line))
        quarantine_rows(connection, rejected, batch=self.batch, now=now)
        count_rows(
            connection, self.batch.kind, accepted=stored.accepted, duplicates=stored.duplicates, rejected=rejected
        )
        self.tally.add(stored, rejected)
        record_batch(connection, self.tally, batch=self.batch, now=now)
        return rejected

    def report(self) -> IngestReport:
        """The account as it stands."""
        return self.tally.report(source=self.batch.source, kind=self.batch.kind, batch_id=self.batch.batch_id)


def sort_out(validator: Validator, rows: Iterable[Row], kind: Kind, *, part: int = 0) -> SortedOut:
    """Valid events, and rows with what is wrong with them; all marked as of that part of a joint transaction."""
    events: list[Event] = []
    rejected: list[QuarantinedRow] = []
    for row in rows:
        try:
            events.append(_event(validator, row, kind, part))
        except Rejected as verdict:
            rejected.append(
                QuarantinedRow.of(verdict, line=row.line, raw=row.raw, fingerprint=row.fingerprint, part=part)
            )
    return SortedOut(events=events, rejected=rejected)


def _event(validator: Validator, row: Row, kind: Kind, part: int) -> Event:
    if row.record is None:
        assert row.rejected is not None  # a row is one of the two
        raise row.rejected
    if kind is Kind.ACTUALS:
        return Event(row.line, None, validator.actual(row.record), row.raw, part)
    prediction, actual = validator.prediction(row.record)
    return Event(row.line, prediction, actual, row.raw, part)


def _conflict(event: Event) -> QuarantinedRow:
    detail = "another prediction with this model_id and prediction_id says otherwise and stands; this one was not taken"
    verdict = Rejected(QuarantineReason.CONFLICTING_PREDICTION, "prediction_id", detail)
    return QuarantinedRow.of(verdict, line=event.line, raw=event.raw, part=event.part)
