"""What the monitor held to be true at a past instant: the same answer whenever it is asked."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Engine, Table, and_, or_

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake.knowledge import settle
from monitoring_pipeline.results.tables import drift_results, estimates, metrics, performance_sums
from monitoring_pipeline.windows import isoformat

PUBLISHED_BY: Mapping[Table, tuple[str, ...]] = {
    metrics: ("hourly_performance", "daily_performance"),
    performance_sums: ("hourly_performance",),
    estimates: ("daily_estimates",),
    drift_results: ("hourly_drift", "daily_drift", "daily_truth_drift"),
}
"""The datasets whose publications write to a table."""


def held_at(table: Table, instant: int | None) -> ColumnElement[bool]:
    """The rows of a result table that the monitor held to be true at an instant.

    A row was held during ``[known_from, known_to)``; of a row only the end is ever written later.

    Args:
        table: a result table with ``known_from`` and ``known_to``.
        instant: microseconds UTC; ``None`` for the rows that stand.
    """
    if instant is None:
        return table.c.known_to.is_(None)
    return and_(table.c.known_from <= instant, or_(table.c.known_to.is_(None), table.c.known_to > instant))


def settled(engine: Engine, table: Table, instant: int | None, *, clock: Clock = system_clock) -> int | None:
    """The instant, once nothing can be published any more that was known by then.

    Call it before reading what :func:`held_at` the instant: a publication under way is waited for, and none later
    will bear an earlier time, whatever the clocks of the hosts say.

    Raises:
        MonitorError: if the instant lies in the future, of which nothing is known.
    """
    if instant is None:
        return None
    now = clock()
    if instant > now:
        raise MonitorError(
            f"as-of {isoformat(instant)} is in the future (it is {isoformat(now)}); name an instant that has passed"
        )
    settle(engine, PUBLISHED_BY[table], instant=instant)
    return instant
