"""Where things are: everything the program writes lives in one folder, and the config is found by one rule."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from monitoring_pipeline.errors import MonitorError

DEFAULT_HOME = ".monitor"
DEFAULT_CONFIG = "monitoring.yaml"


@dataclass(frozen=True, kw_only=True)
class Home:
    """The folder that holds all state. It can be moved or deleted as a whole."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """``MONITOR_HOME``, or ``.monitor`` in the working directory; always absolute.

        Raises:
            MonitorError: if it begins with ``~`` and a user that this machine does not know.
        """
        return cls(root=_expanded(os.environ.get("MONITOR_HOME") or DEFAULT_HOME, "MONITOR_HOME").resolve())

    @property
    def store_url(self) -> str:
        """The address of the embedded event store, used where the config names none."""
        return _sqlite_url(self.root / "monitor.db")

    @property
    def lake(self) -> Path:
        """The root of the Parquet files."""
        return self.root / "lake"

    @property
    def dagster(self) -> Path:
        """What ``DAGSTER_HOME`` is set to."""
        return self.root / "dagster"

    @property
    def mlflow_url(self) -> str:
        """The address of the embedded MLflow store, used where the config names none."""
        return _sqlite_url(self.root / "mlflow" / "mlflow.db")

    @property
    def mlflow_artifacts(self) -> Path:
        """Where MLflow keeps the files of its runs."""
        return self.root / "mlflow" / "artifacts"

    def ensure(self) -> "Home":
        """Create the folders that are missing.

        A new root is readable by its owner only: events may hold personal data. A root that exists keeps its
        mode; it may be somebody's mount.

        Raises:
            MonitorError: if a folder cannot be created or written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.lake, self.dagster, self.mlflow_artifacts):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from None
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise self._unusable("it cannot be written to")
        return self

    def _unusable(self, reason: str) -> MonitorError:
        return MonitorError(
            f"the home folder {self.root} cannot be used: {reason}; set MONITOR_HOME to a folder you can write to"
        )


def config_path(option: Path | None) -> Path | None:
    """The config to use: ``option``, else ``MONITOR_CONFIG``, else ``monitoring.yaml`` here or in the home folder.

    ``None`` means the defaults. A file that was named but does not exist is returned all the same: reading it
    then says so, because to ignore it would be to monitor something else than was asked.

    Raises:
        MonitorError: if a variable begins with ``~`` and a user that this machine does not know.
    """
    if option is not None:
        return option
    if named := os.environ.get("MONITOR_CONFIG"):
        return _expanded(named, "MONITOR_CONFIG")
    places = (Path(DEFAULT_CONFIG), Home.from_environment().root / DEFAULT_CONFIG)
    return next((place for place in places if place.exists()), None)


def _expanded(written: str, variable: str) -> Path:
    try:
        return Path(written).expanduser()
    except RuntimeError:
        raise MonitorError(
            f"{variable} is {written}, and this machine has no such user; write the folder's whole path"
        ) from None


def _sqlite_url(file: Path) -> str:
    # A folder may be called "a?b": plain text after sqlite:/// would be cut there.
    return URL.create("sqlite", database=str(file)).render_as_string()
