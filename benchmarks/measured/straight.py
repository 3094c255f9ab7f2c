"""Transactions that fill a store fast and need not be durable: a crash only means to fill again."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text

from benchmarks.measured.progress import tell

_RELOAD = "SELECT pg_reload_conf()"


@contextmanager
def filling(engine: Engine, *, large: Sequence[Table] = ()) -> Iterator[Connection]:
    """One transaction on an empty store that nobody else uses; what is measured opens it as the program does.

    Args:
        engine: the store.
        large: the tables that most rows go to.
    """
    of_database = _sqlite if engine.dialect.name == "sqlite" else _postgresql
    with of_database(engine, large) as connection:
        yield connection


def write_out(folder: Path) -> int:
    """Bring all files of a store to the disk, or the system would do it during a measurement; returns their bytes."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return sum(file.stat().st_size for file in files)


@contextmanager
def _sqlite(engine: Engine, _large: Sequence[Table]) -> Iterator[Connection]:
    """With all indexes: those in the order of time cost little, and keys cannot be taken away."""
    engine.dispose()
    hasty = create_engine(engine.url)
    event.listen(hasty, "connect", _not_durable)
    with hasty.begin() as connection:
        yield connection
    hasty.dispose()


def _not_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-2000000"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def _postgresql(engine: Engine, large: Sequence[Table]) -> Iterator[Connection]:
    """Keys and indexes of the large tables are made at the end, with fuller pages than those that have grown."""
    _outside(engine, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_wal_size = '32GB'", _RELOAD)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for table in large:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}"))
            for index in table.indexes:
                index.drop(connection)
        yield connection
        for table in large:
            tell(f"indexes of {table}")
            columns = ", ".join(table.primary_key.columns.keys())
            connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({columns})"))
            for index in table.indexes:
                index.create(connection)
    tell("vacuum and checkpoint")
    _outside(engine, "ALTER SYSTEM RESET fsync", "ALTER SYSTEM RESET max_wal_size", _RELOAD)
    _outside(engine, "VACUUM ANALYZE", "CHECKPOINT")
    engine.dispose()


def _outside(engine: Engine, *statements: str) -> None:
    """What cannot be done in a transaction."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
