"""Counting what became of received rows, in the transaction that decided it.

``ingest_batches`` has a row for each transaction; adding all of them up would take the longer the more was ever stored.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection

from monitoring_pipeline.events.quarantine import QuarantinedRow, QuarantineReason
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.sql.additive import add, total
from monitoring_pipeline.events.totals.tables import ingest_counters


class RowOutcome(StrEnum):
    """What becomes of a row: exactly one of these."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"


def count_rows(
    connection: Connection, kind: Kind, *, accepted: int, duplicates: int, rejected: Sequence[QuarantinedRow]
) -> None:
    """Add one transaction's rows to the totals.

    Args:
        connection: the open transaction that stored them, whose turn it is.
        kind: what all of them are.
        accepted: rows of which anything was new.
        duplicates: rows that were there already.
        rejected: rows that wait in quarantine, conflicts among them.
    """
    counts: Counter[tuple[str, str]] = Counter(
        {(RowOutcome.ACCEPTED.value, ""): accepted, (RowOutcome.DUPLICATE.value, ""): duplicates}
    )
    counts.update((_outcome(row).value, str(row.reason)) for row in rejected)
    rows = [(kind.value, *key, count) for key, count in counts.items() if count]
    add(connection, ingest_counters, rows, growth={"row_count": total("row_count")})


def _outcome(row: QuarantinedRow) -> RowOutcome:
    is_conflict = row.reason is QuarantineReason.CONFLICTING_PREDICTION
    return RowOutcome.CONFLICT if is_conflict else RowOutcome.QUARANTINED
