"""The real parts that tests run on: both databases, with empty tables for each test, and a clock that stands still.

``engine`` is parametrised: a test that takes it runs once on a SQLite file and once on a real PostgreSQL.
Each test process starts its own PostgreSQL the first time one is asked for (a unix socket in a temporary
folder, no port), so any number of test workers run side by side.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.database import open_engine
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.windows import HOUR_MICROS
from tests.postgres_stores import PostgresStores, postgres_server
from tests.shared_statements import sharing_statements

# 2026-03-02T12:00:00Z: a Monday noon, far from the edges of day, month and year.
NOON_MICROS = 1_772_452_800_000_000

# Temporary files are kept in memory where there is room for them: to make and fill a small store takes a twentieth of
# the time if no commit waits for a disk. No test cuts the power, and what a killed process wrote is there all the same.
_MEMORY, _ROOM_BYTES = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
    tempfile.tempdir = os.environ["TMPDIR"] = str(_MEMORY)


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, *, seconds: float = 0, hours: float = 0) -> None:
        self.now += round(seconds * 1_000_000 + hours * HOUR_MICROS)


# Files of long tests are begun first, so that no worker is left with one of them at the end; those that wait for other
# processes stand between those that compute, so that one worker waits while the other computes.
_BEGUN_FIRST = (
    "test_truth_stateful.py",
    "test_compose_services.py",
    "test_docs_tutorial.py",
    "test_assets_daemon.py",
    "test_pipeline_oracle.py",
    "test_dev_command.py",
    "test_sources_kafka.py",
    "test_truth_mutants.py",
    "test_pipeline_same_bytes.py",
    "test_pipeline_touched.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(_BEGUN_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish() -> None:
    # What was imported stays to the end. To look through it again and again for what could be given back took a tenth
    # of the time of tests that make much.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON_MICROS)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[str], str]]:
    """The address of a database of a running PostgreSQL, by name; ``postgres`` always exists."""
    with postgres_server() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_stores(postgres_url: Callable[[str], str]) -> PostgresStores:
    """Lends a store on PostgreSQL to one test after the other."""
    return PostgresStores(postgres_url, _migrate)


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
def postgres_database_url(postgres_url: Callable[[str], str], postgres_stores: PostgresStores) -> Iterator[str]:
    """The address of a PostgreSQL database with empty tables."""
    with postgres_stores.lent() as name:
        yield postgres_url(name)


@pytest.fixture
def sqlite_engine(tmp_path: Path, sqlite_url: str, sqlite_template: Path) -> Iterator[Engine]:
    """A fresh store on a SQLite file."""
    shutil.copyfile(sqlite_template, tmp_path / "store.db")
    engine = sharing_statements(open_engine(sqlite_url))
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(postgres_database_url: str) -> Iterator[Engine]:
    """A fresh store on PostgreSQL."""
    engine = sharing_statements(open_engine(postgres_database_url))
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
