"""What a server holds that has been at work for long: memory and descriptors under a mixed load that never pauses.

The database grows with what is sent, as it should: it knows repetitions by what it stores, so nothing of that is held
in memory. Hours do not become more while the load goes on, or what is remembered by hour would have to grow.
"""

from benchmarks.harness import Benchmark, Scale, Session, Target

GROWTH = Target(bound=1)
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
    descriptors, resident = result["descriptors"], result["resident_bytes"]
    session.add("growth of memory", "MB/min", [result["megabytes_per_minute"]], target=GROWTH)
    session.add("memory after warming up", "MB", [resident[0] / 1e6])
    session.add("memory at the end", "MB", [resident[-1] / 1e6])
    session.add("peak memory of the server", "MB", [result["peak_bytes"] / 1e6], target=MEMORY)
    # Clients come and go: the first and the last minute are compared, not two moments.
    minute = max(1, 60 // sizes["every_seconds"])
    growth = max(descriptors[-minute:]) - max(descriptors[:minute])
    session.add("growth of descriptors", "descriptors", [growth], target=NONE)
    session.add("descriptors, most", "descriptors", [max(descriptors)])
    session.add("requests", "requests", [result["requests"]])
    session.add("unexpected answers", "answers", [sum(result["unexpected"].values())], target=NONE)
    session.add("processor time of the server", "cores", [result["cores"]])
    for name, milliseconds in result["milliseconds"].items():
        session.add(f"{name}, p50", "ms", [milliseconds["p50"]])
        session.add(f"{name}, p99", "ms", [milliseconds["p99"]])
    session.add_peak("the clients", [result])
    session.facts.update({f"unexpected: {what}": count for what, count in result["unexpected"].items()})


BENCHMARK = Benchmark(
    name="soak",
    question="What does a server hold more and more of, when it works for long?",
    sizes={
        Scale.FULL: {"warm_up_seconds": 120, "seconds": 600, "every_seconds": 5},
        Scale.QUICK: {"warm_up_seconds": 10, "seconds": 30, "every_seconds": 1},
        Scale.TINY: {"warm_up_seconds": 1, "seconds": 2, "every_seconds": 1},
    },
    measure=measure,
)
