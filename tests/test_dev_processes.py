"""The supervisor of child processes, with real children."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.services.processes import Child, Children, Program, StopSignals

SAY_READY_AND_STAY = "print('ready', flush=True)\nimport time\nwhile True: time.sleep(60)\n"
IGNORE_TERM = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
# Starts a process of its own that ignores TERM, and tells its number.
WITH_A_GRANDCHILD = (
    "import subprocess, sys\n"
    f"stubborn = subprocess.Popen([sys.executable, '-c', {IGNORE_TERM + SAY_READY_AND_STAY!r}])\n"
    "print('grandchild', stubborn.pid, flush=True)\n"
)


def _program(code: str, *, once: bool = False) -> Program:
    return Program(name="worker", arguments=(sys.executable, "-c", code), environment=dict(os.environ), once=once)


def _wait(ready: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if ready():
            return
        pause.wait(0.05)
    raise AssertionError("it never became true")


def _said(child: Child, words: str) -> bool:
    return words in child.log.read_text()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed process whose parent is gone may wait, as a zombie, for the machine's first process.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_leaving_the_block_ends_a_child(tmp_path: Path) -> None:
    with Children(tmp_path / "logs") as children:
        child = children.start(_program(SAY_READY_AND_STAY))
        _wait(lambda: _said(child, "ready"))

    assert child.process.returncode == -signal.SIGTERM


def test_a_child_that_ignores_term_is_killed(tmp_path: Path) -> None:
    with Children(tmp_path, hurry=lambda: True) as children:
        child = children.start(_program(IGNORE_TERM + SAY_READY_AND_STAY))
        _wait(lambda: _said(child, "ready"))

    assert child.process.returncode == -signal.SIGKILL


def test_what_a_child_started_itself_goes_with_it(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start(_program(WITH_A_GRANDCHILD + SAY_READY_AND_STAY))
        _wait(lambda: child.log.read_text().count("ready") == 2)
        grandchild = int(child.log.read_text().split("grandchild ")[1].split()[0])
        assert _is_running(grandchild)

    _wait(lambda: not _is_running(grandchild))


def test_children_are_stopped_when_the_parent_fails(tmp_path: Path) -> None:
    started: list[Child] = []

    def fail() -> None:
        with Children(tmp_path) as children:
            started.append(children.start(_program(SAY_READY_AND_STAY)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [child.ended for child in started] == [True]


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("print('out of cheese'); raise SystemExit(3)", "worker ended with exit code 3"),
        ("print('out of cheese', flush=True); import os; os.kill(os.getpid(), 9)", "worker was killed by SIGKILL"),
        ("print('out of cheese')", "worker ended with exit code 0"),
    ],
)
def test_a_child_that_dies_is_named_with_its_last_lines(tmp_path: Path, code: str, how: str) -> None:
    with Children(tmp_path) as children:
        child = children.start(_program(code))
        _wait(lambda: child.ended)

        with pytest.raises(MonitorError, match=how) as caught:
            children.check()

    assert "out of cheese" in str(caught.value)
    assert str(tmp_path / "worker.log") in str(caught.value)


def test_a_child_that_is_to_end_may_end_well_but_not_badly(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        good = children.start(_program("", once=True))
        _wait(lambda: good.ended)
        children.check()

        bad = children.start(_program("raise SystemExit(1)", once=True))
        _wait(lambda: bad.ended)
        with pytest.raises(MonitorError, match="exit code 1"):
            children.check()


def test_the_log_of_the_session_before_is_kept(tmp_path: Path) -> None:
    for words in ("first", "second", "third"):
        with Children(tmp_path) as children:
            children.start(_program(f"print({words!r})", once=True)).process.wait()

    assert (tmp_path / "worker.log").read_text() == "third\n"
    assert (tmp_path / "worker.log.1").read_text() == "second\n"


def test_signals_are_noted_and_the_handlers_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        _wait(lambda: len(signals.received) == 2)

    assert set(signals.received) == {signal.SIGTERM, signal.SIGINT}
    assert signal.getsignal(signal.SIGTERM) is before
