"""Trying rows in quarantine again: after the config changed, or once a stamp lies no more in the future.

A row takes the same way as any event: it is validated, and lands in one transaction with its leaving of the
quarantine. So a replay may be repeated, interrupted or done twice at once: a row is either in quarantine or landed,
never both and never neither. What is still refused stays, with the reason that holds now. Rows whose text itself is at
fault are not tried: nothing but a new text would mend them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, bindparam, delete, select, update

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import Key, beyond, writing
from monitoring_pipeline.events.formats.rows import Row as SourceRow
from monitoring_pipeline.events.quarantine import QuarantinedRow
from monitoring_pipeline.events.quarantined import PLACE, QuarantineSelection, that_fit
from monitoring_pipeline.events.readable import TEXT_AT_FAULT, record_in
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.batches import Batch
from monitoring_pipeline.events.storing.landing import Landing, sort_out
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.events.tables import quarantine
from monitoring_pipeline.events.validation.validate import Validator

SOURCE = "replay"
ROWS_PER_TRANSACTION = 1_000  # the writers of events wait meanwhile


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """What became of the rows: ``selected = accepted + duplicates + refused + not_tried``.

    Attributes:
        selected: rows in quarantine that were asked for.
        accepted: those of which something was new; they have left.
        duplicates: those that say what is stored already; they have left, too.
        refused: those that are still refused, and stay.
        not_tried: those whose text itself is at fault, and stay.
        reasons: why rows stay, with their counts.
        next_key: where to go on, if not all that was asked for fitted into this call.
    """

    selected: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    not_tried: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    next_key: Key | None = None

    def to_dict(self) -> dict[str, Any]:
        """The account ready for JSON."""
        counts = ("selected", "accepted", "duplicates", "refused", "not_tried")
        return {**{name: getattr(self, name) for name in counts}, "reasons": dict(sorted(self.reasons.items()))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """One call under way."""

    config: MonitoringConfig
    clock: Clock
    engine: Engine
    report: ReplayReport

    def transaction(self, wanted: Sequence[ColumnElement[bool]], *, most: int) -> Key | None:
        """Try the oldest rows that are wanted; the key of the last of them, or ``None`` if no others follow."""
        oldest_first = select(quarantine).where(quarantine.c.discarded_at.is_(None), *wanted).order_by(*PLACE)
        with writing(self.engine) as connection:
            take_turn(connection)
            count, has_more = that_fit(connection, oldest_first, most=most)
            found = connection.execute(oldest_first.limit(count)).all()
            self.report.selected += len(found)
            for kind in Kind:  # predictions first: an actual of the same call then finds its own
                self._try(connection, kind, [row for row in found if row.kind == kind])
        return (found[-1].received_at, found[-1].quarantine_id) if found and has_more else None

    def _try(self, connection: Connection, kind: Kind, found: Sequence[Row[Any]]) -> None:
        records = {place: _record(row) for place, row in enumerate(found)}
        readable = {place: record for place, record in records.items() if record is not None}
        self._keep(row for place, row in enumerate(found) if place not in readable)
        if not readable:
            return
        # The numbers of the lines tell, behind the landing, which row a verdict is about.
        tried = [
            SourceRow(place, record, found[place].raw, len(found[place].raw)) for place, record in readable.items()
        ]
        now = self.clock()
        sorted_out = sort_out(Validator(self.config, now=now), tried, kind)
        batch = Batch(batch_id=token_hex(16), kind=kind, source=SOURCE)
        landing = Landing(engine=self.engine, config=self.config, clock=self.clock, batch=batch)
        refused = {row.line: row for row in landing.land_in(connection, sorted_out, now=now)}
        _let_go(connection, [found[place].quarantine_id for place in readable if place not in refused])
        _refuse_anew(connection, {found[place].quarantine_id: row for place, row in refused.items()})
        self.report.accepted += landing.tally.accepted
        self.report.duplicates += landing.tally.duplicates
        self.report.refused += len(refused)
        self.report.reasons.update(row.reason.value for row in refused.values())

    def _keep(self, rows: Iterable[Row[Any]]) -> None:
        reasons = [row.reason for row in rows]
        self.report.not_tried += len(reasons)
        self.report.reasons.update(reasons)


def replay(
    engine: Engine,
    selection: QuarantineSelection,
    *,
    config: MonitoringConfig,
    clock: Clock,
    ids: Collection[str] | None = None,
    limit: int | None = None,
    after: Key | None = None,
) -> ReplayReport:
    """Try rows in quarantine again, the oldest first.

    Rows that somebody discarded are left alone; so are those that arrive while this goes on.

    Args:
        engine: the store.
        selection: which rows.
        config: names the declared models and their segments.
        clock: what time it is; rows that land are known from now on.
        ids: only these of the rows.
        limit: the most rows of this call; all where ``None``.
        after: the key that came with the call before.
    """
    report = ReplayReport()
    call = _Replay(config=config, clock=clock, engine=engine, report=report)
    wanted = [*selection.conditions(), quarantine.c.received_at <= clock()]
    if ids is not None:
        wanted.append(quarantine.c.quarantine_id.in_(sorted(ids)))
    place = after
    while limit is None or report.selected < limit:
        most = ROWS_PER_TRANSACTION if limit is None else min(ROWS_PER_TRANSACTION, limit - report.selected)
        place = call.transaction([*wanted, *([] if place is None else [beyond(PLACE, place)])], most=most)
        if place is None:
            return report
    report.next_key = place
    return report


def _record(row: Row[Any]) -> Mapping[str, object] | None:
    return None if row.reason in TEXT_AT_FAULT else record_in(row.raw)


def _let_go(connection: Connection, ids: Sequence[str]) -> None:
    if ids:
        one = delete(quarantine).where(quarantine.c.quarantine_id == bindparam("id"))
        connection.execute(one, [{"id": quarantine_id} for quarantine_id in ids])


def _refuse_anew(connection: Connection, refused: dict[str, QuarantinedRow]) -> None:
    if refused:
        names = ("field", "reason", "detail")
        one = (
            update(quarantine)
            .where(quarantine.c.quarantine_id == bindparam("id"))
            .values({name: bindparam(f"new_{name}") for name in names})
        )
        values = [
            {"id": quarantine_id, **{f"new_{name}": getattr(row, name) for name in names}}
            for quarantine_id, row in refused.items()
        ]
        connection.execute(one, values)
