"""What is due: the level-triggered question behind the reconcile sensor.

Nothing is remembered between two askings. An hour is due while its revision is ahead of what the last
hourly stage recorded, whatever the reason: a new arrival, a lost launch, a failed run, or an arrival that
landed in the middle of a run. A day is due while its hours are ahead of it.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, Subquery, and_, func, or_, select, true
from sqlalchemy.orm import aliased

from monitoring_pipeline.events.seals import is_sealed
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.stages.span import EVER, MonitoredSpan
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor

LAST_HOURLY_STAGE = "hourly_findings"
LAST_DAILY_STAGE = "daily_findings"
# No other stage waits for these, so they have to be asked for by themselves.
ESTIMATES = "daily_estimates"
TRUTH_DRIFT = "daily_truth_drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWindow:
    """One model's window that has to be computed."""

    model_id: str
    window_start: int
    revision: int
    reopened: bool  # it was computed before, and late events touched it


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
                and_(done.revision < hours.revision, _rested(now, debounce_micros)),
            ),
            ~is_sealed(hours.model_id, hours.hour),
        )
        .order_by(hours.hour, hours.model_id)
    )
    return [
        DueWindow(model_id=row.model_id, window_start=row.hour, revision=row.revision, reopened=row.done is not None)
        for row in connection.execute(query)
    ]


def _rested(now: int, debounce_micros: int) -> ColumnElement[bool]:
    """Whether an hour's last change is long enough ago.

    A change from the future was recorded by a writer whose clock is ahead of ours: waiting for that instant would
    hide late truth for as long as the clocks differ.
    """
    changed_at = hour_revision.c.changed_at
    if debounce_micros == 0:
        return true()
    return or_(changed_at <= now - debounce_micros, changed_at > now)


def due_days(connection: Connection, *, now: int, span: MonitoredSpan = EVER) -> list[DueWindow]:
    """Ended days with hours that were computed after the day was, and with no hour still due.

    An hour that rests after a late event is due for its day: the day would else be computed twice.
    """
    hours = due_hours(connection, now=now, span=span)
    waiting = {(due.model_id, floor(due.window_start, Grain.DAY)) for due in hours}
    computed = _computed_days(span, now)
    done, estimated, drift = aliased(partition_ledger), aliased(partition_ledger), aliased(partition_ledger)
    query = (
        select(computed.c.model_id, computed.c.day, computed.c.revision, done.c.revision.label("done"))
        .join(done, _of_day(done, LAST_DAILY_STAGE, computed), isouter=True)
        .join(estimated, _of_day(estimated, ESTIMATES, computed), isouter=True)
        .join(drift, _of_day(drift, TRUTH_DRIFT, computed), isouter=True)
        .where(or_(*(_is_behind(stage, computed) for stage in (done, estimated, drift))))
        .order_by(computed.c.day, computed.c.model_id)
    )
    return [
        DueWindow(
            model_id=row.model_id, window_start=row.day, revision=int(row.revision), reopened=row.done is not None
        )
        for row in connection.execute(query)
        if (row.model_id, row.day) not in waiting
    ]


def _of_day(ledger: FromClause, dataset: str, computed: Subquery) -> ColumnElement[bool]:
    columns = ledger.c
    return and_(
        columns.dataset == dataset, columns.model_id == computed.c.model_id, columns.window_start == computed.c.day
    )


def _is_behind(ledger: FromClause, computed: Subquery) -> ColumnElement[bool]:
    return or_(ledger.c.revision.is_(None), ledger.c.revision != computed.c.revision)


def _computed_days(span: MonitoredSpan, now: int) -> Subquery:
    """Each model's ended days that have a computed hour, with the sum of their hours' revisions.

    Revisions only grow, so the sum changes exactly when one of them does.
    """
    table = partition_ledger.c
    day = (table.window_start - table.window_start % DAY_MICROS).label("day")
    return (
        select(table.model_id, day, func.sum(table.revision).label("revision"))
        .where(
            table.dataset == LAST_HOURLY_STAGE,
            table.window_start.between(floor(span.start, Grain.DAY), _days_end(span, now) - 1),
        )
        .group_by(table.model_id, day)
        .subquery()
    )


def _days_end(span: MonitoredSpan, now: int) -> int:
    """Until when there are ended days with a partition; the day in which the span ends has one."""
    ended = floor(now, Grain.DAY)
    return ended if span.end is None else min(ended, floor(span.end - 1, Grain.DAY) + DAY_MICROS)
