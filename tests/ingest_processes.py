"""A server for events as a process that starts in a moment and dies where a test wants it to.

The program knows nothing of this: a crash point is a listener on the store's connections, or a writer that dies.
"""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn
from sqlalchemy import Engine, event

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.routes import events, probes
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.database import open_engine
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.submissions import Outcome, Submission
from tests.native_services import PATIENCE_SECONDS, free_ports, wait_for
from tests.serving import LOOPBACK, installation_on


class CrashPoint(StrEnum):
    """Where a server dies, in the order in which a request passes them."""

    BEGUN = "the transaction is begun, nothing is written"
    HALF_WRITTEN = "some of the rows are written"
    BEFORE_COMMIT = "all is written, the commit is not asked for"
    AFTER_COMMIT = "the commit is safe, nobody was told"
    HALF_TOLD = "the commit is safe, the answer is not sent"


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What befalls a server.

    Args:
        crash_point: where it dies.
        commits: how many commits it makes before that.
        most_file_bytes: no file of its grows beyond this, as on a full disk.
    """

    crash_point: CrashPoint | None = None
    commits: int = 0
    most_file_bytes: int | None = None


@dataclass(kw_only=True)
class EventServer:
    """A server that takes events into a store, in a process of its own; a context manager that ends it."""

    url: str
    home: Path

    def __post_init__(self) -> None:
        self.base = f"http://{LOOPBACK}:{free_ports(1)[0]}"
        # Forked from a process that has imported everything and has no threads.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._process: BaseProcess | None = None
        self._client = httpx.Client(base_url=self.base, trust_env=False, timeout=PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._client.close()

    def start(self, fate: Fate | None = None) -> None:
        """Start it, and wait until it takes events."""
        port = int(self.base.rpartition(":")[2])
        arguments = (self.url, self.home, port, fate or Fate())
        process = self._context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        self._process = process
        wait_for(lambda: self._is_ready() or not process.is_alive())
        assert process.is_alive(), "it ended at its start"

    def post(self, body: bytes) -> httpx.Response:
        """Send predictions."""
        return self._client.post("/v0/events?name=ml_model_predictions", content=body)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self._end(signal.SIGTERM)

    def wait_until_dead(self) -> int | None:
        """Wait for its end, and tell how it ended."""
        assert self._process is not None
        self._process.join()
        return self._process.exitcode

    def _is_ready(self) -> bool:
        try:
            return self._client.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)
            self._process.join()


def _serve(url: str, home: Path, port: int, fate: Fate) -> None:
    engine = open_engine(url)
    installation = installation_on(engine, home, clock=system_clock)
    writer = _DyingWriter(engine, config=installation.config, clock=system_clock)
    service = replace(service_of(installation, open_to_anybody=True), writer=writer)
    app: Any = create_app(service, routers=(events.router, probes.router))
    dying = _Countdown(fate.commits)
    if fate.crash_point is CrashPoint.AFTER_COMMIT:
        writer.before_telling = dying
    if fate.crash_point is CrashPoint.HALF_TOLD:
        app = _unsent(app, dying)
    _prepare(engine, fate.crash_point, dying)
    if fate.most_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fate.most_file_bytes, fate.most_file_bytes))
    uvicorn.run(app, host=LOOPBACK, port=port, log_level="critical", access_log=False)


# What the statement after which it dies has in it. On PostgreSQL rows are copied, which no listener hears of; their
# hours are written after them.
_MARKS: dict[CrashPoint | None, str] = {
    CrashPoint.BEGUN: "max(partition_ledger",
    CrashPoint.HALF_WRITTEN: "INTO hour_revision",
}


class _Countdown:
    """Dies when it is called once more than a number of times."""

    def __init__(self, lives: int) -> None:
        self._lives = lives

    def __call__(self, *_: object) -> None:
        if self._lives == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._lives -= 1


class _DyingWriter(EventWriter):
    before_telling: Callable[[], None] = staticmethod(lambda: None)

    def _tell(self, group: Sequence[Submission], outcomes: Sequence[Outcome | Exception]) -> None:
        self.before_telling()
        super()._tell(group, outcomes)


def _unsent(app: Any, dying: _Countdown) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def send_or_die(message: Any) -> None:
            if message["type"] == "http.response.start" and scope["path"] == "/v0/events":
                dying()
            await send(message)

        await app(scope, receive, send_or_die)

    return answer


def _prepare(engine: Engine, point: CrashPoint | None, dying: _Countdown) -> None:
    """Die inside a transaction that lands events."""

    def on_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if _MARKS[point] in statement:
            dying()

    def on_commit(connection: Any) -> None:
        if connection.get_execution_options().get("writing", False):
            dying()

    if point in _MARKS:
        event.listen(engine, "after_cursor_execute", on_statement)
    if point is CrashPoint.BEFORE_COMMIT:
        event.listen(engine, "commit", on_commit)
