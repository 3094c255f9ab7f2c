"""Sources that the daemon reads: when the sensor asks for a reading, and what the run does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine

from assets.failures import run_failures
from assets.sources import pull_sources, source_pulls
from monitoring_pipeline.config.models import FileSource, MonitoringConfig, SqlSource
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.installation import Installation
from tests.conftest import FixedClock
from tests.ingest_examples import prediction, stored, write_ndjson
from tests.pipeline_examples import run_job, sensor_results
from tests.serving import installation_on

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def installation(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    """One with a file source that is looked at every five minutes."""
    config = MonitoringConfig(sources={"drop": FileSource(type="files", path=f"{tmp_path}/in/*.ndjson")})
    (tmp_path / "in").mkdir()
    return installation_on(sqlite_engine, tmp_path / "home", clock=clock, config=config)


def tick(installation: Installation, instance: dg.DagsterInstance) -> str:
    """The run key that the sensor asks with, or why it does not ask."""
    context = dg.build_sensor_context(instance=instance, resources={"pipeline": installation.pipeline})
    [result] = sensor_results(source_pulls, context)
    return str(result.run_key if isinstance(result, dg.RunRequest) else result.skip_message)


def test_a_reading_is_asked_for_when_a_file_has_news_and_not_before_it_is_due(
    installation: Installation, instance: dg.DagsterInstance, tmp_path: Path, clock: FixedClock
) -> None:
    nothing_there = tick(installation, instance)
    write_ndjson(tmp_path / "in" / "a.ndjson", [prediction()])
    news = tick(installation, instance)
    run_job(installation, instance, pull_sources.name)
    write_ndjson(tmp_path / "in" / "b.ndjson", [prediction(prediction_id="p2")])
    too_early = tick(installation, instance)
    clock.advance(seconds=300)

    assert (nothing_there, too_early) == ("no source is due", "no source is due")
    assert news.startswith("pull/drop/")
    assert tick(installation, instance) not in {news, "no source is due"}
    assert [row["prediction_id"] for row in stored(installation.engine, "predictions")] == ["p1"]


def test_one_reading_at_a_time(installation: Installation, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    write_ndjson(tmp_path / "in" / "a.ndjson", [prediction()])
    job = build_definitions(installation).resolve_job_def(pull_sources.name)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    assert tick(installation, instance) == "a reading is in flight"


def test_without_sources_nothing_is_asked_for(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, instance: dg.DagsterInstance
) -> None:
    installation = installation_on(sqlite_engine, tmp_path / "home", clock=clock)

    assert tick(installation, instance) == "the config names no source of type files, url or sql"


def test_a_source_that_cannot_be_read_hinders_no_other_and_its_failure_is_announced(
    sqlite_engine: Engine,
    tmp_path: Path,
    clock: FixedClock,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, other:
        other.execute("CREATE TABLE truth (prediction_id, model_id, actual_value, timestamp)")
        other.execute("INSERT INTO truth VALUES ('p1', 'delay', 20.0, '2026-03-02T10:00:00Z')")
    monkeypatch.setenv("OTHER", f"sqlite:///{tmp_path / 'other.db'}")
    good = SqlSource(type="sql", url_env="OTHER", table="truth", watermark="timestamp", kind="actuals")
    sources = {"bad": good.model_copy(update={"table": "nowhere"}), "good": good}
    config = MonitoringConfig(sources=sources)
    installation = installation_on(sqlite_engine, tmp_path / "home", clock=clock, config=config)

    result = run_job(installation, instance, pull_sources.name, raise_on_error=False)

    assert not result.success
    assert len(stored(sqlite_engine, "actuals")) == 1
    [failure] = [event for event in result.all_events if event.event_type is dg.DagsterEventType.RUN_FAILURE]
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failures", dagster_instance=instance, dagster_run=run, dagster_event=failure
    ).for_run_failure()
    [announced] = sensor_results(run_failures, context)
    assert isinstance(announced, dg.RunRequest)
