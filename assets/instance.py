"""The Dagster instance under MONITOR_HOME, made once before several processes open it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from monitoring_pipeline.config.home import Home

# Telemetry off: nothing leaves the machine. Run monitoring, because a run whose process is killed would stay
# STARTED for ever; an hour is many times what the longest range takes. Ticks are kept a week.
DAGSTER_YAML = """\
telemetry:
  enabled: false
run_monitoring:
  enabled: true
  max_runtime_seconds: 3600
concurrency:
  runs:
    max_concurrent_runs: 2
retention:
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 30
"""


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance that ``DAGSTER_HOME`` names, or the one under the home folder.

    A ``dagster.yaml`` that is there is left as it is. A fresh SQLite instance crashes when several processes
    open it at once, so whoever starts them calls this first.
    """
    folder = os.environ.setdefault("DAGSTER_HOME", str(home.dagster))
    settings = home.dagster / "dagster.yaml"
    if folder == str(home.dagster) and not settings.exists():
        home.dagster.mkdir(parents=True, exist_ok=True)
        settings.write_text(DAGSTER_YAML)
    with dg.DagsterInstance.from_config(folder) as instance:
        yield instance
