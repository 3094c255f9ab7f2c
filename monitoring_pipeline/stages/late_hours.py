"""Hours that should have been computed long ago: nobody computes them, and somebody should know."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.stages.due import DueWindow
from monitoring_pipeline.windows import HOUR_MICROS

LATE_MICROS = 2 * HOUR_MICROS
"""The daemon looks every half minute, and a run takes minutes: what is due for longer, nobody computes."""


def late_hours(connection: Connection, due: Sequence[DueWindow], *, now: int) -> list[DueWindow]:
    """Of the due hours, those that have been due for long: an old hour whose events came just now has not.

    Args:
        connection: a reading transaction.
        due: see :func:`.due_hours`.
        now: the present instant, microseconds UTC.
    """
    if not due:
        return []
    table, starts = hour_revision.c, [window.window_start for window in due]
    query = select(table.model_id, table.hour).where(
        table.hour.between(min(starts), max(starts)), table.changed_at <= now - LATE_MICROS
    )
    unchanged = {(model_id, hour) for model_id, hour in connection.execute(query)}
    ended = [window for window in due if window.window_start + HOUR_MICROS <= now - LATE_MICROS]
    return [window for window in ended if (window.model_id, window.window_start) in unchanged]
