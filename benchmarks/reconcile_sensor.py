"""What the reconcile sensor asks at each tick."""

from benchmarks.harness import Benchmark, Scale, Session


def measure(session: Session) -> None:
    """The same question on both databases."""
    sizes = session.sizes
    for database in ("SQLite", "PostgreSQL"):
        result = session.apart(
            "reconcile_sensor.ask",
            database,
            database=database,
            folder=str(session.folder / database),
            hours=sizes["hours"],
            models=sizes["models"],
            due=sizes["due_hours"],
            runs=sizes["runs"],
        )
        session.add(f"{database}: nothing due", "ms", result["nothing_due"])
        session.add(f"{database}: {sizes['due_hours']} hours due", "ms", result["some_due"])
        session.add_peak(database, [result])
        session.facts[f"{database}: asked for"] = result["asked_for"]


BENCHMARK = Benchmark(
    name="reconcile_sensor",
    question="How long does the sensor take to find what is due, with a year of hours in the ledger?",
    sizes={
        Scale.FULL: {"hours": 8_760, "models": 5, "due_hours": 60, "runs": 10},
        Scale.QUICK: {"hours": 720, "models": 5, "due_hours": 60, "runs": 3},
        Scale.TINY: {"hours": 48, "models": 2, "due_hours": 3, "runs": 2},
    },
    measure=measure,
)
