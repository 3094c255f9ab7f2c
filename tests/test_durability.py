"""The sessions of a store commit to the disk, whatever the server would have them do; what it leaves out is told."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.database import open_engine, reading
from monitoring_pipeline.durability import survives_power_cuts
from tests.serving import ServerProcess

UNSYNCED = "runs with fsync off: a power cut can lose events that were acknowledged; turn it on"


@pytest.fixture
def server_is_synced(postgres_engine: Engine) -> bool:
    """What the server of the tests says: it may be set either way."""
    with postgres_engine.connect() as connection:
        return connection.exec_driver_sql("SELECT setting FROM pg_settings WHERE name = 'fsync'").scalar() == "on"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("off", "on"), ("on", "on"), ("local", "local"), ("remote_write", "remote_write"), ("remote_apply",) * 2],
)
def test_a_session_syncs_its_commits_at_least_on_its_server(postgres_database_url: str, given: str, kept: str) -> None:
    engine = open_engine(f"{postgres_database_url}&options=-csynchronous_commit%3D{given}")

    with engine.connect() as connection:
        connection.rollback()  # a setting that was not committed would be gone
        found = connection.exec_driver_sql("SHOW synchronous_commit").scalar()

    engine.dispose()
    assert found == kept


def test_only_a_server_that_does_not_sync_loses_commits_in_a_power_cut(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    expected = engine.dialect.name == "sqlite" or bool(request.getfixturevalue("server_is_synced"))

    with reading(engine) as connection:
        found = survives_power_cuts(connection)

    assert found == expected


def test_monitor_serve_tells_of_a_server_that_does_not_sync(
    postgres_database_url: str, server_is_synced: bool, tmp_path: Path
) -> None:
    (tmp_path / "monitoring.yaml").write_text(f"store_url: {postgres_database_url}\n", encoding="utf-8")
    arguments = ("--config", str(tmp_path / "monitoring.yaml"))

    with ServerProcess(home=tmp_path, environment={}, arguments=arguments):
        pass

    assert (UNSYNCED in (tmp_path / "serve.log").read_text(encoding="utf-8")) == (not server_is_synced)
