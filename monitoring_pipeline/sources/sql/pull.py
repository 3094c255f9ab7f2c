"""Rows of another database as a source, read on behind the highest watermark so far.

Each chunk begins *at* the last watermark, not behind it, so that rows which share it are never missed, and each reading
begins a step further back, for rows that were committed after others with higher watermarks. What is read twice is
recognised as it lands.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from monitoring_pipeline.config.models import SqlSource
from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.columns import fold_features
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.schema import ACTUAL_FIELDS, PREDICTION_FIELDS, Kind
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake, Portion
from monitoring_pipeline.sources.positions import WHOLE, Position, positions_of
from monitoring_pipeline.sources.sql.foreign import MARK, ForeignRows, Found, opened
from monitoring_pipeline.sources.sql.watermarks import Watermark, checked, from_json, stepped_back, to_json

_ASSUMED_ROW_BYTES = 300


def pull_sql(name: str, source: SqlSource, *, intake: Intake, environ: Mapping[str, str], into: Account) -> None:
    """Read what is new in a table or query.

    Args:
        name: the source's name in the config.
        source: its declaration.
        intake: where the rows go.
        environ: where the database's address is looked up.
        into: the account to which they are added.

    Raises:
        MonitorError: if one of the two databases cannot be used, a column is not there, or a watermark is of no kind
            that can be compared. What was landed before stays, and the next reading goes on behind it.
    """
    known = positions_of(intake.engine, name).get(WHOLE, {})
    # Of another declaration nothing is known: rows that were read by it may have been refused, or be others.
    highest = from_json(known) if known.get("of") == _origin(source) else None
    fields = _Fields(name, source)
    with opened(name, source, environ) as foreign:
        for rows, reached in _chunks(foreign, source, highest, where=f"sources.{name}.watermark: {source.watermark}"):
            highest = reached if highest is None else _later(highest, reached)
            numbered = [fields.row(into.received + i, found) for i, found in enumerate(rows, start=1)]
            portion = Portion(kind=Kind(source.kind), name=name, rows=numbered)
            for tally in intake.land([portion], positions=[_position(name, source, highest)]):
                into.add(tally)
    if not into.received:
        intake.land([], positions=[_position(name, source, highest)])


def _position(name: str, source: SqlSource, highest: Watermark | None) -> Position:
    reached = {} if highest is None else to_json(highest)
    return Position(source=name, part=WHOLE, value={"of": _origin(source), **reached})


def _origin(source: SqlSource) -> str:
    """What rows are read and what is made of them, as a hash."""
    settings = {"lookback", "lookback_ids", "chunk_rows", "every"}
    return hashlib.sha256(source.model_dump_json(exclude=settings).encode()).hexdigest()[:16]


def _chunks(
    foreign: ForeignRows, source: SqlSource, highest: Watermark | None, *, where: str
) -> Iterator[tuple[list[Found], Watermark]]:
    """Rows, and the watermark that is reached with them."""
    since = None if highest is None else stepped_back(highest, by=source.lookback, by_ids=source.lookback_ids)
    while rows := foreign.chunk(since):
        first, last = (checked(rows[place][MARK], where=where) for place in (0, -1))
        if len(rows) < source.chunk_rows or first != last:
            yield rows, last
            since = last
        else:
            # More rows may share one watermark than a chunk holds: to begin at it again would never end.
            yield from ((some, last) for some in foreign.of_one_watermark(last))
            since = foreign.next_above(last)
        if since is None or len(rows) < source.chunk_rows:
            return


def _later(one: Watermark, other: Watermark) -> Watermark:
    """The higher of two; the newer one where they are of different kinds, because the column was changed."""
    if type(one) is not type(other):
        return other
    return max(one, other)


class _Fields:
    """How a row of the foreign table becomes an event."""

    def __init__(self, name: str, source: SqlSource) -> None:
        self._name = name
        self._columns = source.columns
        self._values = source.values
        known = PREDICTION_FIELDS if source.kind == "predictions" else ACTUAL_FIELDS
        self._left_out = {MARK, *({source.watermark} - known)}

    def row(self, number: int, found: Found) -> Row:
        """The row; a column that is null is an absent field, as in Parquet."""
        cells = [*self._named(found), *self._values.items()]
        record = fold_features((name, _plain(value)) for name, value in cells if value is not None)
        return Row(number, record, record, _ASSUMED_ROW_BYTES)

    def _named(self, found: Found) -> list[tuple[str, Any]]:
        if not self._columns:
            return [(name, value) for name, value in found.items() if name not in self._left_out]
        if missing := [column for column in self._columns.values() if column not in found]:
            there = allowed_values(missing[0], [name for name in found if name != MARK])
            raise MonitorError(f"sources.{self._name}.columns: there is no column {missing[0]}; {there}")
        return [(field, found[column]) for field, column in self._columns.items()]


def _plain(value: object) -> object:
    """The value as events hold it: drivers have types of their own for ids."""
    return str(value) if isinstance(value, UUID) else value
