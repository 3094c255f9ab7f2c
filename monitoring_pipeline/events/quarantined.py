"""Rows in quarantine as faces show them, and the decision that one will never be taken."""

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, func, select, update

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.database import Key, beyond, reading, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.readable import TEXT_AT_FAULT
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.tables import quarantine
from monitoring_pipeline.windows import isoformat

MAX_NOTE_CHARS = 1_000
MOST_CHARS_TOGETHER = 10_000_000  # of the texts of rows that are in memory together: one may have a million
_ID = re.compile("[0-9a-f]{6,64}")

PLACE = (quarantine.c.received_at, quarantine.c.quarantine_id)
"""What rows are listed by, the newest first."""


class NoSuchRowError(MonitorError):
    """An id names no row in quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSelection:
    """Which rows are wanted; what is ``None`` matches all.

    Args:
        model_ids: rows that name one of these models; rows of which nobody can tell are then left out.
        kinds: predictions, actuals or both.
        reasons: why they were refused.
        source: the file, or ``http``.
        start: received at or after this instant, microseconds UTC.
        end: received before this instant.
        is_discarded: whether somebody decided that they will never be taken.
    """

    model_ids: Collection[str] | None = None
    kinds: Collection[Kind] | None = None
    reasons: Collection[QuarantineReason] | None = None
    source: str | None = None
    start: int | None = None
    end: int | None = None
    is_discarded: bool | None = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The selection in SQL."""
        table = quarantine.c
        among = ((table.model_id, self.model_ids), (table.kind, self.kinds), (table.reason, self.reasons))
        return [
            *(column.in_(sorted(values)) for column, values in among if values is not None),
            *([] if self.source is None else [table.source == self.source]),
            *([] if self.start is None else [table.received_at >= self.start]),
            *([] if self.end is None else [table.received_at < self.end]),
            *([] if self.is_discarded is None else [table.discarded_at.is_not(None) == self.is_discarded]),
        ]


def page_of_quarantined(
    engine: Engine, selection: QuarantineSelection, *, limit: int, after: Key | None = None
) -> tuple[list[dict[str, Any]], Key | None]:
    """Some of the rows that match, the newest first, and the key behind which the others are.

    Rows of long texts come in smaller pages than was asked for. ``can_be_replayed`` is false of a row whose text itself
    is at fault: it must be written anew.

    Args:
        engine: the store.
        selection: which rows.
        limit: the most rows.
        after: the key that came with the page before; ``None`` for the first.
    """
    place = [] if after is None else [beyond(PLACE, after, descending=True)]
    query = select(quarantine).where(*selection.conditions(), *place)
    newest_first = query.order_by(*(column.desc() for column in PLACE))
    with reading(engine) as connection:
        count, has_more = that_fit(connection, newest_first, most=limit)
        rows = connection.execute(newest_first.limit(count)).all()
    next_key = (rows[-1].received_at, rows[-1].quarantine_id) if rows and has_more else None
    return [_shown(row) for row in rows], next_key


def that_fit(connection: Connection, query: Select[Any], *, most: int) -> tuple[int, bool]:
    """How many of the first rows of a query may be in memory together, and whether others follow them.

    Args:
        connection: an open transaction.
        query: rows in quarantine in some order.
        most: the most rows; if there are any, it is one at least.
    """
    sizes = connection.scalars(query.with_only_columns(func.length(quarantine.c.raw)).limit(most + 1)).all()
    count = max(bisect_right(list(accumulate(sizes[:most])), MOST_CHARS_TOGETHER), min(1, len(sizes)))
    return count, len(sizes) > count


def models_in_quarantine(connection: Connection) -> list[str]:
    """The models that rows in quarantine name, in order."""
    query = select(quarantine.c.model_id).where(quarantine.c.model_id.is_not(None)).distinct()
    return sorted(connection.scalars(query))


def find_quarantined(engine: Engine, quarantine_id: str) -> dict[str, Any]:
    """One row, as :func:`page_of_quarantined` gives it.

    Args:
        engine: the store.
        quarantine_id: of the row, or the beginning of it if no other row's begins so.

    Raises:
        NoSuchRowError: if there is no such row.
    """
    found: Sequence[Row[Any]] = ()
    if _ID.fullmatch(quarantine_id):
        table = quarantine.c
        # Of hexadecimal digits alone, so whatever begins so comes before what ends with a g.
        begins_so = (table.quarantine_id >= quarantine_id, table.quarantine_id < f"{quarantine_id}g")
        with reading(engine) as connection:
            found = connection.execute(select(quarantine).where(*begins_so).limit(2)).all()
    if len(found) == 1:
        return _shown(found[0])
    what = "there are several rows" if found else "there is no row"
    raise NoSuchRowError(f"{what} in quarantine with the id {quarantine_id!r}; 'monitor quarantine list' shows them")


def discard(engine: Engine, quarantine_id: str, *, by: str, note: str, clock: Clock) -> dict[str, Any]:
    """Decide that a row will never be taken: it stays on record, and is neither listed nor replayed any more.

    The same text, sent again, stays refused. The first decision about a row stands.

    Args:
        engine: the store.
        quarantine_id: of the row.
        by: who decides.
        note: why; whoever misses the row will read it.
        clock: what time it is.

    Raises:
        NoSuchRowError: if no row in quarantine has this id.
        MonitorError: if the note is missing or too long.
    """
    if not note.strip() or len(note) > MAX_NOTE_CHARS:
        raise MonitorError(f"discarding a row needs a note that says why, 1 to {MAX_NOTE_CHARS} characters")
    whole = find_quarantined(engine, quarantine_id)["quarantine_id"]
    undecided = (quarantine.c.quarantine_id == whole, quarantine.c.discarded_at.is_(None))
    values = {"discarded_at": clock(), "discarded_by": by, "discard_note": note}
    with writing(engine) as connection:
        take_turn(connection)  # a replay of the row, which may be under way, comes before or after
        connection.execute(update(quarantine).where(*undecided).values(values))
    return find_quarantined(engine, whole)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "quarantine_id": row.quarantine_id,
        "model_id": row.model_id,
        "kind": row.kind,
        "source": row.source,
        "line": row.line,
        "field": row.field,
        "reason": row.reason,
        "detail": row.detail,
        "can_be_replayed": row.discarded_at is None and row.reason not in TEXT_AT_FAULT,
        "received_at": isoformat(row.received_at),
        "batch_id": row.batch_id,
        "discarded_at": None if row.discarded_at is None else isoformat(row.discarded_at),
        "discarded_by": row.discarded_by,
        "discard_note": row.discard_note,
        "raw": row.raw,
    }
