"""The Dagster instance opens or says why not; its event log stores what Dagster's own class stores."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from assets.instance import open_instance
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.errors import MonitorError
from resources.event_log import KEPT_CONNECTIONS, KeptSqliteEventLogStorage

HOURS = dg.HourlyPartitionsDefinition(start_date="2026-01-01-00:00", end_date="2026-01-02-00:00")


@dg.asset(partitions_def=HOURS, backfill_policy=dg.BackfillPolicy.single_run())
def hourly(context: dg.AssetExecutionContext) -> None:
    for key in context.partition_keys:
        context.add_asset_metadata({"dagster/row_count": len(key)}, partition_key=key)


job = dg.Definitions(assets=[hourly], jobs=[dg.define_asset_job("job", selection=[hourly])]).resolve_job_def("job")
RANGE = {
    "dagster/asset_partition_range_start": "2026-01-01-00:00",
    "dagster/asset_partition_range_end": "2026-01-01-05:00",
}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return Home(root=tmp_path / "home").ensure()


def run(instance: dg.DagsterInstance) -> str:
    result = job.execute_in_process(instance=instance, tags=RANGE, run_config=QUIET)
    assert result.success
    return result.run_id


def test_the_instance_under_the_home_folder_keeps_its_connections(home: Home) -> None:
    with open_instance(home) as instance:
        assert isinstance(instance.event_log_storage, KeptSqliteEventLogStorage)


def test_dagsters_own_class_reads_the_same_events(home: Home) -> None:
    with open_instance(home) as instance:
        run_id = run(instance)
        seen = [(e.dagster_event_type, e.message) for e in instance.all_logs(run_id)]

    stock = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))

    assert [(e.dagster_event_type, e.message) for e in stock.get_logs_for_run(run_id)] == seen
    assert len(stock.get_materialized_partitions(hourly.key)) == 6


def test_a_folder_that_dagsters_own_class_wrote_is_continued(home: Home) -> None:
    (home.dagster / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with open_instance(home) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        run(instance)
    (home.dagster / "dagster.yaml").unlink()

    with open_instance(home) as instance:
        run(instance)

        assert instance.get_runs_count() == 2
        assert len(instance.get_materialized_partitions(hourly.key)) == 6
        assert instance.get_latest_materialization_event(hourly.key) is not None


def test_many_runs_keep_few_connections(home: Home) -> None:
    with open_instance(home) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, KeptSqliteEventLogStorage)
        run_ids = [run(instance) for _ in range(KEPT_CONNECTIONS + 3)]

        assert len(storage._kept) == KEPT_CONNECTIONS
        assert all(instance.all_logs(run_id) for run_id in run_ids)


def test_a_wiped_history_can_be_written_again(home: Home) -> None:
    with open_instance(home) as instance:
        run(instance)
        instance.event_log_storage.wipe()

        run_id = run(instance)

        assert instance.all_logs(run_id)


def test_settings_that_a_person_has_made_theirs_are_left_alone(home: Home) -> None:
    with open_instance(home):
        pass
    settings = home.dagster / "dagster.yaml"
    settings.write_text("# mine\ntelemetry: {enabled: false}\n")

    with open_instance(home):
        pass

    assert settings.read_text() == "# mine\ntelemetry: {enabled: false}\n"


def test_a_home_that_was_moved_finds_its_history(home: Home, tmp_path: Path) -> None:
    with open_instance(home) as instance:
        run_id = run(instance)
    moved = Home(root=home.root.rename(tmp_path / "moved"))

    with open_instance(moved) as instance:
        assert instance.all_logs(run_id)
    assert not home.root.exists()


def test_several_that_open_a_fresh_home_at_once_all_get_it(home: Home) -> None:
    several = 4
    together = threading.Barrier(several)

    def runs_seen(_: int) -> int:
        together.wait()
        with open_instance(home) as instance:
            return instance.get_runs_count()

    with ThreadPoolExecutor(several) as pool:
        assert list(pool.map(runs_seen, range(several))) == [0] * several


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dagster", "DAGSTER_HOME=dagster is not an absolute path; set it to the absolute path of the folder"),
        ("~no-such-user/dagster", "DAGSTER_HOME=~no-such-user/dagster is not an absolute path; set it to"),
        ("/nowhere/dagster", "DAGSTER_HOME=/nowhere/dagster is not a folder that exists; set it to"),
        ("/dev/null", "DAGSTER_HOME=/dev/null is not a folder that exists; set it to"),
    ],
)
def test_a_dagster_home_that_names_no_folder_is_one_sentence(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", name)

    with pytest.raises(MonitorError) as caught, open_instance(home):
        pass

    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (b"telemetry: [", "expected the node content"),
        (b"telemetri: {}", 'unexpected config entry "telemetri"'),
        (b"- telemetry", "to parse to dictionary"),
        (b"\xff\xfe", "'utf-8' codec"),
        (b"run_storage: {module: no.such.module, class: Storage}", "no.such.module"),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_a_dagster_yaml_of_ones_own_that_is_broken_is_one_sentence_that_names_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: bytes, expected: str, *, is_named: bool
) -> None:
    folder = tmp_path / "named" if is_named else home.dagster
    folder.mkdir(exist_ok=True)
    (folder / "dagster.yaml").write_bytes(settings)
    if is_named:
        monkeypatch.setenv("DAGSTER_HOME", str(folder))

    with pytest.raises(MonitorError) as caught, open_instance(home):
        pass

    assert expected in str(caught.value)
    assert str(folder / "dagster.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)
