"""Late truth in stores of one and of ten million predictions: cost follows what is touched, not what is stored."""

import shutil
from collections.abc import Mapping, Sequence
from statistics import linear_regression
from typing import Any

from benchmarks.harness import Benchmark, Scale, Session, Target

# Ten times as much stored may cost this much more for each touched hour.
SAME_SLOPE = Target(bound=1.25)
PEAK_MEGABYTES = Target(bound=1_000)

# Truth that is late for 1 % of all predictions: every tenth prediction of every tenth hour.
HOURS_PER_TOUCHED = 10


def measure(session: Session) -> None:
    """Both stores one after the other, the same numbers of touched hours in each."""
    slopes: list[float] = []
    shares: list[float] = []
    for name in ("small_hours", "large_hours"):
        sets = _measure_store(session, session.sizes[name])
        *counted, share = sets
        slopes.append(slope_of(counted))
        shares.append(_milliseconds(share) / share["touched_hours"])
        stored = _stored(session, session.sizes[name])
        session.add(f"{stored}: slope, each further touched hour", "ms", [slopes[-1]])
    session.add("slope, large ÷ small store", "×", [slopes[1] / slopes[0]], target=SAME_SLOPE)
    session.add("1 % of all late, each touched hour, large ÷ small", "×", [shares[1] / shares[0]], target=SAME_SLOPE)
    session.facts["included"] = "landing the actuals, finding what is due, and all hourly and daily stages"
    session.facts["recomputed are exactly those touched"] = True


def slope_of(sets: Sequence[Mapping[str, Any]]) -> float:
    """Milliseconds that each further touched hour costs, by least squares: what every reconciliation costs is left out.

    Args:
        sets: each with its ``touched_hours`` and the ``seconds`` of each part of the work.
    """
    return linear_regression([found["touched_hours"] for found in sets], [_milliseconds(found) for found in sets]).slope


def _milliseconds(found: Mapping[str, Any]) -> float:
    return 1e3 * float(sum(found["seconds"].values()))


def _measure_store(session: Session, hours: int) -> list[dict[str, Any]]:
    sizes, stored = session.sizes, _stored(session, hours)
    touched = [sizes["few"], sizes["some"], sizes["many"], sizes["most"], hours // HOURS_PER_TOUCHED]
    home = str(session.folder / "home")
    prepared = session.apart(
        "late_truth_scale.prepare", f"{stored}: filling", home=home, hours=hours, rows=sizes["rows"], touched=touched
    )
    result = session.apart(
        "late_truth_scale.bring_in", f"{stored}: bringing in late truth", home=home, hours=hours, rows=sizes["rows"]
    )
    shutil.rmtree(home)
    for found in result["sets"]:
        _take_note(session, stored, found)
    session.add(f"peak memory, {stored}", "MB", [result["peak_memory_bytes"] / 1e6], target=PEAK_MEGABYTES)
    session.facts[f"{stored}: store"] = f"{prepared['store_bytes'] / 1e9:.2g} GB"
    share = result["sets"][-1]
    session.facts[f"{stored}: 1 % of all"] = (
        f"{share['late_actuals']:,} late actuals of {share['touched_hours']:,} hours"
    )
    of_stage = {stage: round(1e3 * seconds / share["touched_hours"], 3) for stage, seconds in share["seconds"].items()}
    session.facts[f"{stored}: ms of each touched hour with 1 % of all"] = of_stage
    return list(result["sets"])


def _take_note(session: Session, stored: str, found: dict[str, Any]) -> None:
    hours = found["touched_hours"]
    case = f"{stored}, {hours:,} hours touched"
    session.add(f"{case}: each touched hour", "ms", [_milliseconds(found) / hours])
    session.add(f"{case}: finding what is due", "ms", [1e3 * found["seconds"]["finding what is due"]])


def _stored(session: Session, hours: int) -> str:
    return f"{session.sizes['rows'] * hours:,} stored"


BENCHMARK = Benchmark(
    name="late_truth_scale",
    question="Does the cost of late truth follow the hours that it touches, whatever is stored?",
    sizes={
        Scale.FULL: {
            "rows": 700,
            "small_hours": 1_440,
            "large_hours": 14_400,
            "few": 10,
            "some": 30,
            "many": 100,
            "most": 300,
        },
        Scale.QUICK: {
            "rows": 350,
            "small_hours": 240,
            "large_hours": 1_200,
            "few": 2,
            "some": 5,
            "many": 10,
            "most": 20,
        },
        Scale.TINY: {
            "rows": 20,
            "small_hours": 168,
            "large_hours": 192,
            "few": 1,
            "some": 2,
            "many": 3,
            "most": 4,
        },
    },
    measure=measure,
)
