"""Streams that change: how often the first window after the onset shows it, and how many windows it takes.

One column of twenty drifts; only alarms about that column count. The other nineteen stay as they were in
:mod:`.false_alarms`, because what is judged together shares one budget.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import ours, rivals
from benchmarks.detection.false_alarms import (
    ALPHAS,
    PSI_CUSTOM,
    RAW_LEVEL,
    RAW_PSI,
    RAW_TESTS,
    Measured,
    Sizes,
    ours_at,
    shared_at,
)
from benchmarks.detection.questions import FirstAlarms, Question
from benchmarks.detection.streams import COLUMNS, Role, Scenario, Values, columns, drifted
from monitoring_pipeline.drift.judge import MeasuredFeature

RETUNED_ALPHA = 0.05
CALIBRATION_WINDOWS = 160  # of each reference

Firsts = NDArray[np.int64]
"""Per stream: the first window with an alarm, counted from 1; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What each method saw of one scenario at one size."""

    scenario: Scenario
    rows: int
    firsts: dict[str, Firsts]
    breaking: frozenset[str]  # methods that do not keep their budget on this column at this size

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Per method: streams, share seen at once, and the mean and median windows until seen.

        The mean counts a stream that was never seen as one window more than were looked at: it is a lower bound then.
        The median is ``None`` if half of the streams or more were never seen.
        """
        return {
            method: {**_figures(firsts, self.scenario.horizon), "keeps_budget": method not in self.breaking}
            for method, firsts in self.firsts.items()
        }


def _figures(firsts: Firsts, horizon: int) -> dict[str, float | None]:
    delays = np.where(firsts == 0, horizon + 1, firsts)
    middle = float(np.median(delays))
    return {
        "streams": int(firsts.size),
        "seen_at_once": round(float(np.mean(firsts == 1)), 4),
        "ever_seen": round(float(np.mean(firsts > 0)), 4),
        "mean_windows": round(float(delays.mean()), 3),
        "standard_error_windows": round(float(delays.std() / np.sqrt(delays.size)), 3),
        "median_windows": None if middle > horizon else middle,
    }


def detect(
    scenario: Scenario, sizes: Sizes, stationary: Measured, *, breaking: frozenset[str] = frozenset()
) -> Detection:
    """Judge every stream of a scenario until it is seen; ``sizes.windows`` are the streams of each reference."""
    retuned = _retuned(scenario, sizes)
    firsts: dict[str, list[Firsts]] = {}
    for number in range(sizes.references):
        reference = _reference(scenario, sizes, number)
        streams = drifted(scenario, sizes.windows, sizes.rows, number=number)
        found = {
            **_ours(scenario, reference, _before(scenario, sizes, number), streams, stationary[number]),
            **_rivals(scenario, reference, streams, retuned),
        }
        for method, of_method in found.items():
            firsts.setdefault(method, []).append(of_method)
    return Detection(
        scenario=scenario,
        rows=sizes.rows,
        firsts={method: np.concatenate(parts) for method, parts in firsts.items()},
        breaking=breaking,
    )


def question(scenario: Scenario, sizes: Sizes) -> Question:
    """The same streams for peers."""
    numbers = range(sizes.references)
    return Question(
        name=f"{scenario.name} {sizes.rows}",
        references={scenario.column: np.stack([_reference(scenario, sizes, number) for number in numbers])},
        windows={
            scenario.column: np.stack(
                [drifted(scenario, sizes.windows, sizes.rows, number=number) for number in numbers]
            )
        },
    )


def firsts_of_peer(scenario: Scenario, answer: FirstAlarms) -> Firsts:
    """A peer's answer to :func:`question`."""
    return np.array(answer[scenario.column], dtype=np.int64).ravel()


def _reference(scenario: Scenario, sizes: Sizes, number: int) -> Values:
    """The same rows that :mod:`.false_alarms` has for this column."""
    drawn = columns(Role.REFERENCE, 1, (sizes.reference_rows,), number=number, only=scenario.column)
    rows: Values = drawn[scenario.column][0]
    return rows


