"""Asking what was known at a past instant, over a year of hours that were all revised."""

from statistics import median

from benchmarks.harness import Benchmark, BenchmarkError, Scale, Session, Target

# Times the same question about what stands: of each hour four revisions are looked at instead of one.
AT_MOST = Target(bound=2)

# PostgreSQL reads a small table whole, and is right to.
FEW_HOURS = 1_000


def measure(session: Session) -> None:
    """The same questions on both databases."""
    for database in ("SQLite", "PostgreSQL"):
        _measure_database(session, database)
    session.facts["revisions"] = "each hour was said four times: at its end, and 1, 7 and 60 days later"
    session.facts["compute"] = "hours are read from their metrics; weeks and all hours at once are merged from sums"


def _measure_database(session: Session, database: str) -> None:
    folder, hours = str(session.folder / database), session.sizes["hours"]
    rows = session.apart("as_of.fill", f"{database}: filling", database=database, folder=folder, hours=hours)["rows"]
    result = session.apart(
        "as_of.ask", f"{database}: asking", database=database, folder=folder, hours=hours, runs=session.sizes["runs"]
    )
    for question, of_way in result["milliseconds"].items():
        for way, milliseconds in of_way.items():
            session.add(f"{database}, {question}: {way}", "ms", milliseconds)
        ratio = median(of_way["as of"]) / median(of_way["what stands"])
        session.add(f"{database}, {question}: as of ÷ what stands", "×", [ratio], target=AT_MOST)
    session.add_peak(database, [result])
    session.facts[f"{database}: rows"] = rows
    for way in ("as of", "what stands"):
        plan = result["plans"][f"one day, {way}"]
        session.facts[f"{database}: how one day is found, {way}"] = plan
        check_plan(database, plan, hours=hours)


def check_plan(database: str, plan: str, *, hours: int) -> None:
    """A day is found by an index, however long the history is.

    Raises:
        BenchmarkError: if it is not.
    """
    large = database == "SQLite" or hours >= FEW_HOURS
    if large and not ("ix_metrics_history" in plan or "ux_metrics_current" in plan):
        raise BenchmarkError(f"as_of: on {database} a day is not found by an index: {plan}")


BENCHMARK = Benchmark(
    name="as_of",
    question="What does it cost to ask what was known at a past instant, of a year of hours revised three times?",
    sizes={
        Scale.FULL: {"hours": 8_760, "runs": 3},
        Scale.QUICK: {"hours": 1_440, "runs": 3},
        Scale.TINY: {"hours": 48, "runs": 2},
    },
    measure=measure,
)
