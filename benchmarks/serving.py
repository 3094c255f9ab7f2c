"""What ``POST /v0/events`` takes: requests and events a second, and how long the slowest wait for their answer."""

from benchmarks.harness import Benchmark, Scale, Session, Target

REQUESTS = Target(bound=2_000, at_least=True)
SINGLE_WAIT = Target(bound=50)
EVENTS = Target(bound=40_000, at_least=True)
BATCH_WAIT = Target(bound=100)
MEMORY = Target(bound=300)


def measure(session: Session) -> None:
    """One event per request, then many, on both databases; the generator runs beside the server."""
    sizes = session.sizes
    for database in ("SQLite", "PostgreSQL"):
        judged = database == "SQLite"  # PostgreSQL's figures stand beside, for its server takes from the same cores
        for rows, requests in ((1, sizes["single_requests"]), (sizes["batch_rows"], sizes["batch_requests"])):
            name = f"{'single events' if rows == 1 else f'batches of {rows}'}, {database}"
            results = session.times(
                sizes["runs"],
                "serving.load",
                name,
                database=database,
                folder=str(session.folder / f"{database}-{rows}-{{run}}"),
                connections=sizes["connections"],
                requests=requests,
                rows=rows,
            )
            rate, wait = (REQUESTS, SINGLE_WAIT) if rows == 1 else (EVENTS, BATCH_WAIT)
            unit = "requests/s" if rows == 1 else "events/s"
            rates = [requests * rows / result["seconds"] for result in results]
            session.add(name, unit, rates, target=rate if judged else None)
            session.add(f"{name}, p50", "ms", [result["p50_milliseconds"] for result in results])
            waits = [result["p99_milliseconds"] for result in results]
            session.add(f"{name}, p99", "ms", waits, target=wait if judged else None)
            peaks = [result["server_peak_bytes"] / 1e6 for result in results]
            session.add(f"peak memory of the server, {name}", "MB", peaks, target=MEMORY if judged else None)
            session.add_peak(f"the generator, {name}", results)


BENCHMARK = Benchmark(
    name="serving",
    question="How many events does the API acknowledge, each safe on the disk, and how long does an answer take?",
    sizes={
        Scale.FULL: {
            "connections": 16,
            "single_requests": 40_000,
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
