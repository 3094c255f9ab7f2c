"""The Dagster instance under MONITOR_HOME, made once before several processes open it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from monitoring_pipeline.config.home import Home

# Telemetry off, and no window that asks for an e-mail address. Run monitoring, because a run whose process is
# killed would stay STARTED for ever; an hour is many times what the longest range takes. Ticks are kept a week.
DAGSTER_YAML = """\
# Written by `monitor` at each start, because it holds this folder's path. Remove this line to keep your changes.
event_log_storage:
  module: resources.event_log
  class: KeptSqliteEventLogStorage
  config:
    base_dir: {history}
telemetry:
  enabled: false
nux:
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

    A fresh SQLite instance crashes when several processes open it at once, so whoever starts them calls this
    first.
    """
    named = os.environ.get("DAGSTER_HOME")
    if not named:
        _write_settings(home.dagster)
    with dg.DagsterInstance.from_config(named or str(home.dagster)) as instance:
        yield instance


def _write_settings(folder: Path) -> None:
    """Write ``dagster.yaml`` unless a person has made it theirs."""
    settings = folder / "dagster.yaml"
    wanted = DAGSTER_YAML.format(history=json.dumps(str(folder / "history" / "runs")))
    first_line = wanted.splitlines()[0]
    if settings.exists() and not settings.read_text().startswith(first_line):
        return
    folder.mkdir(parents=True, exist_ok=True)
    settings.write_text(wanted)
