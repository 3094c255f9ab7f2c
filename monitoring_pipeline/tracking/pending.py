"""Which days MLflow does not show as they stand. Level-triggered: asked anew each time, from the results."""

from sqlalchemy import Connection, Engine, Table, func, select

from monitoring_pipeline.database import reading
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.tracking.content import Mark
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.tracking.tables import mlflow_projection
from monitoring_pipeline.windows import DAY_MICROS


def pending_days(engine: Engine, tracking: Tracking, *, start: int, end: int) -> list[tuple[str, int]]:
    """Days whose standing results are not those that MLflow was shown.

    It compares marks in SQL and does not ask MLflow: a run that was deleted there is noticed when its day is
    next projected, not here.

    Args:
        engine: the store with the results.
        tracking: where MLflow is; what was shown elsewhere does not count.
        start: first instant of the days, microseconds UTC, a whole day.
        end: first instant after them.

    Returns:
        Pairs of model_id and day, sorted.
    """
    with reading(engine) as connection:
        standing = _standing_marks(connection, start, end)
        shown = _shown_marks(connection, tracking, start, end)
    # A day that is shown but no longer has results is due too: its run must go.
    return sorted(key for key in standing.keys() | shown.keys() if standing.get(key) != shown.get(key))


def _standing_marks(connection: Connection, start: int, end: int) -> dict[tuple[str, int], Mark]:
    marks: dict[tuple[str, int], Mark] = {}
    for table in (metrics, drift_results):
        for model_id, day, newest, rows in _table_marks(connection, table, start, end):
            known = marks.get((model_id, day), Mark(known_from=newest, row_count=0))
            marks[model_id, day] = Mark(known_from=max(known.known_from, newest), row_count=known.row_count + rows)
    return marks


def _table_marks(connection: Connection, table: Table, start: int, end: int) -> list[tuple[str, int, int, int]]:
    c = table.c
    day = (c.window_start - c.window_start % DAY_MICROS).label("day")
    query = (
        select(c.model_id, day, func.max(c.known_from), func.count())
        .where(c.known_to.is_(None), c.segment == "all", c.window_start >= start, c.window_start < end)
        .group_by(c.model_id, day)
    )
    return [tuple(row) for row in connection.execute(query)]


def _shown_marks(connection: Connection, tracking: Tracking, start: int, end: int) -> dict[tuple[str, int], Mark]:
    c = mlflow_projection.c
    query = select(c.model_id, c.day, c.known_from, c.row_count).where(
        c.tracking_url_hash == tracking.url_hash, c.day >= start, c.day < end
    )
    return {
        (row.model_id, row.day): Mark(known_from=row.known_from, row_count=row.row_count)
        for row in connection.execute(query)
    }
