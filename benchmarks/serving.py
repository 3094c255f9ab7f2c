"""What ``POST /v0/events`` takes: requests and events a second, and how long the slowest wait for their answer.

What a batch costs depends on the ids of its predictions. Those that rise with time (of sequences, ULID, UUIDv7) are
neighbours in the index of the primary key; of those in no order (hashes, UUIDv4) each touches a page of its own, and
the more so the more is stored. Both are measured, and both have the same target.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Benchmark, Scale, Session, Target

REQUESTS = Target(bound=2_000, at_least=True)
SINGLE_WAIT = Target(bound=50)
EVENTS = Target(bound=40_000, at_least=True)
BATCH_WAIT = Target(bound=100)
MEMORY = Target(bound=300)

RISING = "ids that rise"
UNORDERED = "ids in no order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests of one kind.

    Attributes:
        name: as figures are told by.
        requests: altogether.
        rows: events in each.
        rising: whether ids rise with time, or are in no order.
        rate: the target of what is acknowledged each second.
        wait: that of the slowest answers but for one in a hundred.
    """

    name: str
    requests: int
    rows: int
    rising: bool
    rate: Target
    wait: Target

    @property
    def unit(self) -> str:
        """Of the rate."""
        return "requests/s" if self.rows == 1 else "events/s"


def measure(session: Session) -> None:
    """One event per request, then many, on both databases; the generator runs beside the server."""
    sizes, stores = session.sizes, session.folder / "stores"
    for database in ("SQLite", "PostgreSQL"):
        for load in _loads(sizes):
            results = session.times(
                sizes["runs"],
                "serving.load",
                f"{load.name}, {database}",
                database=database,
                folder=str(stores / "{run}"),
                connections=sizes["connections"],
                requests=load.requests,
                rows=load.rows,
                rising=load.rising,
            )
            _take_note(session, load, database, results)
            shutil.rmtree(stores)


def _loads(sizes: Mapping[str, int]) -> Iterator[Load]:
    single, rows = sizes["single_requests"], sizes["batch_rows"]
    yield Load(name="single events", requests=single, rows=1, rising=False, rate=REQUESTS, wait=SINGLE_WAIT)
    for order in (RISING, UNORDERED):
        yield Load(
            name=f"batches of {rows}, {order}",
            requests=sizes["batch_requests"],
            rows=rows,
            rising=order == RISING,
            rate=EVENTS,
            wait=BATCH_WAIT,
        )


def _take_note(session: Session, load: Load, database: str, results: Sequence[Mapping[str, Any]]) -> None:
    judged = database == "SQLite"  # PostgreSQL's figures stand beside, for its server takes from the same cores
    name, events = f"{load.name}, {database}", load.requests * load.rows
    rates = [events / result["seconds"] for result in results]
    session.add(name, load.unit, rates, target=load.rate if judged else None)
    session.add(f"{name}, p50", "ms", [result["p50_milliseconds"] for result in results])
    waits = [result["p99_milliseconds"] for result in results]
    session.add(f"{name}, p99", "ms", waits, target=load.wait if judged else None)
    costs = [result["server_cpu_seconds"] / events * 1e6 for result in results]
    session.add(f"processor time of the server for an event, {name}", "µs", costs)
    peaks = [result["server_peak_bytes"] / 1e6 for result in results]
    session.add(f"peak memory of the server, {name}", "MB", peaks, target=MEMORY if judged else None)
    session.add_peak(f"the generator, {name}", results)


BENCHMARK = Benchmark(
    name="serving",
    question="How many events does the API acknowledge, each safe on the disk, and how long does an answer take?",
    takes="8 to 9 minutes and 2 GB of disk",
    sizes={
        Scale.FULL: {
            "connections": 16,
            "single_requests": 20_000,
            "batch_requests": 6_000,
            "batch_rows": 100,
            "runs": 3,
        },
        Scale.QUICK: {
            "connections": 16,
            "single_requests": 2_000,
            "batch_requests": 200,
            "batch_rows": 100,
            "runs": 1,
        },
        Scale.TINY: {"connections": 2, "single_requests": 6, "batch_requests": 4, "batch_rows": 5, "runs": 1},
    },
    measure=measure,
)
