"""What a server holds that has been at work for long: memory and descriptors under a mixed load that never pauses.

The database grows with what is sent, as it should: it knows repetitions by what it stores, so nothing of that is held
in memory. Hours do not become more while the load goes on, or what is remembered by hour would have to grow.
"""

from collections.abc import Sequence
from statistics import median

from benchmarks.harness import Benchmark, Scale, Session, Target

GROWTH = Target(bound=1)  # MB a minute, and descriptors from the first to the last
MEMORY = Target(bound=300)
NONE = Target(bound=0)


def measure(session: Session) -> None:
    """Clients of many kinds on one server; what it holds is looked at every few seconds, after caches have filled."""
    sizes = session.sizes
    result = session.apart(
        "soak.run",
        f"{(sizes['warm_up_seconds'] + sizes['seconds']) / 60:.2g} minutes of load",
        database="SQLite",
        folder=str(session.folder / "SQLite"),
        warm_up_seconds=sizes["warm_up_seconds"],
        seconds=sizes["seconds"],
        every_seconds=sizes["every_seconds"],
    )
    memory = first_and_last(result["resident_bytes"], every_seconds=sizes["every_seconds"])
    descriptors = first_and_last(result["descriptors"], every_seconds=sizes["every_seconds"])
    session.add("growth of memory", "MB/min", [result["megabytes_per_minute"]], target=GROWTH)
    session.add("memory, first minute", "MB", [memory[0] / 1e6])
    session.add("memory, last minute", "MB", [memory[1] / 1e6])
    session.add("peak memory of the server", "MB", [result["peak_bytes"] / 1e6], target=MEMORY)
    session.add("growth of descriptors", "descriptors", [descriptors[1] - descriptors[0]], target=GROWTH)
    session.add("descriptors, most", "descriptors", [max(result["descriptors"])])
    session.add("requests", "requests", [result["requests"]])
    session.add("events stored", "events", [result["stored"]])
    # Nobody sends an event twice, and what clients break off is not whole.
    lost = result["acknowledged"] - result["stored"]
    session.add("acknowledged, but not stored", "events lost", [max(0, lost)], target=NONE)
    session.add("unexpected answers", "answers", [sum(result["unexpected"].values())], target=NONE)
    session.add("processor time of the server", "cores", [result["cores"]])
    for name, milliseconds in result["milliseconds"].items():
        session.add(f"{name}, p50", "ms", [milliseconds["p50"]])
        session.add(f"{name}, p99", "ms", [milliseconds["p99"]])
    session.add_peak("the clients", [result])
    session.facts.update({f"unexpected: {what}": count for what, count in result["unexpected"].items()})


def first_and_last(samples: Sequence[float], *, every_seconds: int) -> tuple[float, float]:
    """The medians of the first and of the last minute, or half if it is not so long.

    Clients come and go, and so do large requests: what one burst of them takes moves neither.

    >>> first_and_last([10, 10, 10, 90, 10, 10, 10, 11, 11, 80, 11, 11], every_seconds=10)
    (10.0, 11.0)
    """
    count = max(1, min(60 // every_seconds, len(samples) // 2))
    return float(median(samples[:count])), float(median(samples[-count:]))


BENCHMARK = Benchmark(
    name="soak",
    question="What does a server hold more and more of, when it works for long?",
    takes="12 to 13 minutes and 1 GB of disk",
    sizes={
        Scale.FULL: {"warm_up_seconds": 120, "seconds": 600, "every_seconds": 5},
        Scale.QUICK: {"warm_up_seconds": 10, "seconds": 30, "every_seconds": 1},
        Scale.TINY: {"warm_up_seconds": 1, "seconds": 2, "every_seconds": 1},
    },
    measure=measure,
)
