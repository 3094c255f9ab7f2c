"""Simulations started over HTTP: one at a time, each a process with a home folder of its own.

They never touch the store of the installation: a job's home is a new folder under ``MONITOR_HOME/simulations``. All
that is known of a job is written there, so that every worker of a server answers alike, and a restarted one as well.
A job runs while its process holds the lock on ``busy``: the system takes it back when the process dies, however.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

import orjson

from monitoring_pipeline.api.simulations.job import JOB_ID, Job
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.simulation.job import REQUEST, hold
from monitoring_pipeline.windows import isoformat

MOST_KEPT = 10
STOP_SECONDS = 10


class BusyError(Exception):
    """A simulation is running, and one at a time is enough for a machine."""


class Simulations:
    """The jobs of one installation.

    Args:
        home: of the installation; only a folder under it is used.
        clock: what time it is.
    """

    def __init__(self, home: Home, *, clock: Clock) -> None:
        self._root = home.root / "simulations"
        self._clock = clock
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, scenario: str, settings: dict[str, Any]) -> str:
        """Start a job; its id.

        Args:
            scenario: a scenario's name.
            settings: its settings, checked.

        Raises:
            BusyError: if another one is running.
        """
        with self._starting:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self._root / "busy").open("w") as busy:
                if not hold(busy):
                    raise BusyError
                self._reap()
                self._remove_old()
                job_id = token_hex(8)
                folder = self._root / job_id
                folder.mkdir()
                request = {"scenario": scenario, "settings": settings, "started_at": isoformat(self._clock())}
                (folder / REQUEST).write_bytes(orjson.dumps(request))
                self._process = _spawned(folder, busy)
        return job_id

    def job(self, job_id: str) -> Job | None:
        """How a job does; ``None`` if there is no such job."""
        if not JOB_ID.fullmatch(job_id):
            return None
        folder = self._root / job_id
        if not folder.is_dir():
            return None
        return Job.read(folder, is_running=self._is_running(job_id))

    def stop(self) -> None:
        """End what this process started, when the server ends."""
        with self._starting:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                try:
                    self._process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self._process.kill()
            self._reap()

    def _is_running(self, job_id: str) -> bool:
        """Whether somebody holds the lock, and for the newest job: there is one lock, and each job needs it."""
        with self._starting, (self._root / "busy").open("r+") as busy:
            if hold(busy):
                return False
        return job_id == max(self._jobs(), key=_started, default=Path()).name

    def _jobs(self) -> list[Path]:
        return [folder for folder in self._root.iterdir() if JOB_ID.fullmatch(folder.name)]

    def _remove_old(self) -> None:
        for folder in sorted(self._jobs(), key=_started)[: 1 - MOST_KEPT]:
            shutil.rmtree(folder)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None


def _spawned(folder: Path, busy: IO[str]) -> subprocess.Popen[bytes]:
    """The job's process, which holds the lock from its first instant to its last."""
    command = [sys.executable, "-m", "monitoring_pipeline.simulation.job", str(folder)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  (our own program; the folder's name is ours)
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[busy.fileno()],
            env={name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")},
        )


def _started(folder: Path) -> tuple[int, str]:
    return folder.stat().st_mtime_ns, folder.name
