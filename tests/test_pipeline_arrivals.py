"""Events that land while a run is under way: the hour is due again, and nothing of them is lost."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.due import due_hours
from tests.pipeline_examples import (
    HOUR_JOB,
    LONG_AFTER,
    Event,
    final_state,
    history,
    ingest,
    open_home,
    run_due,
    run_job,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

KEY = "2025-03-03-03:00"
ONLY_DUE = {"monitor/only_due": "true"}
STAGES = (
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
def undisturbed(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Iterator[Installation]:
    """The same events, all there before the first run."""
    installation = open_home(tmp_path_factory.mktemp("undisturbed"), clock=lambda: LONG_AFTER)
    predictions, actuals = history([3])
    ingest(installation, predictions=predictions, actuals=actuals)
    run_due(installation, instance)
    yield installation
    installation.engine.dispose()


@pytest.mark.parametrize("stages_done", [1, 2, 4])
@pytest.mark.parametrize("arriving", ["actuals", "predictions and actuals"])
def test_what_lands_in_the_middle_of_a_run_is_computed_by_the_next(
    stages_done: int, arriving: str, undisturbed: Installation, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([3])
    late = {"003-2", "003-5"}
    late_predictions = [p for p in predictions if p["prediction_id"] in late and arriving != "actuals"]
    ingest(
        installation,
        predictions=[p for p in predictions if p not in late_predictions],
        actuals=_without(actuals, late),
    )

    _run(installation, instance, STAGES[:stages_done])
    ingest(installation, predictions=late_predictions, actuals=[a for a in actuals if a["prediction_id"] in late])
    _run(installation, instance, STAGES[stages_done:])

    # With the actuals alone, a join that has not been made yet takes them along.
    caught_up = arriving == "actuals" and stages_done == 1
    assert _due(installation) == (set() if caught_up else {"delay", "late"})

    run_due(installation, instance)

    assert _due(installation) == set()
    assert final_state(installation) == final_state(undisturbed)
    installation.engine.dispose()


def _without(events: list[Event], prediction_ids: set[str]) -> list[Event]:
    return [event for event in events if event["prediction_id"] not in prediction_ids]


def _run(installation: Installation, instance: dg.DagsterInstance, assets: tuple[str, ...]) -> None:
    run_job(installation, instance, HOUR_JOB, partition_key=KEY, tags=ONLY_DUE, assets=assets)


def _due(installation: Installation) -> set[str]:
    with reading(installation.engine) as connection:
        return {window.model_id for window in due_hours(connection, now=LONG_AFTER)}
