"""Hours through all hourly assets in one Dagster run, against as many assets that do nothing."""

import shutil
from statistics import median
from typing import Any

from benchmarks.harness import Benchmark, Scale, Session, Target

AT_MOST = Target(bound=3)  # times what Dagster needs for empty assets


def measure(session: Session) -> None:
    """Short, middle and long ranges, each with its empty twin and through the stages alone; no runs, no range."""
    sizes = session.sizes
    shapes = [(sizes[f"{name}_hours"], sizes[f"{name}_runs"]) for name in ("short", "middle", "long")]
    history = 1 + max(hours * runs for hours, runs in shapes)
    seed = session.folder / "seed"
    session.apart(
        "workload.prepare",
        "landing events",
        home=str(seed),
        models=sizes["models"],
        hours=history,
        rows_per_hour=sizes["rows"],
        segments=["origin"],
        reference_rows=50_000,
    )
    for hours, runs in (shape for shape in shapes if shape[1]):
        _measure_shape(session, hours, runs, history)


def _measure_shape(session: Session, hours: int, runs: int, history: int) -> None:
    measured: dict[str, dict[str, Any]] = {}
    for what in ("empty", "real", "bare"):
        home = session.folder / f"{what}-{hours}"
        shutil.copytree(session.folder / "seed", home)
        measured[what] = session.apart(
            f"dagster_runs.{what}", f"{hours} hours, {what}", home=str(home), hours=hours, runs=runs, history=history
        )
        shutil.rmtree(home)
    empty, real, bare = (measured[what] for what in ("empty", "real", "bare"))
    name = "1 hour" if hours == 1 else f"{hours} hours"
    session.add(f"{name}: all hourly assets", "s", real["seconds"])
    session.add(f"{name}: as many empty assets", "s", empty["seconds"])
    session.add(f"{name}: stages without Dagster", "s", bare["seconds"])
    # Against the median of the empty runs: a run and its twin have nothing in common but the size.
    nothing = median(empty["seconds"])
    target = AT_MOST if hours == session.sizes["long_hours"] else None
    session.add(f"{name}: all ÷ empty", "×", [seconds / nothing for seconds in real["seconds"]], target=target)
    # The same in CPU time, which other work on the machine disturbs less.
    ratio = median(real["cpu_seconds"]) / median(empty["cpu_seconds"])
    session.add(f"{name}: all ÷ empty, CPU time", "×", [ratio])
    session.add(f"{name}: share of Dagster's own", "%", [100 * nothing / seconds for seconds in real["seconds"]])
    session.add_peak(name, [real])
    session.add_peak(f"{name}, empty", [empty])
    session.facts[f"{name}: events of a run"] = {"all hourly assets": real["events"], "empty": empty["events"]}
    of_stage = {stage: round(seconds, 3) for stage, seconds in bare["of_stage"].items()}
    session.facts[f"{name}: seconds of each stage without Dagster (last run)"] = of_stage


BENCHMARK = Benchmark(
    name="dagster_runs",
    question="How long do hours take through all hourly assets in one run, and how much of it is Dagster's own?",
    sizes={
        Scale.FULL: {
            "models": 2,
            "rows": 50,
            "short_hours": 1,
            "short_runs": 10,
            "middle_hours": 24,
            "middle_runs": 3,
            "long_hours": 720,
            "long_runs": 1,
        },
        Scale.QUICK: {
            "models": 2,
            "rows": 50,
            "short_hours": 1,
            "short_runs": 0,
            "middle_hours": 6,
            "middle_runs": 0,
            "long_hours": 24,
            "long_runs": 1,
        },
        Scale.TINY: {
            "models": 2,
            "rows": 5,
            "short_hours": 1,
            "short_runs": 0,
            "middle_hours": 2,
            "middle_runs": 0,
            "long_hours": 3,
            "long_runs": 1,
        },
    },
    measure=measure,
)
