"""``monitor serve`` as a process of its own, as its users start it, and what Linux tells about that process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, socket

LOOPBACK = "127.0.0.1"
_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that takes requests.

    Attributes:
        port: on loopback.
        pid: its process.
    """

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def resident_bytes(self) -> int:
        """The memory that it holds now."""
        return self._status("VmRSS")

    @property
    def peak_bytes(self) -> int:
        """The most memory that it ever held."""
        return self._status("VmHWM")

    @property
    def descriptor_count(self) -> int:
        """Its open files, connections and the like."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has taken."""
        behind_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = behind_name[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
        return int(kibibytes) * 1024


@contextmanager
def serving(store_url: str, folder: Path) -> Iterator[Serving]:
    """A server on a store; its home, its config and its log are in ``folder``."""
    config = folder / "monitoring.yaml"
    config.write_text(json.dumps({"store_url": store_url}))  # JSON is YAML
    with socket() as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "monitoring_pipeline.cli", "serve", "--config", str(config), "--port", str(port)]
    environment = {**os.environ, "MONITOR_HOME": str(folder / "home")}
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_ready(port, process)
            yield Serving(port=port, pid=process.pid)
        finally:
            process.terminate()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start; its log is serve.log in the folder of the run")
