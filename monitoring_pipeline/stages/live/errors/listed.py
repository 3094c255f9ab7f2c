"""Rows of a query as one text, made by the database.

The driver of SQLite gives up the interpreter at each row that it fetches; beside a busy writer it may then wait
milliseconds to get it back, hundreds of times in one answer. A single row is fetched once. Doubles do not come this
way: SQLite writes them with fewer digits than they have.
"""

from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, FromClause, Text, cast, func, select


def listed(
    connection: Connection, columns: list[ColumnElement[Any]], *, source: FromClause, where: list[ColumnElement[bool]]
) -> list[list[Any]]:
    """The rows as lists of texts and whole numbers, in no order.

    Args:
        connection: a reading transaction.
        columns: of texts and whole numbers.
        source: the tables.
        where: the conditions.
    """
    if connection.dialect.name == "sqlite":
        every: ColumnElement[Any] = func.json_group_array(func.json_array(*columns))
    else:
        every = cast(func.json_agg(func.json_build_array(*columns)), Text)
    text = connection.scalar(select(every).select_from(source).where(*where))
    found: list[list[Any]] = [] if text is None else orjson.loads(text)
    return found
