"""One database for events, ledger and results, so that a stage publishes in one transaction.

Every commit is on the disk when it returns (see :mod:`.durability`), which is what "an acknowledged event is never
lost" needs. On SQLite, writers take the lock at once (``BEGIN IMMEDIATE``) instead of failing half-way when they
upgrade from a read.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    create_engine,
    delete,
    event,
    literal,
    make_url,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from monitoring_pipeline.durability import set_up_postgresql, set_up_sqlite
from monitoring_pipeline.errors import MonitorError

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ADDRESSES = "write sqlite:///file.db or postgresql+psycopg2://user@host/name"


def open_engine(url: str) -> Engine:
    """An engine on the store, set up for durable commits.

    Raises:
        MonitorError: if the address cannot be understood, or names a database that is gone with the process.
    """
    if not url.isprintable():
        raise MonitorError(f"store_url holds a character that cannot be printed; {_ADDRESSES}")
    try:
        address = make_url(url)
        if _is_in_memory(address):
            raise MonitorError(
                "store_url names an SQLite database in memory: whatever is stored would be gone with the process; "
                "write sqlite:///file.db, or take the key out to keep the store under MONITOR_HOME"
            )
        # The connection that came back last knows most of the store's pages; others may rest and be forgotten.
        engine = create_engine(address, pool_pre_ping=not url.startswith("sqlite"), pool_use_lifo=True)
        engine.dialect.create_connect_args(address)
    except (ArgumentError, NoSuchModuleError) as error:
        raise MonitorError(f"store_url is not a database address SQLAlchemy knows ({error}); {_ADDRESSES}") from None
    except ModuleNotFoundError as error:
        raise MonitorError(
            f"store_url needs a database driver that is not installed ({error.name}); {_ADDRESSES}"
        ) from None
    except (ValueError, TypeError) as error:  # a port or an option that is no number
        raise MonitorError(f"store_url has a part that cannot be read ({error}); {_ADDRESSES}") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", set_up_postgresql)
    return engine


def same_store(engine: Engine) -> Engine:
    """Another engine on the store of an engine, with connections of its own; whoever asks for it disposes of it.

    A thread that writes all the time wants one. What SQLite has read of the file a connection keeps for as long as
    nobody else commits: were connections shared with readers, one after the other would come to hold the pages and the
    statements of ingest, and each would find its pages outdated. Under a mixed load SQLite held 10 MB instead of 18.
    """
    return open_engine(engine.url.render_as_string(hide_password=False))


def _is_in_memory(address: URL) -> bool:
    if address.get_backend_name() != "sqlite":
        return False
    name = address.database or ""
    return name in {"", "file:"} or ":memory:" in name or address.query.get("mode") == "memory"


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end of the block, rolled back on any error."""
    with reachable(engine), engine.connect().execution_options(writing=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view on SQLite, read-committed on PostgreSQL."""
    with reachable(engine), engine.connect() as connection, connection.begin():
        yield connection


def remove_where(engine: Engine, key: Column[Any], condition: ColumnElement[bool], *, batch: int) -> int:
    """Remove the rows of a table for which a condition holds, some at a time, so that no writer waits for long.

    Args:
        engine: the store.
        key: the table's primary key.
        condition: on its rows; asked again in each transaction.
        batch: the most rows of one transaction.

    Returns:
        How many were removed.
    """
    some = select(key).where(condition).limit(batch)
    removed = 0
    while True:
        with writing(engine) as connection:
            count = connection.execute(delete(key.table).where(key.in_(some))).rowcount
        removed += count
        if count < batch:
            return removed


def insert_of(connection: Connection) -> type[sqlite.Insert] | type[postgresql.Insert]:
    """The INSERT of the connection's database: only that knows ON CONFLICT."""
    return sqlite.Insert if connection.dialect.name == "sqlite" else postgresql.Insert


Key = tuple[str | int, ...]
"""What tells a row's place in a list that is read page by page: the values of the columns it is ordered by."""


def beyond(columns: Sequence[ColumnElement[Any]], key: Key, *, descending: bool = False) -> ColumnElement[bool]:
    """The rows that come after a key, in the order of the columns; an index on them leads straight there.

    The columns name a row for good, so pages that go on from the last key show each row that stays exactly once,
    whatever comes and goes between them.
    """
    place = tuple_(*columns)
    values = tuple_(*(literal(value, column.type) for value, column in zip(key, columns, strict=True)))
    return place < values if descending else place > values


@contextmanager
def reachable(engine: Engine) -> Iterator[None]:
    """Turn "cannot connect" into one sentence that names the store without its password.

    Raises:
        MonitorError: if the database cannot be opened.
    """
    try:
        yield
    except DatabaseError as error:
        if not _is_out_of_reach(error):
            raise
        address = engine.url.render_as_string(hide_password=True)
        first_line = str(error.orig).strip().splitlines()[0]
        raise MonitorError(
            f"the store {address} cannot be used: {first_line}; "
            "check store_url in the config and that the database is running"
        ) from error


def without_values(error: BaseException) -> str:
    """What went wrong, in one line that a log may hold: databases repeat the values of a statement in their errors."""
    if isinstance(error, OperationalError):  # a disk that is full, a connection that broke: not about any value
        return str(error.orig).strip().split("\n", 1)[0]
    return str(error) if isinstance(error, MonitorError) else type(error).__qualname__


def _is_out_of_reach(error: DatabaseError) -> bool:
    # SQLite says "file is not a database" with the plain base class. A missing table or column is an
    # OperationalError there too, but a mistake of ours, which must keep its traceback. psycopg2 calls an unknown
    # connection option a ProgrammingError; while connecting there is no statement yet.
    if type(error) is DatabaseError or error.statement is None:
        return True
    return isinstance(error, OperationalError) and not str(error.orig).startswith(("no such table", "no such column"))
