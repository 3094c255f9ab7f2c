"""The measures of drift, beside pandas + scipy and beside other libraries; and their memory over many rows."""

import sys
import time
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.harness import STARTED, Benchmark, BenchmarkError, Scale, Session, Target

OURS, SCIPY = "this program", "pandas + scipy"

# NannyML's default approximates KS and Wasserstein with bins at this size of reference; exactly it calls scipy.
EXACT_NANNYML = "NannyML, exact"

# Of engines that give the same answers: a histogram's approximation is shown beside them, and is no goal.
AT_LEAST = {SCIPY: 4.0, EXACT_NANNYML: 6.0, "Evidently": 35.0}
PEAK_MEGABYTES = Target(bound=400)


def measure(session: Session) -> None:
    """Every engine once per round, so that what slows the machine slows them alike."""
    sizes, folder = session.sizes, str(session.folder)
    session.apart(
        "drift_speed.write",
        "writing rows",
        folder=folder,
        rows=sizes["rows"],
        days=sizes["days"],
        reference_rows=sizes["reference_rows"],
    )
    others = peers.installed() if sizes["peers"] else []
    engines = [OURS, SCIPY, *others, *([EXACT_NANNYML] if "NannyML" in others else [])]
    rounds = [
        {engine: _seconds(session, engine, f"{engine}, round {number}") for engine in engines}
        for number in range(1, sizes["runs"] + 1)
    ]
    for engine in engines:
        session.add(f"{engine}: all measures", "CPU s", [results[engine]["seconds"] for results in rounds])
    for engine in engines[1:]:
        ratios = [results[engine]["seconds"] / results[OURS]["seconds"] for results in rounds]
        session.add(f"{engine} ÷ {OURS}", "×", ratios, target=_target(engine))
    _check(rounds[0][OURS], rounds[0][SCIPY])
    session.facts["measures"] = {engine: rounds[0][engine]["values"] for engine in engines}
    session.facts["of this program, CPU s"] = _median_parts([results[OURS]["seconds_of"] for results in rounds])
    session.facts["clock"] = "CPU time of the process; nothing waits, and no engine uses more than one thread"
    session.facts["not counted"] = "imports, and reading the rows into each engine's own frames"
    if missing := [peer for peer in peers.PEERS if peer not in engines]:
        session.facts["left out"] = f"{', '.join(missing)}: not asked for, or not installed (make peers)"
    _measure_memory(session, folder)


def _seconds(session: Session, engine: str, what: str) -> dict[str, Any]:
    folder = session.folder
    if engine in (OURS, SCIPY):
        return session.apart(f"drift_speed.{'ours' if engine == OURS else 'pandas_scipy'}", what, folder=str(folder))
    print(f"{time.monotonic() - STARTED:6.1f} s  {session.name}: {what}", file=sys.stderr, flush=True)
    files = {name: str(folder / f"{name}.parquet") for name in ("reference", "windows")}
    peer, _, precision = engine.partition(", ")
    job = {"what": "speed", "precision": precision, **files, "output": str(folder / "speed.json")}
    return peers.run(peer, [job], folder)[0]


def _target(engine: str) -> Target | None:
    return Target(bound=AT_LEAST[engine], at_least=True) if engine in AT_LEAST else None


def _check(ours: dict[str, Any], scipy: dict[str, Any]) -> None:
    for name in ("ks", "wasserstein"):
        off = max(abs(a - b) for a, b in zip(ours["sample"][name], scipy["sample"][name], strict=True))
        if off > 1e-9:
            raise BenchmarkError(f"drift_speed: {name} differs from scipy's by {off}")


def _median_parts(parts: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(of_run[name] for of_run in parts), 3) for name in parts[0]}


def _measure_memory(session: Session, folder: str) -> None:
    sizes = session.sizes
    session.apart(
        "drift_speed.write_hours",
        "writing hour files",
        folder=folder,
        rows=sizes["memory_rows"],
        days=sizes["days"],
        reference_rows=sizes["reference_rows"],
    )
    result = session.apart("drift_speed.day_by_day", "day by day from hour files", folder=folder)
    session.add(
        f"peak memory, {sizes['memory_rows']:,} rows", "MB", [result["peak_memory_bytes"] / 1e6], target=PEAK_MEGABYTES
    )
    session.add(f"{sizes['memory_rows']:,} rows day by day, reading included", "CPU s", [result["seconds"]])


BENCHMARK = Benchmark(
    name="drift_speed",
    question="How fast are KS, Wasserstein, PSI, Jensen-Shannon and chi² of 13 features over 30 days, beside others?",
    sizes={
        Scale.FULL: {
            "rows": 1_000_000,
            "days": 30,
            "reference_rows": 100_000,
            "memory_rows": 10_000_000,
            "runs": 3,
            "peers": 1,
        },
        Scale.QUICK: {
            "rows": 100_000,
            "days": 5,
            "reference_rows": 20_000,
            "memory_rows": 500_000,
            "runs": 1,
            "peers": 1,
        },
        Scale.TINY: {"rows": 500, "days": 2, "reference_rows": 300, "memory_rows": 1_000, "runs": 1, "peers": 0},
    },
    measure=measure,
)
