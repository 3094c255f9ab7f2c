"""The curve of coverage by label age, against scipy's product-limit estimator and against the truth."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from monitoring_pipeline.performance.labels.curve import DelayCurve, NotEnoughHistory, learn_curve
from monitoring_pipeline.performance.labels.history import DelayHistory, HourDelays
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS
from tests.label_examples import MONDAY, World, instant, one_by_one


def learned(history: DelayHistory, *, at: int, **limits: int) -> DelayCurve:
    curve = learn_curve(history, at=at, **limits)
    assert isinstance(curve, DelayCurve)
    return curve


def censored_hours(seed: int) -> tuple[list[HourDelays], CensoredData, int]:
    """Hours of different ages whose delays lie on a coarse grid, and their rows as scipy wants them."""
    rng = np.random.default_rng(seed)
    hours, exact, censored = [], [], []
    for number in range(40):
        age_hours = 40 - number  # scipy's interval is undefined at age 0
        delays = np.ceil(rng.exponential(12, 30)) * 3600
        delays[:3] = np.inf  # so that some are always left, and scipy's interval is defined
        seen = delays[delays <= age_hours * 3600]
        hours.append(
            HourDelays(
                window_start=MONDAY + number * HOUR_MICROS,
                prediction_count=30,
                delays=[(float(bound), int(np.sum(seen == bound))) for bound in np.unique(seen)],
                observed_until=instant(41),
            )
        )
        exact += seen.tolist()
        censored += [age_hours * 3600.0] * (30 - len(seen))
    return hours, CensoredData(uncensored=exact, right=censored), instant(41)


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_and_its_interval_are_scipys_kaplan_meier(seed: int) -> None:
    hours, rows, at = censored_hours(seed)
    # Any: the stubs know neither plain ages nor that the bounds are functions of the age.
    expected: Any = ecdf(rows).sf
    bounds = expected.confidence_interval(method="log-log")

    curve = learned(DelayHistory.of(hours), at=at, min_hours=1)

    for age in [3600.0 * hours for hours in range(1, 30)]:
        assert curve.coverage_at(age) == pytest.approx(1 - expected.evaluate(age), abs=1e-12)
        interval = curve.interval_at(age)
        assert interval is not None
        assert 1 - interval.lower == pytest.approx(bounds.high.evaluate(age), abs=1e-9)
        assert 1 - interval.upper == pytest.approx(bounds.low.evaluate(age), abs=1e-9)


def test_the_curve_is_unbiased_where_the_naive_ratio_is_not() -> None:
    day, coverage, mean_hours = 24 * 3600.0, 0.8, 24.0
    curves, naive = [], []
    for seed in range(60):
        history = World.of(one_by_one(mean_hours, coverage=coverage), days=3, per_hour=4, seed=seed).history_at(72)
        curves.append(learned(history, at=instant(72)).coverage_at(day))
        naive.append(history.arrived[:, int(history.cells_within(day))].sum() / history.prediction_counts.sum())
    truth = coverage * (1 - np.exp(-24 / mean_hours))

    bias, spread = np.mean(np.array(curves, dtype=float)) - truth, np.std(np.array(curves, dtype=float)) / np.sqrt(60)

    assert abs(bias) < 4 * spread + 0.01 * truth  # a cell of the histogram is 2 % wide
    assert np.mean(naive) < truth - 0.05


def test_greenwoods_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    truth = 1 - np.exp(-12 / 24)
    held = []
    for seed in range(150):
        history = World.of(one_by_one(24), days=3, per_hour=4, seed=1000 + seed).history_at(72)
        interval = learned(history, at=instant(72)).interval_at(12 * 3600)
        assert interval is not None
        held.append(interval.lower <= truth <= interval.upper)

    assert np.mean(held) >= 0.90


def test_what_was_observed_later_is_not_used() -> None:
    world = World.of(one_by_one(6), days=12)

    then, looking_back = world.history_at(120), world.history_at(240)

    first, again = (learned(history, at=instant(120)) for history in (then, looking_back))
    ages = np.arange(0, first.observed_seconds, 1800)
    assert [first.coverage_at(age) for age in ages] == [again.coverage_at(age) for age in ages]


def test_an_hour_that_was_not_looked_at_since_speaks_only_for_what_was_seen() -> None:
    hours = [
        HourDelays(
            window_start=MONDAY + number * HOUR_MICROS,
            prediction_count=10,
            delays=[] if number < 10 else [(1800.0, 10)],
            observed_until=MONDAY + (number + 1) * HOUR_MICROS + (0 if number < 10 else 2 * HOUR_MICROS),
        )
        for number in range(40)
    ]

    curve = learned(DelayHistory.of(hours), at=instant(60))

    assert curve.coverage_at(1800) == 1


def test_delays_and_eventual_coverage_are_those_of_the_labels_that_come() -> None:
    history = World.of(one_by_one(2, coverage=0.7), days=10).history_at(240)

    curve = learned(history, at=instant(240))

    assert curve.eventual_coverage == pytest.approx(0.7, abs=0.02)
    assert curve.delay_seconds(0.5) == pytest.approx(2 * 3600 * np.log(2), rel=0.05)
    assert curve.delay_seconds(0.9) == pytest.approx(2 * 3600 * np.log(10), rel=0.05)


def test_beyond_what_was_observed_nothing_is_claimed() -> None:
    curve = learned(World.of(one_by_one(2), days=4).history_at(96), at=instant(96))

    assert curve.coverage_at(-1) == 0
    assert (curve.coverage_at(95 * 3600), curve.interval_at(95 * 3600)) == (None, None)


def test_without_enough_history_there_is_a_reason() -> None:
    nothing = DelayHistory.of([])
    few_hours = World.of(one_by_one(0.1), days=1).history_at(20)
    few_labels = World.of(one_by_one(1000), days=4, per_hour=2).history_at(96)

    assert learn_curve(nothing, at=MONDAY) is NotEnoughHistory.TOO_FEW_HOURS
    assert learn_curve(few_hours, at=instant(20)) is NotEnoughHistory.TOO_FEW_HOURS
    assert learn_curve(few_labels, at=instant(96)) is NotEnoughHistory.TOO_FEW_LABELS


def test_all_labels_at_once_leave_no_interval() -> None:
    hours = [
        HourDelays(
            window_start=MONDAY + number * HOUR_MICROS,
            prediction_count=5,
            delays=[(60.0, 5)],
            observed_until=MONDAY + 100 * HOUR_MICROS + SECOND_MICROS,
        )
        for number in range(48)
    ]

    curve = learned(DelayHistory.of(hours), at=instant(100))

    assert (curve.coverage_at(59), curve.coverage_at(60), curve.interval_at(60)) == (0, 1, None)
