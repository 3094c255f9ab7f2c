"""A run that dies between writing and publishing leaves its hour due, and the next one completes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import event

from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.files import STALE_AFTER_SECONDS, Lake
from monitoring_pipeline.stages.due import due_hours
from tests.pipeline_examples import (
    HOUR_JOB,
    LONG_AFTER,
    files_of,
    final_state,
    history,
    ingest,
    ledger_rows,
    messages_of,
    open_home,
    run_due,
    run_job,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

KEY = "2025-03-03-03:00"
STAGES = (
    "logged_predictions",
    "joined_predictions",
    "data_quality",
    "hourly_performance",
    "hourly_drift",
    "hourly_findings",
)


class PowerCutError(Exception):
    """What happens to the store at the worst moment."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def filled_home(folder: Path) -> Installation:
    installation = open_home(folder, clock=lambda: LONG_AFTER)
    predictions, actuals = history([3])
    ingest(installation, predictions=predictions, actuals=actuals)
    return installation


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same hour, computed without any trouble."""
    installation = filled_home(tmp_path_factory.mktemp("undisturbed"))
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
    yield installation
    installation.engine.dispose()


@contextmanager
def power_cut_at_publish_of(dataset: str, installation: Installation) -> Iterator[None]:
    """The store fails at the very statement that would publish the dataset: everything before it is done."""

    def cut(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("INSERT INTO partition_ledger") and dataset in str(parameters):
            raise PowerCutError(dataset)

    event.listen(installation.engine, "before_cursor_execute", cut)
    try:
        yield
    finally:
        event.remove(installation.engine, "before_cursor_execute", cut)


def published(installation: Installation) -> set[str]:
    return {dataset for dataset, _, _ in ledger_rows(installation)}


def due_models(installation: Installation) -> set[str]:
    with reading(installation.engine) as connection:
        return {window.model_id for window in due_hours(connection, now=LONG_AFTER)}


@pytest.mark.parametrize("dataset", STAGES)
def test_an_hour_stays_due_when_a_stage_dies_before_it_publishes(
    dataset: str, undisturbed: Installation, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    installation = filled_home(tmp_path)

    with power_cut_at_publish_of(dataset, installation):
        result = run_job(installation, instance, HOUR_JOB, partition_key=KEY, raise_on_error=False)

    assert not result.success
    assert dataset not in published(installation)
    assert due_models(installation) == {"delay", "late"}

    run_due(installation, instance)

    assert due_models(installation) == set()
    assert final_state(installation) == final_state(undisturbed)
    assert messages_of(installation) == messages_of(undisturbed)
    installation.engine.dispose()


KILLED = """\
import os, signal, sys
from pathlib import Path
import dagster as dg
from sqlalchemy import event
from tests.pipeline_examples import HOUR_JOB, run_job
from tests.test_pipeline_crash import filled_home

installation = filled_home(Path(sys.argv[1]))

@event.listens_for(installation.engine, "before_cursor_execute")
def die(_conn, _cursor, statement, parameters, _context, _many):
    if statement.startswith("INSERT INTO partition_ledger") and "joined_predictions" in str(parameters):
        os.kill(os.getpid(), signal.SIGKILL)

with dg.DagsterInstance.ephemeral() as instance:
    run_job(installation, instance, HOUR_JOB, partition_key=sys.argv[2])
"""


def test_a_killed_process_leaves_whole_files_and_a_due_hour(
    undisturbed: Installation, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), KEY],
        cwd=Path(__file__).parent.parent,
        env={**os.environ},
        capture_output=True,
        check=False,
    )
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)

    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert published(installation) == {"logged_predictions"}
    assert due_models(installation) == {"delay", "late"}
    assert len(files_of(installation)) == 4, "the joined files are there, whole, and no ledger row names them yet"

    run_due(installation, instance)

    assert final_state(installation) == final_state(undisturbed)
    assert files_of(installation).keys() == files_of(undisturbed).keys()
    installation.engine.dispose()


def test_what_a_crash_left_and_nobody_names_is_swept(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    installation = filled_home(tmp_path)
    run_due(installation, instance)
    named = {row["path"] for row in ledger_rows(installation).values() if row["path"]}
    folder = (installation.home.lake / min(named)).parent
    (folder / "03.0123456789abcdef.parquet.aa.tmp").write_bytes(b"half a fi")
    (folder / "03.0123456789abcdef.parquet").write_bytes(b"whole, but never published")
    after_an_hour = max(files_of(installation).values()) / 1e9 + STALE_AFTER_SECONDS + 1

    removed = Lake(root=installation.home.lake).sweep(named, now_seconds=after_an_hour)

    assert len(removed) == 2
    assert files_of(installation).keys() == named
    installation.engine.dispose()
