"""The migrations lead to the tables that the code declares, on both databases, also when two open a store at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

import monitoring_pipeline.migrations
from monitoring_pipeline.database import open_engine, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.migrations import HEAD, upgrade
from monitoring_pipeline.schema import metadata
from tests import first_schema


def test_the_newest_script_is_the_head_that_the_code_knows() -> None:
    scripts = Path(monitoring_pipeline.migrations.__file__).parent / "versions"
    revisions = {
        match[1]
        for path in scripts.glob("*.py")
        if (match := re.search(r'^revision = "(\w+)"', path.read_text(), re.M))
    }

    assert max(revisions) == HEAD


def test_a_migrated_store_has_the_tables_that_the_code_declares(engine: Engine) -> None:
    upgrade(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = [
            difference
            for difference in compare_metadata(context, metadata)
            # Alembic's own bookkeeping is not a table of ours.
            if getattr(difference[1], "name", "") != "alembic_version"
        ]

    assert differences == []


def test_partial_indexes_are_made_by_the_migration(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)

    with engine.connect() as connection:
        partial = set(
            connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"))
        )
    engine.dispose()

    declared = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert partial == declared


def test_two_that_open_a_fresh_store_at_once_both_succeed(sqlite_url: str) -> None:
    engines = [open_engine(sqlite_url) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, engines))

    assert "predictions" in inspect(engines[0]).get_table_names()
    for engine in engines:
        engine.dispose()


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    before = inspect(engine).get_table_names()

    upgrade(engine)

    assert inspect(engine).get_table_names() == before


def test_the_upgrade_of_an_old_store_tells_each_version_as_it_is_reached(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(sqlite_url)
    first_schema.begin(engine)
    caplog.clear()

    upgrade(engine)
    told = [record.getMessage() for record in caplog.records if record.name == "monitoring_pipeline.migrations"]
    caplog.clear()
    upgrade(engine)
    engine.dispose()

    assert told[0].startswith(f"the store is brought from version 0001 to {HEAD}; a large one takes minutes")
    assert told[1:] == [f"the store is at version {number:04} of {HEAD}" for number in range(2, int(HEAD) + 1)]
    assert caplog.records == []


def test_a_fresh_store_is_made_without_a_word(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    engine = open_engine(sqlite_url)

    upgrade(engine)
    engine.dispose()

    assert [record for record in caplog.records if record.name == "monitoring_pipeline.migrations"] == []


def test_a_store_of_a_newer_version_is_refused_with_a_remedy(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(MonitorError, match="newer version"):
        upgrade(engine)
    engine.dispose()


def test_a_store_in_a_folder_with_a_percent_sign_is_migrated(tmp_path: Path) -> None:
    folder = tmp_path / "100%"
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder / 'store.db'}")

    upgrade(engine)

    assert "metrics" in inspect(create_engine(engine.url)).get_table_names()
    engine.dispose()
