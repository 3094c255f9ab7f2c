"""The real daemon on the real workspace: events in the store become results and a notification, with nobody's help."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.definitions import prepare_instance
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.services.processes import Child, Children, Program
from monitoring_pipeline.windows import HOUR_MICROS
from tests.pipeline_examples import START, history, ingest, ledger_rows, open_home

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

ROOT = Path(__file__).parent.parent
# Far beyond what it takes; only a failure waits so long.
PATIENCE_SECONDS = 240

BAD_HOUR = 3  # of the examples: its rules are broken


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    # A short name: the daemon's sockets are kept in a temporary folder under it.
    with tempfile.TemporaryDirectory(prefix="daemon-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        monkeypatch.setenv("MONITOR_HOME", str(home))
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        installation = open_home(home, clock=system_clock)
        prepare_instance(installation)
        yield installation
        installation.engine.dispose()


def start_daemon(children: Children, installation: Installation) -> Child:
    home = installation.home
    environment = {
        **os.environ,
        "MONITOR_HOME": str(home.root),
        "MONITOR_CONFIG": str(home.root / "monitoring.yaml"),
        "DAGSTER_HOME": str(home.dagster),
        "PYTHONWARNINGS": "ignore",
    }
    arguments = (sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(ROOT / "workspace.yaml"))
    return children.start(Program(name="daemon", arguments=arguments, environment=environment, folder=ROOT))


def wait_until(ready: Callable[[], bool], children: Children, daemon: Child) -> None:
    """Until another process has done something; there is no clock to inject into it."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not ready():
        children.check()
        assert time.monotonic() < deadline, f"it never happened; the daemon's log ends with:\n{daemon.tail()}"
        pause.wait(0.2)


def test_the_daemon_computes_what_is_due_and_notifies(installation: Installation) -> None:
    predictions, actuals = history([BAD_HOUR])
    ingest(installation, predictions=predictions, actuals=actuals)
    notifications = installation.home.root / "notifications.ndjson"

    with Children(installation.home.root / "logs", hurry=lambda: True) as children:
        daemon = start_daemon(children, installation)
        wait_until(lambda: notifications.exists() and bool(notifications.read_text()), children, daemon)

    assert "mae-of-the-hour" in notifications.read_text()
    computed = {(model_id, start) for dataset, model_id, start in ledger_rows(installation) if "findings" in dataset}
    assert {("delay", START + BAD_HOUR * HOUR_MICROS), ("late", START + BAD_HOUR * HOUR_MICROS)} <= computed
    with dg.DagsterInstance.from_config(str(installation.home.dagster)) as instance:
        materialized = instance.get_materialized_partitions(dg.AssetKey("hourly_findings"))
        runs = instance.get_runs(dg.RunsFilter(job_name="hourly_monitoring"))
    assert materialized == {"2025-03-03-03:00"}
    assert [run.tags["dagster/sensor_name"] for run in runs] == ["due_partitions"]
