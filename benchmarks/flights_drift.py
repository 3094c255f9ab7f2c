"""What the demo's drift says of a year of real flights, beside what the field's usual rules say."""

from collections.abc import Mapping
from typing import Any

from benchmarks.harness import Benchmark, Scale, Session

WATCHED_FEATURES = 11


def measure(session: Session) -> None:
    """Days and hours of the spring, where nothing is news, and of the rest of the year."""
    found = session.apart(
        "flights_drift.watch",
        "the flights",
        day_count=session.sizes["days"],
        hour_days=session.sizes["days_of_hours"],
    )
    for part in ("spring", "rest of the year"):
        for grain, watched in found[part].items():
            _take_note(session, f"{part}, by {grain}", watched)
    session.add_peak("flights", [found])
    session.facts["watched"] = {part: found[part] for part in ("spring", "rest of the year")}
    session.facts["days"] = found["days"]


def _take_note(session: Session, what: str, watched: Mapping[str, Any]) -> None:
    session.add(f"{what}: windows", "windows", [watched["windows"]])
    session.add(f"{what}: features called drifted by ours", "feature-windows", [len(watched["ours"])])
    for rule in sorted({row["rule"] for row in watched["usual"]}):
        count = sum(row["alarms"] for row in watched["usual"] if row["rule"] == rule)
        session.add(f"{what}: features called drifted by {rule}", "feature-windows", [count])


BENCHMARK = Benchmark(
    name="flights_drift",
    question="Which days and hours of real flights are called drifted, and what happened on them?",
    sizes={
        Scale.FULL: {"days": 366, "days_of_hours": 366},
        Scale.QUICK: {"days": 60, "days_of_hours": 2},
        Scale.TINY: {"days": 2, "days_of_hours": 1},
    },
    measure=measure,
)
