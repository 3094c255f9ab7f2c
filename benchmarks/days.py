"""A day merged from its hours' sums against the same day recomputed from all rows."""

from statistics import median
from typing import Any

from benchmarks.harness import Benchmark, Scale, Session, Target

TASKS = ("regression", "binary")

AT_LEAST = Target(bound=5, at_least=True)  # times faster, for hours of the larger size


def measure(session: Session) -> None:
    """Hours of two sizes: merging should not feel the rows, recomputing does."""
    for name in ("rows", "many_rows"):
        rows = session.sizes[name]
        home = str(session.folder / name)
        session.apart("days.prepare", f"a day of {rows:,} rows an hour", home=home, rows=rows)
        result = session.apart(
            "days.compute", f"{rows:,} rows an hour: both ways", home=home, runs=session.sizes["runs"]
        )
        for task in TASKS:
            target = AT_LEAST if name == "many_rows" else None
            _take_note(session, f"{task}, {rows:,} rows an hour", result[task], target=target)
        session.add_peak(f"{rows:,} rows an hour", [result])
    session.facts["what both begin with"] = (
        "merged: the stored sums of 24 hours in SQL; recomputed: the 24 joined files of the lake; "
        "both end with all metrics, of the whole model and its three segments"
    )


def _take_note(session: Session, case: str, found: dict[str, Any], *, target: Target | None) -> None:
    merged, recomputed = (found["milliseconds"][way] for way in ("merged", "recomputed"))
    session.add(f"{case}: merged from sums", "ms", merged)
    session.add(f"{case}: recomputed from rows", "ms", recomputed)
    session.add(f"{case}: recomputed ÷ merged", "×", [median(recomputed) / median(merged)], target=target)
    compared = found["compared"]
    session.facts[f"{case}: equal to 1e-9"] = f"{compared['metrics']} metrics, {compared['bit-equal']} to the last bit"


BENCHMARK = Benchmark(
    name="days",
    question="What does a day cost, merged from its hours' sums and recomputed from the rows of its hours?",
    sizes={
        Scale.FULL: {"rows": 1_400, "many_rows": 14_000, "runs": 7},
        Scale.QUICK: {"rows": 140, "many_rows": 1_400, "runs": 3},
        Scale.TINY: {"rows": 6, "many_rows": 20, "runs": 2},
    },
    measure=measure,
)
