"""Answers of the pipes over a month of predictions, beside a producer that never pauses."""

import shutil
from collections.abc import Mapping
from typing import Any

from benchmarks.harness import Benchmark, BenchmarkError, Scale, Session, Target

AT_MOST = Target(bound=100)
BYTES_PER_ROW = 1_200  # of a prediction and its truth, with what PostgreSQL logs of them while it fills
SHOWN = {"p50": "median", "p99": "99th percentile"}


def measure(session: Session) -> None:
    """Stores filled with plain SQL, one after the other; then the real server, asked while it stores what is sent."""
    sizes = session.sizes
    _check_room(session)
    for database in ("SQLite", "PostgreSQL")[: sizes["databases"]]:
        store = session.folder / database
        where = {"database": database, "store": str(store), "rows": sizes["rows"], "hours": sizes["hours"]}
        filled = session.apart("pipes_fill.fill", f"filling {database}", **where)
        if not filled["kept_as_computed"]:
            raise BenchmarkError("pipes: the errors that were filled in are not those of the rows")
        asked = session.apart("pipes.ask", f"asking {database}", **where, requests=sizes["requests"])
        _take_note(session, database, filled, asked)
        shutil.rmtree(store)


def _check_room(session: Session) -> None:
    needed = session.sizes["rows"] * BYTES_PER_ROW
    if shutil.disk_usage(session.folder).free < needed:
        raise BenchmarkError(f"pipes: filling needs {needed / 1e9:.0f} GB of disk; TMPDIR may name a folder with more")


def _take_note(session: Session, database: str, filled: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    for name, milliseconds in asked["milliseconds"].items():
        for quantile, shown in SHOWN.items():
            is_target = quantile == "p99" and name.startswith("performance, a month, with ingest")
            target = AT_MOST if is_target and database == "SQLite" else None
            session.add(f"{name}, {shown}, {database}", "ms", [milliseconds[quantile]], target=target)
    session.add(f"first answer after a start, {database}", "ms", [asked["first_milliseconds"]])
    session.add(f"predictions that it tells of, {database}", "predictions", [asked["predictions"]])
    session.add(f"ingest meanwhile, {database}", "events/s", [asked["events_per_second"]])
    session.add(f"peak memory, server, {database}", "MB", [asked["server_bytes"] / 1e6])
    session.add_peak(f"the asking process, {database}", [asked])
    session.add(f"the filled store, {database}", "MB", [filled["store_bytes"] / 1e6])
    session.add(f"filling it, {database}", "s", [filled["seconds"]])


BENCHMARK = Benchmark(
    name="pipes",
    question="How long does an answer of a pipe take over a month of predictions, while events come in?",
    takes="10 to 15 minutes and 12 GB of disk",
    sizes={
        Scale.FULL: {"rows": 10_000_080, "hours": 720, "requests": 300, "databases": 2},
        Scale.QUICK: {"rows": 100_800, "hours": 720, "requests": 50, "databases": 2},
        Scale.TINY: {"rows": 480, "hours": 48, "requests": 3, "databases": 1},
    },
    measure=measure,
)
