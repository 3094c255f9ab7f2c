"""Stores as the first schema left them, for the tests of the migrations after it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, Connection, Double, Engine, Integer, MetaData, Table, inspect, text

import monitoring_pipeline.migrations
from monitoring_pipeline.database import reading, writing

Row = dict[str, Any]

# What was measured under the first schema.
METRICS = {
    *("mae", "rmse", "mape", "bias", "r2"),
    *("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc", "log_loss", "brier"),
}


def begin(engine: Engine) -> None:
    """Empty the store and give it the first schema."""
    with writing(engine) as connection:
        _drop_all(connection)
    upgrade_to(engine, "0001")


def upgrade_to(engine: Engine, version: str) -> None:
    """Bring the store to a version that is not the newest."""
    config = Config()
    folder = Path(monitoring_pipeline.migrations.__file__).parent
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def _drop_all(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        return
    for view in inspect(connection).get_view_names():
        connection.execute(text(f'DROP VIEW "{view}"'))
    for table in inspect(connection).get_table_names():
        connection.execute(text(f'DROP TABLE "{table}"'))


@contextmanager
def tables(engine: Engine) -> Iterator[Mapping[str, Table]]:
    """The tables that the store has now, whatever the code declares."""
    found = MetaData()
    with reading(engine) as connection:
        found.reflect(connection)
    yield found.tables


def all_rows(engine: Engine) -> dict[str, list[Row]]:
    """Every row of every table, by the table's name."""
    with tables(engine) as found, reading(engine) as connection:
        selected = {name: connection.execute(table.select()).mappings().all() for name, table in found.items()}
        return {name: [dict(row) for row in rows] for name, rows in selected.items()}


def fill(engine: Engine, rows: Mapping[str, Sequence[Row]]) -> None:
    """Insert rows by the tables' own names; what there is no table or no column for is left out."""
    with tables(engine) as found, writing(engine) as connection:
        for name in rows.keys() & found.keys():
            for row in rows[name]:
                known = {column: value for column, value in row.items() if column in found[name].c}
                connection.execute(found[name].insert(), known)


def a_row(table: Table, **fields: Any) -> Row:
    """A row with something in every column."""
    return {column.name: _something(column.type, column.name) for column in table.columns} | fields


def _something(kind: object, name: str) -> Any:
    if isinstance(kind, Double):
        return 0.1 + 0.2  # not the double that 0.3 is
    if isinstance(kind, BigInteger | Integer):
        return 1_740_960_000_000_000 if isinstance(kind, BigInteger) else 1
    return f"ü {name}"


def as_first_written(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Rows of a store of today as the first schema would hold them: fewer tables, metrics and kinds of sums."""
    kept = {name: list(of_table) for name, of_table in rows.items() if name not in ("alembic_version", *_LATER)}
    kept["metrics"] = [row for row in rows["metrics"] if row["metric"] in METRICS]
    kept["performance_sums"] = [
        {**row, "sums": '{"of": "the first schema"}'}
        for row in rows["performance_sums"]
        if row["family"] == "performance" and row["known_to"] is None
    ]
    return kept


_LATER = ("estimates", "knowledge", "sums_known_at")
