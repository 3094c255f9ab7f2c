"""Writing down, within each transaction, the rejected rows and the counts so far: right even after a crash."""

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

from sqlalchemy import Connection, TextClause, text

from monitoring_pipeline.database import insert_of
from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.readable import model_in
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import Tally
from monitoring_pipeline.events.tables import quarantine
from monitoring_pipeline.windows import SECOND_MICROS

# A stream of requests is a batch a minute: a row for each commit would outgrow the events themselves.
_OPEN_MICROS = 60 * SECOND_MICROS

_COUNTS = ("received_count", "accepted_count", "duplicate_count", "conflict_count", "quarantined_count")


def _record(change: str) -> TextClause:
    """The statement that writes a batch down; it is made once, for it runs in every transaction of ingest."""
    names = ("batch_id", "kind", "source", "received_at", *_COUNTS)
    changes = ", ".join(change.format(name=name) for name in _COUNTS)
    return text(
        f"INSERT INTO ingest_batches ({', '.join(names)}) VALUES (:{', :'.join(names)}) "  # noqa: S608  (our own names)
        f"ON CONFLICT (batch_id) DO UPDATE SET {changes}"
    )


_SET_COUNTS = _record("{name} = excluded.{name}")
_ADD_COUNTS = _record("{name} = ingest_batches.{name} + excluded.{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One call of ingest, or a minute of a stream: which rows came from it.

    ``grows`` says that transactions each bring a tally of their own, to be added to what the batch counts already.
    """

    batch_id: str
    kind: Kind
    source: str
    grows: bool = False


class OpenBatches:
    """The batches that the rows of streams belong to now, one for each kind and source."""

    def __init__(self) -> None:
        self._open: dict[tuple[Kind, str], tuple[Batch, int]] = {}

    def current(self, kind: Kind, source: str, *, now: int) -> Batch:
        """The batch of rows that come now; a new one each minute."""
        batch, opened_at = self._open.get((kind, source), (None, now))
        if batch is None or not opened_at <= now < opened_at + _OPEN_MICROS:
            batch = Batch(batch_id=token_hex(16), kind=kind, source=source, grows=True)
            self._open[kind, source] = batch, now
        return batch


def quarantine_rows(connection: Connection, rows: Sequence[QuarantinedRow], *, batch: Batch, now: int) -> None:
    """Keep rejected rows; one whose text is there already adds nothing."""
    if not rows:
        return
    values = [
        {
            "quarantine_id": row.quarantine_id(batch.kind),
            "kind": batch.kind,
            "source": batch.source,
            "line": row.line,
            "field": row.field,
            "reason": row.reason,
            "detail": row.detail,
            "raw": row.raw,
            "received_at": now,
            "batch_id": batch.batch_id,
            "model_id": model_in(row),
        }
        for row in rows
    ]
    connection.execute(insert_of(connection)(quarantine).on_conflict_do_nothing(), values)


def record_batch(connection: Connection, tally: Tally, *, batch: Batch, now: int) -> None:
    """The batch's row, with the counts as of this transaction; ``received_at`` is that of the first."""
    row = {
        "batch_id": batch.batch_id,
        "kind": batch.kind,
        "source": batch.source,
        "received_at": now,
        "received_count": tally.received,
        "accepted_count": tally.accepted,
        "duplicate_count": tally.duplicates,
        "conflict_count": tally.conflicts,
        "quarantined_count": tally.quarantined,
    }
    connection.execute(_ADD_COUNTS if batch.grows else _SET_COUNTS, row)
