"""The gate: a model's hour that cannot be computed from is left out, is seen in Dagster, and stops nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets.data_quality import CHECK
from assets.partitions import range_tags
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests.pipeline_examples import (
    HOUR_JOB,
    LONG_AFTER,
    START,
    actual_of,
    final_state,
    history,
    ingest,
    open_home,
    run_due,
    run_job,
    table_rows,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

GOOD_HOUR, BAD_HOUR = START, START + HOUR_MICROS
GOOD_KEY, BAD_KEY = "2025-03-03-00:00", "2025-03-03-01:00"
LATER = START + 2 * DAY_MICROS


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Two hours of two models; in the second hour somebody says that a flight was 7 late, where 0 and 1 are allowed."""
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([0, 1])
    ingest(installation, predictions=predictions, actuals=actuals)
    ingest_nonsense(installation)
    yield installation
    installation.engine.dispose()


def ingest_nonsense(installation: Installation) -> None:
    """A truth that a declared binary model would be refused lands where the model is not declared (yet)."""
    undeclared = replace(installation, config=MonitoringConfig())
    ingest(undeclared, actuals=[actual_of("late", "001-2", 7.0, at=LATER)])


def check_of(instance: dg.DagsterInstance, partition: str) -> dg.AssetCheckEvaluation:
    """The newest evaluation that Dagster holds of a partition's check."""
    key = dg.AssetCheckKey(dg.AssetKey("data_quality"), CHECK)
    # Newest first; an evaluation that was planned and has not come yet has no event.
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    found = [record.event.asset_check_evaluation for record in history if record.event is not None]
    return next(check for check in found if check is not None and check.partition == partition)


def windows_with_metrics(installation: Installation, model_id: str) -> set[int]:
    rows = table_rows(installation, "metrics")
    return {
        row["window_start"]
        for row in rows
        if row["model_id"] == model_id and row["grain"] == "hour" and row["known_to"] is None
    }


def test_only_the_model_hour_with_nonsense_is_left_out(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    result = run_job(installation, instance, HOUR_JOB, tags=range_tags([GOOD_HOUR, BAD_HOUR], Grain.HOUR))

    assert result.success, "the range goes on: one model must not stop the others"
    assert windows_with_metrics(installation, "late") == {GOOD_HOUR}
    assert windows_with_metrics(installation, "delay") == {GOOD_HOUR, BAD_HOUR}


def test_the_failed_check_stands_at_its_partition_and_says_what_to_do(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    run_job(installation, instance, HOUR_JOB, tags=range_tags([GOOD_HOUR, BAD_HOUR], Grain.HOUR))

    good, bad = check_of(instance, GOOD_KEY), check_of(instance, BAD_KEY)

    assert (good.check_name, good.passed) == (CHECK, True)
    assert (bad.check_name, bad.passed, bad.severity) == (CHECK, False, dg.AssetCheckSeverity.ERROR)
    blocked = str(bad.metadata["blocked"].value)
    assert "late" in blocked
    assert "delay" not in blocked
    assert "actual\\_value is 0 or 1 (critical)" in blocked
    assert "a corrected actual is ingested like any other" in blocked


def test_a_corrected_actual_opens_the_gate(installation: Installation, instance: dg.DagsterInstance) -> None:
    run_due(installation, instance)

    ingest(installation, actuals=[actual_of("late", "001-2", 1.0, at=LATER + HOUR_MICROS)])
    run_due(installation, instance)

    assert windows_with_metrics(installation, "late") == {GOOD_HOUR, BAD_HOUR}
    assert check_of(instance, BAD_KEY).passed


def test_the_gate_stays_shut_while_another_model_of_the_hour_changes(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    run_due(installation, instance)

    ingest(installation, actuals=[actual_of("delay", "001-2", 1.0, at=LATER)])
    run_due(installation, instance)

    assert windows_with_metrics(installation, "late") == {GOOD_HOUR}
    assert not check_of(instance, BAD_KEY).passed


def test_nonsense_that_comes_late_withdraws_the_metrics_that_stood(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([0, 1])
    ingest(installation, predictions=predictions, actuals=actuals)
    run_due(installation, instance)
    stood = windows_with_metrics(installation, "late")

    ingest_nonsense(installation)
    run_due(installation, instance)

    assert stood == {GOOD_HOUR, BAD_HOUR}
    assert windows_with_metrics(installation, "late") == {GOOD_HOUR}
    assert not check_of(instance, BAD_KEY).passed


def test_a_blocked_hour_leaves_nothing_that_it_did_not_earn_after_it_is_mended(
    installation: Installation, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    predictions, actuals = history([0, 1])
    correction = actual_of("late", "001-2", 1.0, at=LATER + HOUR_MICROS)
    run_due(installation, instance)
    ingest(installation, actuals=[correction])
    run_due(installation, instance)
    never_blocked = open_home(tmp_path / "never-blocked", clock=lambda: LONG_AFTER)
    ingest(never_blocked, predictions=predictions, actuals=actuals)
    ingest_nonsense(never_blocked)  # what was once said stays in the hour's file, but nobody computed while it held
    ingest(never_blocked, actuals=[correction])
    with dg.DagsterInstance.ephemeral() as other:
        run_due(never_blocked, other)

    assert final_state(installation) == final_state(never_blocked)
    never_blocked.engine.dispose()
