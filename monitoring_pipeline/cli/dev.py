"""``monitor dev``: the Dagster and MLflow user interfaces on this machine, as one command."""

import http.client
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from monitoring_pipeline.cli.options import ConfigOption
from monitoring_pipeline.cli.output import say
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.services.processes import POLL_SECONDS, Children, StopSignals
from monitoring_pipeline.services.programs import LOOPBACK, DevPrograms

# A cold start takes about fifteen seconds on two cores; who waits longer than this waits in vain.
START_TIMEOUT_SECONDS = 300
ANSWER_TIMEOUT_SECONDS = 5

DagsterPortOption = Annotated[
    int, typer.Option("--dagster-port", min=1, max=65535, metavar="PORT", help="Where the Dagster UI listens.")
]
MlflowPortOption = Annotated[
    int, typer.Option("--mlflow-port", min=1, max=65535, metavar="PORT", help="Where the MLflow UI listens.")
]


def dev(
    dagster_port: DagsterPortOption = 3000, mlflow_port: MlflowPortOption = 5000, config: ConfigOption = None
) -> None:
    """Examples:

    \b
      monitor dev
      monitor dev --dagster-port 3001 --mlflow-port 5001

    Start the Dagster UI with its daemon (sensors compute what is due) and the MLflow UI, on this machine
    only, and wait. Logs are kept in $MONITOR_HOME/logs. Ctrl-C stops everything; twice, at once.
    Exit codes: 130 after Ctrl-C, 143 after SIGTERM, 1 if one of the processes died.
    """
    installation = open_installation(config)
    if dagster_port == mlflow_port:
        raise typer.BadParameter(f"--dagster-port and --mlflow-port are both {dagster_port}")
    _refuse_taken_port(dagster_port, "--dagster-port")
    if not installation.tracking.is_server:
        _refuse_taken_port(mlflow_port, "--mlflow-port")
    with tempfile.TemporaryDirectory(prefix="monitor-") as folder, StopSignals() as signals:
        programs = DevPrograms(
            installation=installation,
            dagster_port=dagster_port,
            mlflow_port=mlflow_port,
            folder=Path(folder),
        )
        logs = installation.home.root / "logs"
        with Children(logs, hurry=lambda: len(signals.received) > 1) as children:
            try:
                _Session(programs=programs, children=children, signals=signals).run()
            except _StopRequestedError:
                say("stopping ...")
        raise typer.Exit(128 + signals.received[0])


class _StopRequestedError(Exception):
    """A signal came."""


class _Session:
    """One run of the command, from the first child to the signal that ends it."""

    def __init__(self, *, programs: DevPrograms, children: Children, signals: StopSignals) -> None:
        self._programs = programs
        self._children = children
        self._signals = signals

    def run(self) -> None:
        """Start everything, say where it is, watch until a signal comes."""
        say("starting Dagster and MLflow ...")
        installation = self._programs.installation
        mlflow_url = installation.tracking.url
        if not installation.tracking.is_server:
            self._children.start(self._programs.mlflow())
            # MLflow opens on its pages for language models unless it is told what one came for.
            mlflow_url = f"http://{LOOPBACK}:{self._programs.mlflow_port}/#/experiments?workflowType=machine_learning"
        prepare = self._children.start(self._programs.prepare())
        self._wait(lambda: prepare.ended)
        self._children.start(self._programs.code_server())
        self._wait(self._programs.code_socket.exists)
        self._children.start(self._programs.webserver())
        # The daemon may start a run that logs to MLflow, whose store is being made until its server answers.
        self._wait(lambda: installation.tracking.is_server or _answers(self._programs.mlflow_port, "/health"))
        self._children.start(self._programs.daemon())
        self._wait(lambda: _answers(self._programs.dagster_port, "/server_info"))
        typer.echo(f"Dagster  http://{LOOPBACK}:{self._programs.dagster_port}")
        typer.echo(f"MLflow   {mlflow_url}")
        typer.echo(f"home     {installation.home.root}")
        say("Ctrl-C stops all")
        self._wait(lambda: False, timeout_seconds=None)

    def _wait(self, ready: Callable[[], bool], *, timeout_seconds: float | None = START_TIMEOUT_SECONDS) -> None:
        """Until something is ready.

        Raises:
            _StopRequestedError: if a signal came.
            MonitorError: if a child died, or the time is over.
        """
        started = time.monotonic()
        while not ready():
            self._children.check()
            if self._signals.received:
                raise _StopRequestedError
            if timeout_seconds is not None and time.monotonic() - started > timeout_seconds:
                logs = self._programs.installation.home.root / "logs"
                raise MonitorError(f"the user interfaces do not answer after {timeout_seconds:.0f} s; see {logs}")
            time.sleep(POLL_SECONDS)


def _refuse_taken_port(port: int, option: str) -> None:
    with socket.socket() as probe:
        # As the servers do: a port whose last connection is still fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise MonitorError(
                f"port {port} cannot be used ({error.strerror}); stop what listens there or choose another: {option}"
            ) from None


def _answers(port: int, path: str) -> bool:
    # Not urllib: that would send the question to a proxy, where one is set.
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
