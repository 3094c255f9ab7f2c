"""The standing results of each model's newest window: as many rows as there are series, however long the history."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, select

from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.exposition.moment import Moment
from monitoring_pipeline.windows import DAY_MICROS, Grain

SHOWN_MICROS = 35 * DAY_MICROS
"""A model whose newest window is older than this shows none: what was true then is not the present."""

WHOLE = "all"
"""The segment that is the model as a whole; segments are for the API and for alerts, there are too many of them."""


def newest_rows(
    moment: Moment, table: Table, grain: Grain, *, only: ColumnElement[bool] | None = None
) -> Iterator[Row[Any]]:
    """The rows that stand for each model's newest window of a grain.

    Args:
        moment: the collection.
        table: ``metrics`` or ``drift_results``.
        grain: hours or days.
        only: rows that count; the newest window is the newest with such a row.
    """
    columns = table.c
    stands = [columns.grain == grain.value, columns.known_to.is_(None), columns.segment == WHOLE]
    if only is not None:
        stands.append(only)
    by_window: dict[int, list[str]] = defaultdict(list)
    for model_id, window_start in _newest(moment, table, stands):
        by_window[window_start].append(model_id)
    # Models mostly share their newest window, so these are few queries.
    for window_start, model_ids in sorted(by_window.items()):
        at = (columns.model_id.in_(model_ids), columns.window_start == window_start)
        yield from moment.connection.execute(select(table).where(*at, *stands))


def _newest(moment: Moment, table: Table, stands: list[ColumnElement[bool]]) -> list[tuple[str, int]]:
    models = select(version_totals.c.model_id).distinct().subquery()
    newest = (
        select(table.c.window_start)
        .where(table.c.model_id == models.c.model_id, *stands, table.c.window_start > moment.now - SHOWN_MICROS)
        .order_by(table.c.window_start.desc())
        .limit(1)
        .correlate(models)
        .scalar_subquery()
    )
    query = select(models.c.model_id, newest.label("window_start"))
    found = [(row.model_id, row.window_start) for row in moment.connection.execute(query)]
    return [(model_id, start) for model_id, start in found if start is not None and model_id in moment.rank]
