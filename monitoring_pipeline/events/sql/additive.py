"""Adding to rows that may be there already, many of them with one statement, on either database."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, Table, Text

Row = tuple[object, ...]


def add(connection: Connection, table: Table, rows: Sequence[Row], *, growth: Mapping[str, str]) -> None:
    """Insert ``rows``; where a key is there already, let its row grow by what came.

    Rows are written in the order of their keys, so that no two transactions wait for each other.

    Args:
        connection: an open writing transaction.
        table: one whose primary key comes first among its columns.
        rows: values in the order of the table's columns; no key twice.
        growth: what each other column becomes; ``old`` is the row that stands, ``excluded`` the one that came.
    """
    if not rows:
        return
    ordered = sorted(rows)
    grown = ", ".join(f"{name} = {becomes}" for name, becomes in growth.items())
    keys = ", ".join(table.primary_key.columns.keys())
    names = ", ".join(table.columns.keys())
    into = f"INSERT INTO {table.name} AS old ({names})"
    unless = f"ON CONFLICT ({keys}) DO UPDATE SET {grown}"
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in table.columns)
        connection.exec_driver_sql(f"{into} VALUES ({marks}) {unless}", ordered)
        return
    # All rows as one JSON text: the driver would take longer to write each value than the server takes to read them.
    values = ", ".join(f"CAST(came ->> {place} AS {_type(column)})" for place, column in enumerate(table.columns))
    came = "json_array_elements(CAST(%s AS json)) AS came"
    statement = f"{into} SELECT {values} FROM {came} {unless}"  # noqa: S608  (names of our own tables)
    connection.exec_driver_sql(statement, (orjson.dumps(ordered).decode(),))


def larger(name: str) -> str:
    """The growth of a column that keeps the largest value."""
    return f"CASE WHEN excluded.{name} > old.{name} THEN excluded.{name} ELSE old.{name} END"


def smaller(name: str) -> str:
    """The growth of a column that keeps the smallest value."""
    return f"CASE WHEN excluded.{name} < old.{name} THEN excluded.{name} ELSE old.{name} END"


def total(name: str) -> str:
    """The growth of a column that is a count or a sum."""
    return f"old.{name} + excluded.{name}"


def _type(column: Column[Any]) -> str:
    if isinstance(column.type, Text):
        return "text"
    return "bigint" if isinstance(column.type, BigInteger) else "double precision"
