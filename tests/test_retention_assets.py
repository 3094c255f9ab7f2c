"""What people see of sealed hours in Dagster, and the daily job that seals them."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.partitions import range_tags
from monitoring_pipeline.windows import Grain
from tests.pipeline_examples import HOUR_JOB, run_due, run_job
from tests.retention_examples import STARTS, days_after_start, event_counts, filled, keeping, sealed, sealed_after
from tests.retention_examples import state_of as state

pytestmark = [pytest.mark.xdist_group("retention"), pytest.mark.filterwarnings("ignore::dagster.BetaWarning")]


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_the_daily_job_seals_and_a_sealed_hour_materialized_by_hand_says_so(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    clock = days_after_start(20)
    installation = filled(tmp_path, None, clock)
    run_due(installation, instance)
    before = state(installation)
    clock.now = sealed_after(2).now

    assert run_job(installation, instance, "housekeeping").success
    run_job(installation, instance, HOUR_JOB, tags=range_tags(STARTS, Grain.HOUR))
    again = run_due(installation, instance)

    assert len(sealed(installation)) == 6
    assert state(installation) == before
    assert again.runs == 0
    for asset in ("logged_predictions", "joined_predictions"):
        records = instance.fetch_materializations(dg.AssetKey(asset), limit=4).records
        shown = {
            record.partition_key: record.asset_materialization.metadata
            for record in records
            if record.asset_materialization is not None
        }
        assert shown["2025-03-03-00:00"]["models_sealed"].value == "delay, late, shadow"
        assert shown["2025-03-03-00:00"]["dagster/row_count"].value == 12
        assert "models_sealed" not in shown["2025-03-03-02:00"]


def test_the_daily_job_removes_no_event_without_the_setting(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    clock = days_after_start(20)
    installation = keeping(filled(tmp_path, None, clock), None)
    run_due(installation, instance)
    counts = event_counts(installation.engine)
    clock.now = days_after_start(600).now  # Dagster's own clock is later still

    result = run_job(installation, instance, "housekeeping")

    assert result.success
    assert event_counts(installation.engine) == counts
