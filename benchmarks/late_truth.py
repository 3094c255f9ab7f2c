"""Late truth for old hours: computing what it touches against computing everything anew."""

import shutil
from typing import Any

from benchmarks.harness import Benchmark, BenchmarkError, Scale, Session

# Dagster runs ranges, so scattered hours are many runs; "at once" shows what that costs.
WAYS = (
    "what is due, through Dagster",
    "everything, through Dagster",
    "what is due, without Dagster",
    "what is due at once, without Dagster",
    "everything, without Dagster",
)


def measure(session: Session) -> None:
    """From one state each way to the same end, which is compared bit by bit."""
    sizes = session.sizes
    seed = session.folder / "seed"
    names = ("models", "hours", "rows", "late_hours", "late_percent", "dagster")
    prepared = session.apart(
        "late_truth.prepare", "computing the history", home=str(seed), **{name: sizes[name] for name in names}
    )
    kinds = ["through Dagster"] * sizes["dagster"] + ["without Dagster"]
    ways = {way: _bring_in(session, way) for way in WAYS if way.endswith(tuple(kinds))}
    for by in kinds:
        _compare(session, by, ways[f"what is due, {by}"], ways[f"everything, {by}"])
    at_once = ways["what is due at once, without Dagster"]
    session.add("without Dagster: computing what is due at once", "s", [at_once["compute_seconds"]])
    _check(session, ways)
    session.facts["late actuals"] = prepared["late"]


def _bring_in(session: Session, way: str) -> dict[str, Any]:
    home = session.folder / "home"
    shutil.copytree(session.folder / "seed", home)
    result = session.apart("late_truth.bring_in", way, home=str(home), hours=session.sizes["hours"], how=way)
    shutil.rmtree(home)
    return result


def _compare(session: Session, name: str, due: dict[str, Any], everything: dict[str, Any]) -> None:
    totals = [result["ingest_seconds"] + result["compute_seconds"] for result in (due, everything)]
    session.add(f"{name}: landing the late actuals", "s", [due["ingest_seconds"]])
    session.add(f"{name}: computing what is due", "s", [due["compute_seconds"]])
    session.add(f"{name}: computing everything", "s", [everything["compute_seconds"]])
    session.add(f"{name}: due ÷ everything, with landing", "×", [totals[0] / totals[1]])
    session.add_peak(f"{name}, due", [due])
    session.add_peak(f"{name}, everything", [everything])
    session.facts[f"{name}: runs"] = {"what is due": due["runs"], "everything": everything["runs"]}


def _check(session: Session, ways: dict[str, dict[str, Any]]) -> None:
    """Speed is worth nothing if the wrong windows were computed, or to another end."""
    due = [result for way, result in ways.items() if way.startswith("what is due")]
    if not all(result["exactly_the_touched"] for result in due):
        raise BenchmarkError(f"late_truth: other windows than the touched were recomputed: {due[0]['recomputed']}")
    if len({result["digest"] for result in ways.values()}) != 1:
        raise BenchmarkError("late_truth: the ways do not lead to the same bytes")
    session.facts["model-hours touched"] = due[0]["model_hours_touched"]
    session.facts["model-days touched"] = due[0]["model_days_touched"]
    session.facts["windows recomputed"] = due[0]["recomputed"]
    session.facts["recomputed are exactly those touched"] = True
    session.facts["all ways end in the same bytes"] = True


BENCHMARK = Benchmark(
    name="late_truth",
    question="What do actuals for 1 % of the predictions, scattered over old hours, cost against a full recomputation?",
    sizes={
        Scale.FULL: {"models": 2, "rows": 50, "hours": 720, "late_hours": 60, "late_percent": 1, "dagster": 1},
        Scale.QUICK: {"models": 2, "rows": 50, "hours": 72, "late_hours": 6, "late_percent": 1, "dagster": 0},
        Scale.TINY: {"models": 2, "rows": 10, "hours": 48, "late_hours": 2, "late_percent": 1, "dagster": 1},
    },
    measure=measure,
)
