"""What a benchmark is made of: sizes, figures, and measurements in processes of their own.

This side imports nothing heavy: on Linux a child inherits its parent's peak memory through ``exec``, so the
parent has to stay smaller than anything it measures.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Variables that would lead a measurement to somebody's real installation.
FOREIGN_VARIABLES = ("MONITOR_HOME", "MONITOR_CONFIG", "DAGSTER_HOME", "MLFLOW_TRACKING_URI", "PGHOST", "PGDATABASE")

# Where a measurement tells how far it has come: the number of an open descriptor.
PROGRESS = "BENCHMARK_PROGRESS"
_STDERR = 2

STARTED = time.monotonic()


class BenchmarkError(Exception):
    """A measurement did not end well; its text says which one and why."""


class Scale(StrEnum):
    """How large the sizes are."""

    FULL = "full"  # what the targets are about
    QUICK = "quick"  # all of them under a minute, to see that nothing is broken
    TINY = "tiny"  # for the test of the harness


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound on the median of a figure."""

    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value keeps to the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,g}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured quantity: a value for each run."""

    name: str
    unit: str
    values: Sequence[float]
    target: Target | None = None

    def as_json(self, *, judged: bool) -> dict[str, Any]:
        """With stable keys; ``judged`` says whether the sizes are those that the target is about."""
        middle = median(self.values)
        target: dict[str, Any] | None = None
        if self.target is not None:
            target = {"bound": str(self.target), **({"met": self.target.met(middle)} if judged else {})}
        return {
            "name": self.name,
            "unit": self.unit,
            "runs": len(self.values),
            "min": _rounded(min(self.values)),
            "median": _rounded(middle),
            "max": _rounded(max(self.values)),
            "target": target,
        }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 10_000 else round(value)


@dataclass(frozen=True, kw_only=True)
class Session:
    """One benchmark under way."""

    name: str
    sizes: Mapping[str, int]
    folder: Path  # temporary; everything that is written goes here
    figures: list[Figure] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, unit: str, values: Sequence[float], *, target: Target | None = None) -> None:
        """Take note of a figure."""
        self.figures.append(Figure(name=name, unit=unit, values=values, target=target))

    def add_peak(self, name: str, results: Sequence[Mapping[str, Any]]) -> None:
        """Take note of the largest memory that each process held at any time."""
        self.add(f"peak memory, {name}", "MB", [result["peak_memory_bytes"] / 1e6 for result in results])

    def apart(self, function: str, what: str, **arguments: Any) -> dict[str, Any]:
        """Run ``module.function`` of :mod:`benchmarks.measured` in a fresh process and return what it returned.

        Raises:
            BenchmarkError: if the process fails.
        """
        print(f"{time.monotonic() - STARTED:6.1f} s  {self.name}: {what}", file=sys.stderr, flush=True)
        result = self.folder / "result.json"
        noise = self.folder / "stderr.txt"
        command = [sys.executable, "-m", "benchmarks.measured", function, json.dumps(arguments), str(result)]
        with noise.open("w") as stderr, os.fdopen(os.dup(_STDERR), "wb") as shown:
            environment = {**_environment(self.folder), PROGRESS: str(shown.fileno())}
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=stderr, stderr=stderr, pass_fds=[shown.fileno()], check=False
            )
        if ended.returncode != 0:
            last = "\n".join(noise.read_text(errors="replace").splitlines()[-25:])
            raise BenchmarkError(f"{self.name}: {what} failed with exit code {ended.returncode}:\n{last}")
        measured: dict[str, Any] = json.loads(result.read_text())
        return measured

    def times(self, run_count: int, function: str, what: str, **arguments: Any) -> list[dict[str, Any]]:
        """Run it several times, each in a fresh process; ``{run}`` in an argument becomes the number of the run."""
        return [
            self.apart(
                function,
                f"{what}, run {run} of {run_count}",
                **{
                    name: value.replace("{run}", str(run)) if isinstance(value, str) else value
                    for name, value in arguments.items()
                },
            )
            for run in range(1, run_count + 1)
        ]


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    return {**kept, "TZ": "UTC", "DAGSTER_DISABLE_TELEMETRY": "yes", "MONITOR_HOME": str(folder / "unused-home")}


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One question about cost.

    Args:
        name: as on the command line and of the result file.
        question: what the figures answer.
        sizes: by scale.
        measure: fills a session.
        takes: time and disk of a full run, where one should know before.
    """

    name: str
    question: str
    sizes: Mapping[Scale, Mapping[str, int]]
    measure: Callable[[Session], None]
    takes: str = ""
