"""What is due: the level-triggered question behind the reconcile sensor.

Nothing is remembered between two askings. An hour is due while its revision is ahead of what the last
hourly stage recorded, whatever the reason: a new arrival, a lost launch, a failed run, or an arrival that
landed in the middle of a run. A day is due while its hours are ahead of it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.orm import aliased

from monitoring_pipeline.events.read import hour_revisions
from monitoring_pipeline.events.seals import is_sealed
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.stages.span import EVER, MonitoredSpan
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor

LAST_HOURLY_STAGE = "hourly_findings"
LAST_DAILY_STAGE = "daily_findings"

# Windows bridged at once. An event of Dagster for each of them and stage costs about as much as a run does
# for a gap of this width.
MOST_BRIDGED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWindow:
    """One model's window that has to be computed."""

    model_id: str
    window_start: int
    revision: int
    reopened: bool  # it was computed before, and late events touched it


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRange:
    """Due windows of all models, to be computed in one run.

    Args:
        starts: the windows, ascending.
        revision: grows with every change of any of them; part of the run key.
    """

    starts: tuple[int, ...]
    revision: int


def due_hours(
    connection: Connection, *, now: int, debounce_micros: int = 0, span: MonitoredSpan = EVER
) -> list[DueWindow]:
    """Closed hours whose revision is ahead of the ledger, and whose events were not removed.

    Args:
        connection: a reading transaction.
        now: the present instant; an hour that has not ended is not due.
        debounce_micros: how long a *reopened* hour rests after its last change, so that a trickle of late
            actuals does not start a run for each. A new hour does not rest.
        span: what is monitored; hours outside of it are never due.
    """
    hours, done = hour_revision.c, aliased(partition_ledger).c
    ledger = done.dataset.table
    query = (
        select(hours.model_id, hours.hour, hours.revision, done.revision.label("done"))
        .join(
            ledger,
            and_(done.dataset == LAST_HOURLY_STAGE, done.model_id == hours.model_id, done.window_start == hours.hour),
            isouter=True,
        )
        .where(
            hours.hour.between(span.start, span.closed_by(now) - HOUR_MICROS),
            or_(
                done.revision.is_(None),
                and_(done.revision < hours.revision, hours.changed_at <= now - debounce_micros),
            ),
            ~is_sealed(hours.model_id, hours.hour),
        )
        .order_by(hours.hour, hours.model_id)
    )
    return [
        DueWindow(model_id=row.model_id, window_start=row.hour, revision=row.revision, reopened=row.done is not None)
        for row in connection.execute(query)
    ]


def due_days(connection: Connection, *, now: int, span: MonitoredSpan = EVER) -> list[DueWindow]:
    """Ended days with hours that were computed after the day was, and with no hour still due."""
    hours = due_hours(connection, now=now, span=span)
    waiting = {(due.model_id, floor(due.window_start, Grain.DAY)) for due in hours}
    table = partition_ledger.c
    day = (table.window_start - table.window_start % DAY_MICROS).label("day")
    # Revisions only grow, so the sum over a day's hours changes exactly when one of them does.
    computed = (
        select(table.model_id, day, func.sum(table.revision).label("revision"))
        .where(
            table.dataset == LAST_HOURLY_STAGE,
            table.window_start.between(floor(span.start, Grain.DAY), floor(now, Grain.DAY) - 1),
        )
        .group_by(table.model_id, day)
        .subquery()
    )
    done = aliased(partition_ledger).c
    query = (
        select(computed.c.model_id, computed.c.day, computed.c.revision, done.revision.label("done"))
        .join(
            done.dataset.table,
            and_(
                done.dataset == LAST_DAILY_STAGE,
                done.model_id == computed.c.model_id,
                done.window_start == computed.c.day,
            ),
            isouter=True,
        )
        .where(or_(done.revision.is_(None), done.revision != computed.c.revision))
        .order_by(computed.c.day, computed.c.model_id)
    )
    return [
        DueWindow(
            model_id=row.model_id, window_start=row.day, revision=int(row.revision), reopened=row.done is not None
        )
        for row in connection.execute(query)
        if (row.model_id, row.day) not in waiting
    ]


def contiguous(
    due: Iterable[DueWindow], grain: Grain, *, longest: int, empty: Collection[int] = frozenset()
) -> list[DueRange]:
    """Due windows of all models as ranges without gaps.

    Args:
        due: the windows, of any models.
        grain: their grain.
        longest: the most windows of one range.
        empty: windows that may be bridged, because no model has an event in them and so nothing is computed
            there: without them each quiet night would cost a run of its own.
    """
    revisions: dict[int, int] = defaultdict(int)
    for window in due:
        revisions[window.window_start] += window.revision
    ranges: list[list[int]] = []
    for start in sorted(revisions):
        gap = range(ranges[-1][-1] + grain.micros, start, grain.micros) if ranges else range(0)
        joins = bool(ranges) and len(gap) <= MOST_BRIDGED and all(between in empty for between in gap)
        if joins and len(ranges[-1]) + len(gap) < longest:
            ranges[-1] += [*gap, start]
        else:
            ranges.append([start])
    return [DueRange(starts=tuple(starts), revision=sum(revisions.get(s, 0) for s in starts)) for starts in ranges]


def gathered(due: Iterable[DueWindow], *, longest: int) -> list[DueRange]:
    """The due windows of all models, whatever lies between them, as groups of at most ``longest``."""
    revisions: dict[int, int] = defaultdict(int)
    for window in due:
        revisions[window.window_start] += window.revision
    ordered = sorted(revisions)
    groups = [ordered[first : first + longest] for first in range(0, len(ordered), longest)]
    return [DueRange(starts=tuple(group), revision=sum(revisions[start] for start in group)) for group in groups]


def empty_hours(connection: Connection, due: Sequence[DueWindow]) -> set[int]:
    """The hours between the due ones, in short gaps, in which no model has any event."""
    starts = sorted({window.window_start for window in due})
    between: set[int] = set()
    for before, after in pairwise(starts):
        if HOUR_MICROS < after - before <= (MOST_BRIDGED + 1) * HOUR_MICROS:
            between.update(range(before + HOUR_MICROS, after, HOUR_MICROS))
    return between - {revision.hour for revision in hour_revisions(connection, between)}
