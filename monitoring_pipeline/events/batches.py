"""Writing down, within each transaction, the rejected rows and the counts so far: right even after a crash."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitoring_pipeline.database import insert_of
from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.report import Tally
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.tables import ingest_batches, quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One call of ingest: which rows came from it."""

    batch_id: str
    kind: Kind
    source: str


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
        }
        for row in rows
    ]
    connection.execute(insert_of(connection)(quarantine).on_conflict_do_nothing(), values)


def record_batch(connection: Connection, tally: Tally, *, batch: Batch, now: int) -> None:
    """The batch's row, with the counts as of this transaction; ``received_at`` is that of the first."""
    counts = {
        "received_count": tally.received,
        "accepted_count": tally.accepted,
        "duplicate_count": tally.duplicates,
        "conflict_count": tally.conflicts,
        "quarantined_count": tally.quarantined,
    }
    row = {"batch_id": batch.batch_id, "kind": batch.kind, "source": batch.source, "received_at": now, **counts}
    insert = insert_of(connection)(ingest_batches).values(row)
    connection.execute(insert.on_conflict_do_update(index_elements=["batch_id"], set_=counts))
