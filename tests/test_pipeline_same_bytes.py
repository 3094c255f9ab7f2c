"""However a window comes to be computed, the bytes are the same: files, result rows, findings, alerts, messages."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.partitions import partition_key, range_tags
from assets.sensors import due_partitions
from assets.touched import TOUCHED_HOURS, run_config
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests.pipeline_examples import (
    DAY_JOB,
    HOUR_JOB,
    LONG_AFTER,
    START,
    Event,
    actual_of,
    dagster_instance,
    final_state,
    fingerprint,
    history,
    ingest,
    messages_of,
    open_home,
    resources_of,
    run_due,
    run_job,
    sensor_results,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

HOUR_COUNT = 4  # the last of them is one of the bad hours of the examples
STARTS = [START + hour * HOUR_MICROS for hour in range(HOUR_COUNT)]

Way = Callable[[Installation, dg.DagsterInstance], None]


def one_by_one(installation: Installation, instance: dg.DagsterInstance) -> None:
    """As a person does who materializes single partitions in the UI, the last hour first."""
    for start in reversed(STARTS):
        run_job(installation, instance, HOUR_JOB, partition_key=partition_key(start, Grain.HOUR))
    run_job(installation, instance, DAY_JOB, partition_key=partition_key(START, Grain.DAY))


def as_a_range(installation: Installation, instance: dg.DagsterInstance) -> None:
    """As a backfill does: one run for the whole range."""
    run_job(installation, instance, HOUR_JOB, tags=range_tags(STARTS, Grain.HOUR))
    run_job(installation, instance, DAY_JOB, tags=range_tags([START], Grain.DAY))


def as_scattered_hours(installation: Installation, instance: dg.DagsterInstance) -> None:
    """As late truth does: hours with gaps between them, in runs that take any hours."""
    for hours in (STARTS[1::2], STARTS[::2]):
        keys = [partition_key(start, Grain.HOUR) for start in hours]
        run_job(installation, instance, TOUCHED_HOURS, run_config=run_config(keys))
    run_job(installation, instance, DAY_JOB, tags=range_tags([START], Grain.DAY))


def by_the_sensor(installation: Installation, instance: dg.DagsterInstance) -> None:
    """As the daemon does: what the sensor asks for is run, until it asks for nothing that computes."""
    jobs: list[str] = []
    while requests := _asked_for(installation, instance):
        for request in requests:
            assert request.job_name is not None
            run_job(installation, instance, request.job_name, tags=dict(request.tags))
            jobs.append(request.job_name)
    assert jobs == [HOUR_JOB, DAY_JOB]


def _asked_for(installation: Installation, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=instance, resources=resources_of(installation))
    results = sensor_results(due_partitions, context)
    # MLflow is away: what is not shown there stays wanted.
    return [r for r in results if isinstance(r, dg.RunRequest) and r.job_name != "mlflow_projection"]


def filled_home(folder: Path, *, store_url: str | None = None) -> Installation:
    installation = open_home(folder, clock=lambda: LONG_AFTER, store_url=store_url)
    predictions, actuals = history(range(HOUR_COUNT))
    ingest(installation, predictions=predictions, actuals=actuals)
    return installation


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The home that the others are compared with: computed by a range run."""
    installation = filled_home(tmp_path_factory.mktemp("backfilled"))
    with dagster_instance(installation) as instance:
        as_a_range(installation, instance)
    yield installation
    installation.engine.dispose()


def assert_same(found: Installation, wanted: Installation) -> None:
    state, wanted_state = final_state(found), final_state(wanted)
    found.engine.dispose()
    for name, rows in wanted_state.items():
        assert state[name] == rows, name
        assert rows, name
    assert messages_of(found) == messages_of(wanted) != []
    assert fingerprint(found) == fingerprint(wanted)


@pytest.mark.parametrize("way", [one_by_one, as_scattered_hours, by_the_sensor])
def test_a_window_gets_the_same_bytes_whichever_way_it_is_materialized(
    way: Way, backfilled: Installation, tmp_path: Path
) -> None:
    installation = filled_home(tmp_path)

    with dg.DagsterInstance.ephemeral() as instance:
        way(installation, instance)

    assert_same(installation, backfilled)


def test_materializing_again_what_is_computed_changes_nothing(backfilled: Installation) -> None:
    before, files = fingerprint(backfilled), list(backfilled.home.lake.rglob("*.parquet"))

    with dg.DagsterInstance.ephemeral() as instance:
        one_by_one(backfilled, instance)

    assert fingerprint(backfilled) == before
    assert list(backfilled.home.lake.rglob("*.parquet")) == files


def test_postgresql_gives_the_same_bytes_as_sqlite(
    backfilled: Installation, postgres_database_url: str, tmp_path: Path
) -> None:
    installation = filled_home(tmp_path, store_url=postgres_database_url)

    with dg.DagsterInstance.ephemeral() as instance:
        by_the_sensor(installation, instance)

    assert installation.engine.dialect.name == "postgresql"
    assert_same(installation, backfilled)


def test_the_order_repetition_and_batching_of_events_leave_no_trace(tmp_path: Path) -> None:
    predictions, actuals = history(range(HOUR_COUNT))
    corrections = [
        actual_of(actual["model_id"], actual["prediction_id"], 1.0, at=START + DAY_MICROS + number)
        for number, actual in enumerate(actuals[::5])
    ]
    told = [*actuals, *corrections]

    in_order = open_home(tmp_path / "in-order", clock=lambda: LONG_AFTER)
    ingest(in_order, predictions=predictions, actuals=told)
    in_disorder = open_home(tmp_path / "in-disorder", clock=lambda: LONG_AFTER)
    # Truth before predictions, corrections before what they correct, everything shuffled and some of it twice.
    _ingest_in_scraps(in_disorder, Kind.ACTUALS, [*corrections, *_shuffled([*told, *actuals[:20]])])
    _ingest_in_scraps(in_disorder, Kind.PREDICTIONS, _shuffled([*predictions, *predictions[:20]]))
    for installation in (in_order, in_disorder):
        with dg.DagsterInstance.ephemeral() as instance:
            run_due(installation, instance)

    assert_same(in_disorder, in_order)


def _shuffled(events: list[Event]) -> list[Event]:
    return random.Random(5).sample(events, len(events))


def _ingest_in_scraps(installation: Installation, kind: Kind, events: list[Event]) -> None:
    config, clock = installation.config, installation.clock
    report = ingest_rows(installation.engine, events, kind=kind, config=config, clock=clock, batch_rows=7)
    assert report.rejected == 0
    assert report.duplicates >= 20


def test_another_process_with_another_hash_seed_gives_the_same_bytes(backfilled: Installation, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tests.pipeline_examples import fingerprint_of_fresh_home as f;"
        f"print(f(pathlib.Path(sys.argv[1]), {HOUR_COUNT}))"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    other = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "other")],
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Kathmandu"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert other.returncode == 0, other.stderr[-2000:]
    assert other.stdout.strip() == fingerprint(backfilled)
