"""On what was measured: enough to compare figures, nothing that names a machine."""

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = ("dagster", "sqlalchemy", "pandas", "pyarrow", "numpy", "great-expectations", "mlflow")
SYNC_COUNT = 20
ADDITIONS = 1_000_000
ADDING_RUNS = 5


def describe(folder: str) -> dict[str, Any]:
    """Date, versions, cores, memory, load, and the price of a synced write in ``folder`` and of a little Python.

    Rented machines are a third slower at some hours than at others: figures of two runs compare as these prices do.
    """
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average_before": round(os.getloadavg()[0], 2),
        "synced_write_milliseconds": round(median(_synced_writes(Path(folder) / "synced")) * 1e3, 3),
        "million_additions_milliseconds": round(median(_additions()) * 1e3, 1),
    }


def _synced_writes(path: Path) -> list[float]:
    """Seconds of each of several synced writes of 4 KiB: what a durable commit costs at the least."""
    seconds = []
    with path.open("wb") as file:
        for _ in range(SYNC_COUNT):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - started)
    return seconds


def _additions() -> list[float]:
    """Seconds of each of several loops: what the interpreter takes for the same work."""
    seconds = []
    for _ in range(ADDING_RUNS):
        started = time.perf_counter()
        total = 0
        for number in range(ADDITIONS):
            total += number
        seconds.append(time.perf_counter() - started)
    return seconds
