"""What exact sums cost beside the fast ones of pandas and DuckDB (the decision is in ARCHITECTURE.md)."""

from importlib.util import find_spec
from math import isclose
from statistics import median
from typing import Any

from benchmarks.harness import Benchmark, BenchmarkError, Scale, Session

OURS = "this program"


def measure(session: Session) -> None:
    """Sums of errors per hour, from Parquet, for one hour and for a month of them."""
    # Not a dependency: compared with only where somebody has it.
    others = ["pandas", *(["DuckDB"] if find_spec("duckdb") else [])]
    for name, rows, hours in (
        ("one hour", session.sizes["rows_of_one_hour"], 1),
        ("all hours", session.sizes["rows_of_all_hours"], session.sizes["hours"]),
    ):
        file = str(session.folder / f"{hours}.parquet")
        session.apart("sums.write", f"{name}: writing", file=file, rows=rows, hours=hours)
        results = {
            engine: session.apart(
                "sums.compute", f"{name}: {engine}", file=file, engine=engine, runs=session.sizes["runs"]
            )
            for engine in [OURS, *others]
        }
        _take_note(session, name, results)
    if "DuckDB" not in others:
        session.facts["DuckDB"] = "not installed, and not a dependency: left out"
    session.facts["what else"] = (
        "this program's sums are exact (the same bits for every order of rows) and hold also the spread, range, "
        "percentage error and actuals; the others compute three sums"
    )


def _take_note(session: Session, name: str, results: dict[str, dict[str, Any]]) -> None:
    ours = median(results[OURS]["milliseconds"])
    for engine, result in results.items():
        pairs = zip(results[OURS]["first_hour"], result["first_hour"], strict=True)
        if not all(isclose(exact, other, rel_tol=1e-9, abs_tol=1e-6) for exact, other in pairs):
            raise BenchmarkError(f"sums: {engine} comes to other sums: {result['first_hour']}")
        session.add(f"{name}: {engine}", "ms", result["milliseconds"])
        if engine != OURS:
            session.add(f"{name}: this program ÷ {engine}", "×", [ours / median(result["milliseconds"])])
        session.add_peak(f"{name}, {engine}", [result])


BENCHMARK = Benchmark(
    name="sums",
    question="What do exact hourly sums cost beside those of pandas and DuckDB?",
    sizes={
        Scale.FULL: {"rows_of_one_hour": 1_400, "rows_of_all_hours": 1_000_000, "hours": 720, "runs": 7},
        Scale.QUICK: {"rows_of_one_hour": 1_400, "rows_of_all_hours": 100_000, "hours": 72, "runs": 3},
        Scale.TINY: {"rows_of_one_hour": 10, "rows_of_all_hours": 100, "hours": 4, "runs": 2},
    },
    measure=measure,
)
