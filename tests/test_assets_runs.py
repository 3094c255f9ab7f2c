"""Runs of the real assets: what people see of them in Dagster, and that one odd event or model stops nobody."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

from assets.partitions import range_tags
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import HOUR_MICROS, Grain
from tests.pipeline_examples import (
    DAY_JOB,
    HOUR_JOB,
    LONG_AFTER,
    START,
    files_of,
    history,
    ingest,
    ledger_rows,
    open_home,
    run_due,
    run_job,
    table_rows,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

HOUR_ASSETS = (
    "logged_predictions",
    "joined_predictions",
    "data_quality",
    "hourly_performance",
    "hourly_drift",
    "hourly_findings",
)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Iterator[Installation]:
    """Four hours in one range run, their day, and the delivery; a third model is declared by nobody."""
    installation = open_home(tmp_path_factory.mktemp("computed"), clock=lambda: LONG_AFTER)
    predictions, actuals = history(range(4))
    shadow = [{**p, "model_id": "shadow"} for p in predictions if p["model_id"] == "late"]
    ingest(installation, predictions=[*predictions, *shadow], actuals=actuals)
    starts = [START + hour * HOUR_MICROS for hour in range(4)]
    run_job(installation, instance, HOUR_JOB, tags=range_tags(starts, Grain.HOUR))
    run_job(installation, instance, DAY_JOB, tags=range_tags([START], Grain.DAY))
    yield installation
    installation.engine.dispose()


def metadata_of(instance: dg.DagsterInstance, asset: str) -> dict[str, Mapping[str, dg.MetadataValue]]:
    """Each partition's metadata as the UI shows it."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=100).records
    assert len(records) == len({record.partition_key for record in records}), "one event per partition"
    found = {}
    for record in records:
        assert record.partition_key is not None
        assert record.asset_materialization is not None
        found[record.partition_key] = record.asset_materialization.metadata
    return found


@pytest.mark.usefixtures("computed")
@pytest.mark.parametrize("asset", HOUR_ASSETS)
def test_each_partition_of_a_range_run_has_its_own_row_count_and_table(
    asset: str, instance: dg.DagsterInstance
) -> None:
    shown = metadata_of(instance, asset)

    assert sorted(shown) == [f"2025-03-03-0{hour}:00" for hour in range(4)]
    for metadata in shown.values():
        assert isinstance(metadata["dagster/row_count"].value, int)
        assert "| delay | computed |" in str(metadata["models"].value)
        assert "| late | computed |" in str(metadata["models"].value)


@pytest.mark.usefixtures("computed")
def test_row_counts_are_those_of_the_partition(instance: dg.DagsterInstance) -> None:
    logged, performance = (metadata_of(instance, asset) for asset in ("logged_predictions", "hourly_performance"))

    assert {metadata["dagster/row_count"].value for metadata in logged.values()} == {3 * 8}
    assert all("coverage" in str(metadata["models"].value) for metadata in performance.values())


def test_a_model_that_nobody_declared_is_monitored_with_defaults_and_listed(
    computed: Installation, instance: dg.DagsterInstance
) -> None:
    metrics = {row["metric"] for row in table_rows(computed, "metrics") if row["model_id"] == "shadow"}
    shown = metadata_of(instance, "logged_predictions")

    assert {"accuracy", "log_loss"} <= metrics, "its probabilities say that it answers yes or no"
    assert {metadata["models_undeclared"].value for metadata in shown.values()} == {"shadow"}


def test_the_outbox_is_delivered_to_the_file_once(computed: Installation, instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        run_job(computed, instance, "deliver_notifications")

    lines = (computed.home.root / "notifications.ndjson").read_text().splitlines()
    notifications = [json.loads(line) for line in lines]
    breached = [row for row in table_rows(computed, "findings") if row["verdict"] == "breach"]
    assert len({notification["notification_id"] for notification in notifications}) == len(notifications)
    assert len(notifications) == len(breached) > 0


def test_events_outside_of_the_monitored_span_do_not_stop_the_others(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    long_before, first, after_the_end = -30, 0, 10 * 24
    predictions, _ = history([long_before, first, after_the_end])
    ingest(installation, predictions=predictions)

    report = run_due(installation, instance)

    assert report.windows == {Grain.HOUR: 1, Grain.DAY: 1}
    assert report.outside == 4, "two hours of two models: left out, and counted"
    assert {(dataset, start) for dataset, _, start in ledger_rows(installation) if dataset.endswith("findings")} == {
        ("hourly_findings", START),
        ("daily_findings", START),
    }
    installation.engine.dispose()


def test_a_day_that_is_monitored_from_its_middle_is_computed(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER, start="2025-03-03T05:00:00Z")
    predictions, _ = history([3, 7])
    ingest(installation, predictions=predictions)

    run_due(installation, instance)

    assert {(key[0], key[2]) for key in ledger_rows(installation) if key[0].endswith("performance")} == {
        ("hourly_performance", START + 7 * HOUR_MICROS),
        ("daily_performance", START),
    }
    installation.engine.dispose()


def test_a_feature_that_changes_its_type_from_hour_to_hour_stops_nothing(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([0, 1])
    for prediction in predictions:
        in_second_hour = prediction["prediction_id"].startswith("001")
        prediction["features"] |= {"gate": "B7" if in_second_hour else 7}
    ingest(installation, predictions=predictions, actuals=actuals)

    report = run_due(installation, instance)

    assert report.windows == {Grain.HOUR: 2, Grain.DAY: 1}
    installation.engine.dispose()


def test_a_model_id_that_means_mischief_is_only_a_name(tmp_path: Path) -> None:
    installation = open_home(tmp_path / "home", clock=lambda: LONG_AFTER)
    predictions, _ = history([0])
    name = "../../../escaped|[click](https://example.org)<b>"
    ingest(installation, predictions=[{**p, "model_id": name} for p in predictions if p["model_id"] == "delay"])

    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
        shown = str(metadata_of(instance, "hourly_performance")["2025-03-03-00:00"]["models"].value)

    assert {entry.name for entry in tmp_path.iterdir()} == {"home"}
    assert len(files_of(installation)) == 2
    assert {model_id for _, model_id, _ in ledger_rows(installation)} == {name}
    assert "[click](" not in shown
    assert "<b>" not in shown
    installation.engine.dispose()


def test_an_hour_that_nobody_predicted_in_materializes_empty(tmp_path: Path) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_job(installation, instance, HOUR_JOB, partition_key="2025-03-03-09:00")
        shown = metadata_of(instance, "hourly_performance")

    assert result.success
    assert shown["2025-03-03-09:00"]["dagster/row_count"].value == 0
    assert ledger_rows(installation) == {}
    installation.engine.dispose()


def test_without_a_start_the_first_event_decides_where_partitions_begin(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER, start="null")
    predictions, _ = history([-24 * 3, 0])
    ingest(installation, predictions=predictions)

    report = run_due(installation, instance)

    assert report.windows == {Grain.HOUR: 2, Grain.DAY: 2}
    assert report.outside == 0
    installation.engine.dispose()


def test_loading_the_definitions_loads_neither_mlflow_nor_great_expectations(tmp_path: Path) -> None:
    code = (
        "import sys, monitoring_pipeline.definitions as d; d.build_definitions();"
        "print(sorted({'mlflow', 'great_expectations', 'sklearn', 'matplotlib'} & sys.modules.keys()))"
    )
    home = {**os.environ, "MONITOR_HOME": str(tmp_path)}
    loaded = subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"
    assert loaded.stderr == "", "and nothing is said that a user could not mend"
