"""How close estimates without labels come to what the labels later say, on the real flights of the demo."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.harness import Benchmark, Scale, Session

METRICS = ("mae", "rmse", "accuracy", "recall", "roc_auc")
GUESSES = {"estimate": "the estimate", "so far": "the labels so far", "carried": "the last mature week"}

Days = Mapping[str, Sequence[float]]


def measure(session: Session) -> None:
    """Both models of the demo, day by day from 17 June 2013, learned from the days since 1 June."""
    found = session.apart("estimates.flights", "the flights", day_count=session.sizes["days"])
    for case, metrics in found["cases"].items():
        for metric in METRICS:
            _take_note(session, f"{case}: {metric}", metrics[metric])
    session.add("both models, one day", "s", found["seconds"])
    session.add_peak("flights", [found])
    session.facts["gap"] = "mean distance from the day's value once all labels are there; the interval is of 95 %"


def _take_note(session: Session, what: str, days: Days) -> None:
    for guess, words in GUESSES.items():
        if guess in days:
            gap = fmean(abs(said - truth) for said, truth in zip(days[guess], days["truth"], strict=True))
            session.add(f"{what}: gap of {words}", "", [gap])
    if held := sum(days["inside"]):
        session.add(f"{what}: days inside the interval, of {len(days['inside'])}", "days", [held])


BENCHMARK = Benchmark(
    name="estimates",
    question="How close do estimates without labels come to what the labels later say?",
    sizes={Scale.FULL: {"days": 28}, Scale.QUICK: {"days": 5}, Scale.TINY: {"days": 1}},
    measure=measure,
)
