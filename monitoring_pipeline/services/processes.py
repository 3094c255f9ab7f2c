"""Child processes: each leads its own process group, writes its own log, and none outlives its parent.

A terminal's Ctrl-C reaches only the parent, which then stops the groups in order; what a child started itself
(workers, run processes) goes with its group.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from monitoring_pipeline.errors import MonitorError

# Runs in flight get this long to end before they are killed; Dagster then marks them failed and they are due again.
GRACE_SECONDS = 10.0
POLL_SECONDS = 0.1
# Lines of a log shown with a failure.
TAIL_LINES = 15
# Read from the end of a log for them.
TAIL_BYTES = 16_384


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a child runs.

    Args:
        name: how messages and the log call it.
        arguments: the command line.
        environment: the whole of it.
        folder: the working directory; the parent's where not given.
        once: it is expected to end by itself, with exit code 0.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path | None = None
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class Child:
    """A started program."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all it started."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # nobody is left; macOS says "not permitted" of a group of zombies

    def tail(self) -> str:
        """The last lines of the log."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])


class Children:
    """The running children; leaving the block stops them all, whatever the reason.

    Args:
        logs: the folder of the logs; one of the session before is kept as ``….log.1``.
        hurry: asked while waiting for children to end; true means kill them now.
    """

    def __init__(self, logs: Path, *, hurry: Callable[[], bool] = lambda: False) -> None:
        self._logs = logs
        self._hurry = hurry
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, program: Program) -> Child:
        """Start a program."""
        log = self._logs / f"{program.name}.log"
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, arguments as a list
                program.arguments,
                env=dict(program.environment),
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(program=program, process=process, log=log)
        self._children.append(child)
        return child

    def check(self) -> None:
        """See that all are well.

        Raises:
            MonitorError: naming the first child that ended and should not have, with its last lines.
        """
        for child in self._children:
            code = child.process.poll()
            if code is not None and not (child.program.once and code == 0):
                how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                raise MonitorError(f"{child.program.name} {how}; its log, {child.log}, ends with:\n{child.tail()}")

    def stop(self) -> None:
        """Ask every group to end, the last started first; kill what is left after :data:`GRACE_SECONDS`."""
        for child in reversed(self._children):
            child.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while not all(child.ended for child in self._children):
            if self._hurry() or time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        for child in self._children:
            # Also where the leader has gone: what it started may be there still.
            child.signal_group(signal.SIGKILL)
            child.process.wait()
        self._children.clear()


class StopSignals:
    """Notes Ctrl-C, SIGTERM and a closed terminal instead of dying of them, inside its block."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup's "ignore hang-ups" stays as it is.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, lambda got, _frame: self.received.append(got))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal() itself returned
