"""Another database, only read: never locked, never written, and asked in chunks that memory holds."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    FromClause,
    RowMapping,
    Select,
    column,
    create_engine,
    event,
    literal_column,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from monitoring_pipeline.config.models import SqlSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.sql.watermarks import Watermark

Found = Mapping[str, Any]
"""A row by the names of its columns; its watermark also under :data:`MARK`."""

MARK = "monitor_watermark"
_ALIAS = "events"


class ForeignRows:
    """The rows that a source names, in an open transaction that is rolled back at the end.

    Args:
        connection: of the other database.
        source: says which rows.
        name: the source's name in the config, for errors.
    """

    def __init__(self, connection: Connection, source: SqlSource, *, name: str) -> None:
        self._connection = connection
        self._source = source
        self._name = name
        self._rows = _rows_of(source)
        self._mark = self._rows.c[source.watermark]

    def chunk(self, since: Watermark | None) -> list[Found]:
        """The rows with the lowest watermarks from one on, in their order; at most ``chunk_rows``."""
        query = self._everything().where(self._mark.is_not(None)).order_by(self._mark).limit(self._source.chunk_rows)
        if since is not None:
            query = query.where(self._mark >= since)
        with _told(self._name, self._source):
            return [dict(row) for row in self._connection.execute(query).mappings()]

    def of_one_watermark(self, watermark: Watermark) -> Iterator[list[Found]]:
        """All rows of one watermark, some at a time."""
        query = self._everything().where(self._mark == watermark)
        options = {"stream_results": True, "max_row_buffer": self._source.chunk_rows}
        with _told(self._name, self._source):
            streamed = self._connection.execute(query, execution_options=options)
            parts = streamed.mappings().partitions(self._source.chunk_rows)
        while part := self._next_of(parts):
            yield part

    def next_above(self, watermark: Watermark) -> Watermark | None:
        """The lowest watermark above one."""
        query = select(self._mark).where(self._mark > watermark).order_by(self._mark).limit(1)
        with _told(self._name, self._source):
            found: Watermark | None = self._connection.scalar(query)
        return found

    def _next_of(self, parts: Iterator[Sequence[RowMapping]]) -> list[Found]:
        with _told(self._name, self._source):
            return [dict(row) for row in next(parts, ())]

    def _everything(self) -> Select[Any]:
        # A star beside another column needs its table's name on some databases.
        return select(literal_column(f"{_ALIAS}.*"), self._mark.label(MARK)).select_from(self._rows)


@contextmanager
def opened(name: str, source: SqlSource, environ: Mapping[str, str]) -> Iterator[ForeignRows]:
    """The rows of a source, on a connection that cannot write where the database knows how to forbid it.

    Raises:
        MonitorError: if the address is missing or wrong, or the database refuses; never with the address, which may
            hold a password, nor with the statement.
    """
    engine = _engine(name, source, environ)
    try:
        with _told(name, source):
            connection = engine.connect()
        with connection:
            yield ForeignRows(connection, source, name=name)
    finally:
        engine.dispose()


@contextmanager
def _told(name: str, source: SqlSource) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        lines = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines() or [type(error).__name__]
        raise MonitorError(
            f"sources.{name}: the database does not answer the question: {lines[0]}; "
            f"check {source.url_env}, the names of table and columns, and that the database is running"
        ) from error


def _engine(name: str, source: SqlSource, environ: Mapping[str, str]) -> Engine:
    url = environ.get(source.url_env, "")
    if not url:
        raise MonitorError(
            f"sources.{name}.url_env: the environment variable {source.url_env} is not set; "
            "set it to the address of the database, such as postgresql+psycopg2://user:password@host/name"
        )
    try:
        engine = create_engine(make_url(url), poolclass=NullPool, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError, TypeError) as error:
        raise MonitorError(
            f"sources.{name}.url_env: {source.url_env} holds no address that can be used ({type(error).__name__}); "
            "write such as postgresql+psycopg2://user:password@host/name, and install the database's driver"
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _only_read_sqlite)
    return engine.execution_options(postgresql_readonly=True) if engine.dialect.name == "postgresql" else engine


def _only_read_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")


def _rows_of(source: SqlSource) -> FromClause:
    mark: Any = column(source.watermark)
    if source.table is not None:
        schema, _, name = source.table.rpartition(".")
        return table(name, mark, schema=schema or None).alias(_ALIAS)
    assert source.query is not None, "a source has one of the two"
    # A colon would begin a parameter.
    written = source.query.strip().rstrip(";").replace(":", "\\:")
    return text(written).columns(mark).subquery(_ALIAS)