def _before(scenario: Scenario, sizes: Sizes, number: int) -> Values:
    """Windows from before the onset, the same for all streams of a reference."""
    drawn = columns(Role.BEFORE, ours.POOL.hours - 1, (sizes.rows,), number=number, only=scenario.column)
    rows: Values = drawn[scenario.column]
    return rows


def _ours(
    scenario: Scenario,
    reference: Values,
    before: Values,
    streams: Values,
    stationary: Sequence[Sequence[MeasuredFeature]],
) -> dict[str, Firsts]:
    prepared = ours.prepare({scenario.column: reference})[scenario.column]
    place = list(COLUMNS).index(scenario.column)
    methods: dict[str, tuple[float, Callable[[ours.Verdict], bool]]] = {}
    for alpha in ALPHAS:
        methods[ours_at(alpha)] = (alpha, lambda verdict: verdict.drift)
        methods[ours_at(alpha, evidence_alone=True)] = (alpha, lambda verdict: verdict.evidence)
    firsts = {method: np.zeros(len(streams), dtype=np.int64) for method in methods}
    for stream, windows in enumerate(streams):
        known = np.concatenate([before, windows])
        for index in range(len(windows)):
            features = list(stationary[(stream * len(windows) + index) % len(stationary)])
            recent = ours.history(known, len(before) + index)
            features[place] = ours.measure(prepared, recent, alpha=ALPHAS[0] / len(COLUMNS))
            verdicts = {alpha: ours.judge(features, alpha=alpha)[place] for alpha in ALPHAS}
            for method, (alpha, seen) in methods.items():
                if firsts[method][stream] == 0 and seen(verdicts[alpha]):
                    firsts[method][stream] = index + 1
            if all(of_method[stream] for of_method in firsts.values()):
                break
    return firsts


def _rivals(scenario: Scenario, reference: Values, streams: Values, retuned: Mapping[str, float]) -> dict[str, Firsts]:
    categorical = COLUMNS[scenario.column].categorical
    windows = streams.reshape(-1, streams.shape[-1])
    p_values = rivals.p_values(scenario.column, reference, windows)
    flags = {shared_at(alpha): p_values <= alpha / len(COLUMNS) for alpha in ALPHAS}
    flags[RAW_TESTS] = p_values < RAW_LEVEL
    flags[RAW_PSI] = rivals.psi(reference, windows, categorical=categorical) > PSI_CUSTOM
    for name, limit in retuned.items():
        flags[retuned_name(name)] = rivals.DISTANCES[name](reference, windows, categorical=categorical) > limit
    shape = streams.shape[:2]
    return {
        method: np.where((of := seen.reshape(shape)).any(axis=1), of.argmax(axis=1) + 1, 0)
        for method, seen in flags.items()
    }


def retuned_name(distance: str) -> str:
    """What a distance is called whose threshold keeps the budget."""
    return f"{distance}, retuned to {RETUNED_ALPHA:g}"


def _retuned(scenario: Scenario, sizes: Sizes) -> dict[str, float]:
    """The thresholds that keep the budget on streams of this very column and size, which no user would have."""
    categorical = COLUMNS[scenario.column].categorical
    limits: dict[str, float] = {}
    for name, distance in rivals.DISTANCES.items():
        if categorical and name == "Wasserstein":
            continue
        values = [
            distance(
                _reference(scenario, sizes, number),
                columns(Role.CALIBRATION, CALIBRATION_WINDOWS, (sizes.rows,), number=number, only=scenario.column)[
                    scenario.column
                ],
                categorical=categorical,
            )
            for number in range(sizes.references)
        ]
        limits[name] = float(np.quantile(np.concatenate(values), 1.0 - RETUNED_ALPHA / len(COLUMNS)))
    return limits
