"""Scattered hours are computed in one run, by the stages of the asset job, and only what changed is recorded."""

from pathlib import Path

import dagster as dg
import pytest

from assets.partitions import partition_key
from assets.requests import SCATTERED_RANGES, due_runs
from assets.touched import STAGES, TOUCHED_HOURS, run_config
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import HOUR_MICROS, Grain
from tests.pipeline_examples import (
    HOUR_JOB,
    LONG_AFTER,
    START,
    actual_of,
    history,
    ingest,
    open_home,
    run_due,
    run_job,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

HOURS = range(12)

CHECKED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history(HOURS, rows=4)
    ingest(installation, predictions=predictions, actuals=actuals)
    return installation


def correct(installation: Installation, *hours: int) -> None:
    """A correction of the first prediction of each of the hours, of one model."""
    predictions, _ = history(hours, rows=1)
    corrections = [
        actual_of(event["model_id"], event["prediction_id"], 1.0, at=LONG_AFTER - 10 * HOUR_MICROS)
        for event in predictions
        if event["model_id"] == "delay"
    ]
    ingest(installation, actuals=corrections)


def keys(*hours: int) -> list[str]:
    return [partition_key(START + hour * HOUR_MICROS, Grain.HOUR) for hour in hours]


def test_the_stages_are_those_of_the_asset_job_in_an_order_that_respects_its_dependencies(
    installation: Installation,
) -> None:
    definitions = build_definitions(installation)
    graph = definitions.resolve_asset_graph()
    order = [name for name, _ in STAGES]

    of_job = {key.to_user_string() for key in definitions.resolve_job_def(HOUR_JOB).asset_layer.executable_asset_keys}
    assert set(order) == of_job
    for name in order:
        parents = {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys}
        assert parents <= set(order[: order.index(name)])


def test_a_few_ranges_are_range_runs_and_many_are_one_run(installation: Installation) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
    few, many = range(0, 2 * SCATTERED_RANGES, 2), range(0, 2 * SCATTERED_RANGES + 2, 2)

    correct(installation, *few)
    ranges = due_runs(installation.pipeline, debounce=False)
    correct(installation, *many)
    scattered = due_runs(installation.pipeline, debounce=False)

    assert [run.job_name for run in ranges] == [HOUR_JOB] * SCATTERED_RANGES
    assert [run.job_name for run in scattered] == [TOUCHED_HOURS]
    assert scattered[0].windows.starts == tuple(START + hour * HOUR_MICROS for hour in many)
    assert (scattered[0].due_count, scattered[0].again_count) == (len(many), len(many))


def test_only_the_assets_and_hours_that_changed_are_materialized(installation: Installation) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
        correct(installation, 2, 7)

        # Hour 4 is asked for, but nothing of it changed.
        result = run_job(installation, instance, TOUCHED_HOURS, run_config=run_config(keys(2, 4, 7)))

        events = [e.dagster_event for e in instance.all_logs(result.run_id) if e.dagster_event is not None]
        materialized = {
            (event.asset_key.to_user_string(), event.partition)
            for event in events
            if event.is_step_materialization and event.asset_key is not None
        }
        checked = {event.asset_check_evaluation_data.partition for event in events if event.event_type is CHECKED}
    late_truth_moves = ("joined_predictions", "data_quality", "hourly_performance", "hourly_findings")
    assert materialized == {(asset, key) for asset in late_truth_moves for key in keys(2, 7)}
    assert checked == set(keys(2, 7))


def test_reconciling_scattered_hours_leaves_nothing_due(installation: Installation) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
        correct(installation, 0, 2, 4, 6, 8)

        report = run_due(installation, instance)

    assert (report.runs, report.windows[Grain.HOUR], report.again[Grain.HOUR]) == (2, 5, 5)
    assert due_runs(installation.pipeline, debounce=False) == []
