"""Answers of the pipes over a month of predictions, beside a producer that never pauses."""

from benchmarks.harness import Benchmark, BenchmarkError, Scale, Session, Target

AT_MOST = Target(bound=100)
SHOWN = {"p50": "median", "p99": "99th percentile"}


def measure(session: Session) -> None:
    """A store filled with plain SQL; then the real server, asked while it stores what is sent to it."""
    sizes = session.sizes
    for database in ("SQLite", "PostgreSQL")[: sizes["databases"]]:
        store = str(session.folder / database)
        filled = session.apart(
            "pipes_fill.fill",
            f"filling {database}",
            database=database,
            store=store,
            rows=sizes["rows"],
            hours=sizes["hours"],
        )
        if not filled["kept_as_computed"]:
            raise BenchmarkError("pipes: the errors that were filled in are not those of the rows")
        asked = session.apart(
            "pipes.ask",
            f"asking {database}",
            database=database,
            store=store,
            rows=sizes["rows"],
            requests=sizes["requests"],
            hours=sizes["hours"],
        )
        for name, milliseconds in asked["milliseconds"].items():
            for quantile, shown in SHOWN.items():
                is_target = quantile == "p99" and name.startswith("performance, a month, with ingest")
                target = AT_MOST if is_target and database == "SQLite" else None
                session.add(f"{name}, {shown}, {database}", "ms", [milliseconds[quantile]], target=target)
        session.add(f"first answer after a start, {database}", "ms", [asked["first_milliseconds"]])
        session.add(f"ingest meanwhile, {database}", "events/s", [asked["events_per_second"]])
        session.add(f"peak memory, server, {database}", "MB", [asked["server_bytes"] / 1e6])
        session.add_peak(f"the asking process, {database}", [asked])


BENCHMARK = Benchmark(
    name="pipes",
    question="How long does an answer of a pipe take over a month of predictions, while events come in?",
    sizes={
        Scale.FULL: {"rows": 10_000_080, "hours": 720, "requests": 300, "databases": 2},
        Scale.QUICK: {"rows": 100_800, "hours": 720, "requests": 50, "databases": 2},
        Scale.TINY: {"rows": 480, "hours": 48, "requests": 3, "databases": 1},
    },
    measure=measure,
)
