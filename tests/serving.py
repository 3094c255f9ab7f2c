"""The API as tests ask it: inside the process with a clock that stands still, and as a process that can be killed."""

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from monitoring_pipeline.access.scopes import Grant
from monitoring_pipeline.access.tokens import create_token
from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.hardening.connections import BoundedConnection
from monitoring_pipeline.api.problems import MEDIA_TYPE
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.installation import Installation
from tests.answered_statuses import AnswersNoted
from tests.native_services import PATIENCE_SECONDS, free_ports, wait_for

LOOPBACK = "127.0.0.1"
# Every client would read all certificates of the machine anew, to speak without any.
_TLS = ssl.create_default_context()


def installation_on(
    engine: Engine, home: Path, *, clock: Clock, config: MonitoringConfig | None = None
) -> Installation:
    """An installation around a store that is there."""
    config = MonitoringConfig() if config is None else config
    return Installation(config=config, config_file=None, home=Home(root=home).ensure(), engine=engine, clock=clock)


@contextmanager
def served(installation: Installation, *, open_to_anybody: bool = True) -> Iterator[httpx.Client]:
    """A client of the API, which runs on a real server in a thread of this process."""
    with serving(create_app(service_of(installation, open_to_anybody=open_to_anybody))) as client:
        yield client


@contextmanager
def serving(app: FastAPI, *, connection: type[BoundedConnection] = BoundedConnection) -> Iterator[httpx.Client]:
    """A client of an app, which runs on a real server in a thread of this process."""
    with socket.socket() as listening, ThreadPoolExecutor(max_workers=1) as threads:
        listening.bind((LOOPBACK, 0))
        noted = AnswersNoted(app)
        config = uvicorn.Config(
            noted, log_level="warning", access_log=False, server_header=False, http=connection, ws="none"
        )
        server = uvicorn.Server(config)
        running = threads.submit(server.run, sockets=[listening])
        # Hundreds of tests start one: to ask is cheap here, and to wait is not.
        wait_for(lambda: server.started or running.done(), pause_seconds=0.005)
        try:
            base = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
            with httpx.Client(base_url=base, verify=_TLS, trust_env=False, timeout=PATIENCE_SECONDS) as client:
                yield client
        finally:
            server.should_exit = True
            running.result()
    assert not noted.undeclared, f"the OpenAPI document does not name {noted.undeclared}"


def code_of(reply: httpx.Response) -> str:
    """Which problem an answer tells of."""
    assert reply.headers["content-type"] == MEDIA_TYPE
    return str(reply.json()["type"]).rpartition(":")[2]


def token_for(installation: Installation, *grants: str, client: str = "tester", days: int = 90) -> dict[str, str]:
    """The header of a caller with these grants."""
    secret, _ = create_token(
        installation.engine,
        client=client,
        grants=tuple(Grant.parse(grant) for grant in grants),
        clock=installation.clock,
        days=days,
    )
    return {"Authorization": f"Bearer {secret}"}


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A prediction that is right in every way, at the moment at which the tests' clock stands."""
    return {
        "timestamp": "2026-03-02 11:30:00",
        "model_id": "price",
        "prediction_id": f"p{number}",
        "features": {"x": 1.5},
        "predicted_value": 42.5,
        "model_version": "v1",
        "environment": "production",
        **changes,
    }


@dataclass(kw_only=True)
class ServerProcess:
    """``monitor serve`` as a process of its own, in a home folder; it can be killed and started again."""

    home: Path
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.port = free_ports(1)[0]
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None, "it has not been started"
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it takes events."""
        command = [sys.executable, "-m", "monitoring_pipeline.cli", "serve", "--port", str(self.port), *self.arguments]
        environment = {**os.environ, "MONITOR_HOME": str(self.home), **self.environment}
        with (self.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_for(self._is_ready)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait()

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.home / "serve.log").read_text(errors="replace")
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
