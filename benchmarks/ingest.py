"""Events landed per second, from files."""

from benchmarks.harness import Benchmark, Scale, Session, Target

AT_LEAST = Target(bound=40_000, at_least=True)


def measure(session: Session) -> None:
    """NDJSON of predictions, then of their actuals, on both databases; CSV and Parquet for information."""
    folder, runs = session.folder, session.sizes["runs"]
    written = session.apart(
        "ingest.write_files", "writing files", folder=str(folder), events=session.sizes["events"], hours=24
    )
    events = written["events"]
    session.facts["bytes per prediction"] = written["bytes_per_event"]
    for database in ("SQLite", "PostgreSQL"):
        for kind in ("predictions", "actuals"):
            results = session.times(
                runs,
                "ingest.land",
                f"{kind}, NDJSON, {database}",
                database=database,
                store=str(folder / f"{database}-{{run}}"),
                file=str(folder / f"{kind}.ndjson"),
                events=events,
            )
            target = AT_LEAST if database == "SQLite" else None
            rates = [events / result["seconds"] for result in results]
            session.add(f"{kind}, NDJSON, {database}", "events/s", rates, target=target)
            session.add_peak(f"{kind}, NDJSON, {database}", results)
    for suffix in ("csv", "parquet"):  # for information, once
        results = session.times(
            1,
            "ingest.land",
            f"predictions, {suffix}, SQLite",
            database="SQLite",
            store=str(folder / f"{suffix}-{{run}}"),
            file=str(folder / f"predictions.{suffix}"),
            events=events,
        )
        session.add(f"predictions, {suffix}, SQLite", "events/s", [events / result["seconds"] for result in results])
        session.add_peak(f"predictions, {suffix}, SQLite", results)


BENCHMARK = Benchmark(
    name="ingest",
    question="How many events a second does a file land with, validated and durable?",
    sizes={
        Scale.FULL: {"events": 200_016, "features": 8, "runs": 3},
        Scale.QUICK: {"events": 20_016, "features": 8, "runs": 1},
        Scale.TINY: {"events": 96, "features": 8, "runs": 1},
    },
    measure=measure,
)
