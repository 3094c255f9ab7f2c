"""The Dagster instance under MONITOR_HOME, made once before several processes open it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from dagster_shared.check import CheckError
from sqlalchemy.exc import SQLAlchemyError

from monitoring_pipeline.config.home import Home
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.locks import alone
from monitoring_pipeline.text import one_line

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

# How Dagster says that a dagster.yaml is wrong, or that a storage it names cannot be loaded or reached.
_UNUSABLE = (dg.DagsterError, CheckError, yaml.YAMLError, SQLAlchemyError, ImportError, OSError, UnicodeDecodeError)


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance that ``DAGSTER_HOME`` names, or the one under the home folder.

    A fresh SQLite instance crashes when several processes open it at once: those that open it here wait for
    each other. Dagster's own processes do not, so whoever starts them calls this first.

    Raises:
        MonitorError: if ``DAGSTER_HOME`` names no folder, or its ``dagster.yaml`` or storage cannot be used.
    """
    with _opened(home) as instance:
        yield instance


def _opened(home: Home) -> dg.DagsterInstance:
    named = os.environ.get("DAGSTER_HOME")
    folder = _named_folder(named) if named else home.dagster
    try:
        # Never in DAGSTER_HOME, which may be read-only.
        with alone(home.dagster / "open.lock"):
            if not named:
                _write_settings(folder)
            return dg.DagsterInstance.from_config(str(folder))
    except _UNUSABLE as error:
        reason = one_line(" ".join(str(error).split())).removesuffix(".")
        settings = folder / "dagster.yaml"
        raise MonitorError(f"Dagster cannot be opened: {reason}; mend {settings}, or the storage it names") from error


def _named_folder(name: str) -> Path:
    try:
        folder = Path(name).expanduser()
    except RuntimeError:  # ~somebody whom this machine does not know
        folder = Path(name)
    if folder.is_absolute() and folder.is_dir():
        return folder
    wrong = "is not a folder that exists" if folder.is_absolute() else "is not an absolute path"
    raise MonitorError(
        f"DAGSTER_HOME={name} {wrong}; set it to the absolute path of the folder that holds dagster.yaml, "
        "or unset it to use the one under MONITOR_HOME"
    )


def _write_settings(folder: Path) -> None:
    """Write ``dagster.yaml`` unless a person has made it theirs."""
    settings = folder / "dagster.yaml"
    wanted = DAGSTER_YAML.format(history=json.dumps(str(folder / "history" / "runs")))
    written = settings.read_text() if settings.exists() else None
    # The same text is not written again: another process may be reading it.
    if written is None or (written != wanted and written.startswith(wanted.splitlines()[0])):
        settings.write_text(wanted)
