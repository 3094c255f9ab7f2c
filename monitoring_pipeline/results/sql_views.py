"""Views for people who ask the store in SQL, with any client: events, metrics and alerts under plain names.

The tables hold instants as whole microseconds and truth as revisions. The views say the same with the types of the
database (``timestamptz``, ``numeric`` and ``jsonb`` on PostgreSQL; on SQLite text that its date functions read) and
with the truth that holds now. They only read: none can be written through. A migration that alters a table below them
drops the views before and creates them after.
"""

import re
from collections.abc import Mapping

from sqlalchemy import Connection, inspect

from monitoring_pipeline.performance.registry import TASKS, metric_names
from monitoring_pipeline.results import sql_view_texts as texts

# In order of creation: later ones read from earlier ones.
VIEWS = {
    "ml_model_predictions": texts.PREDICTIONS,
    "ml_model_metrics": texts.METRICS,
    "ml_drift_alerts": texts.DRIFT_ALERTS,
    "v_model_accuracy_daily": texts.ACCURACY_DAILY,
    "prediction_logs": texts.PREDICTION_LOGS,
}

# Dates on both are those of UTC, whatever the session's zone.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        # No zone and no T, as SQLite's own datetime() writes: so that texts compare as instants do.
        "instant": (
            "strftime('%Y-%m-%d %H:%M:%S', ({0} - ({0} % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')"
            " || printf('.%06d', ({0} % 1000000 + 1000000) % 1000000)"
        ),
        "date": "DATE(({0} - ({0} % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')",
        "exact": "{0}",
        "json": "{0}",
        "text": "json_extract({0}, '$.text')",
        "input_text": "json_extract({0}, '$.input_text')",
        "boolean": "{0}",
        "bytewise": "COLLATE BINARY",
    },
    "postgresql": {
        "instant": "to_timestamp({0} / CAST(1000000 AS double precision))",
        "date": "DATE(to_timestamp({0} / CAST(1000000 AS double precision)) AT TIME ZONE 'UTC')",
        # Decimals, since the square of one absurd error would be beyond the doubles and fail the whole query. By way
        # of text, which is the shortest that reads back as the same double; a plain cast keeps 15 digits only.
        "exact": "CAST(CAST({0} AS text) AS numeric)",
        "json": "CAST({0} AS jsonb)",
        "text": "(CAST({0} AS json) ->> 'text')",
        "input_text": "(CAST({0} AS json) ->> 'input_text')",
        "boolean": "{0} = 1",
        "bytewise": 'COLLATE "C"',
    },
}

# A word with its expression, which may hold one level of parentheses.
_WORD = re.compile(r"@(\w+)\(((?:[^()]|\((?:[^()])*\))*)\)")


def create_views(connection: Connection) -> list[str]:
    """Create every view, in the words of the connection's database. The tables must be there, the views must not.

    The store may share its database with an application that has a table of such a name. That table is left alone, and
    so is any view that would read from it.

    Returns:
        The views that were not created because their name, or one that they need, is taken.
    """
    taken = _taken(connection)
    if "ml_model_predictions" in taken:
        taken.add("v_model_accuracy_daily")
    for name, statement in view_texts(connection.dialect.name).items():
        if name not in taken:
            connection.exec_driver_sql(statement)
    return [name for name in VIEWS if name in taken]


def drop_views(connection: Connection) -> None:
    """Drop every view of these names that is there; a table of such a name stays."""
    there = inspect(connection).get_view_names()
    for name in reversed(VIEWS):
        if name in there:
            connection.exec_driver_sql(f"DROP VIEW {name}")


def _taken(connection: Connection) -> set[str]:
    inspector = inspect(connection)
    return {*inspector.get_table_names(), *inspector.get_view_names()}


def view_texts(dialect: str) -> dict[str, str]:
    """The CREATE VIEW statement of each view, in order of creation.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
    """
    words = {**_WORDS[dialect], "performance_metrics": _performance_metrics()}
    return {name: _WORD.sub(lambda said: words[said[1]].format(said[2]), text) for name, text in VIEWS.items()}


def _performance_metrics() -> str:
    """The metrics that judge predictions by their truth, as a list of SQL texts."""
    return ", ".join(f"'{name}'" for name in sorted({name for task in TASKS for name in metric_names(task)}))
