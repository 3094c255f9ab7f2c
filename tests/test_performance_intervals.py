"""Intervals against scipy, and against what 95 % promises: how often they hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.intervals import mean_interval, proportion_interval, root_mean_interval
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.regression.rows import regression_sums

NAN = math.nan


def _moments(values: list[float]) -> Moments:
    return regression_sums([0] * len(values), 1, predicted=[0.0] * len(values), actual=values)[0].actual


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=2, max_size=50).filter(lambda v: np.ptp(v) > 0)
)
def test_the_interval_of_a_mean_is_students(values: list[float]) -> None:
    interval = mean_interval(_moments(values))

    lower, upper = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert interval is not None
    assert (interval.lower, interval.upper) == pytest.approx((lower, upper), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.integers(2, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_proportion_is_wilsons(counts: tuple[int, int]) -> None:
    successes, trials = counts

    interval = proportion_interval(successes, trials)

    expected = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert interval is not None
    assert (interval.lower, interval.upper) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_the_interval_of_a_root_mean_is_half_the_means_over_the_root() -> None:
    squares = _moments([1.0, 4.0, 9.0, 2.0, 3.0, 5.0])
    mean, root = mean_interval(squares), root_mean_interval(squares)

    assert mean is not None
    assert root is not None
    assert root.upper - root.lower == pytest.approx((mean.upper - mean.lower) / (2 * math.sqrt(4.0)))
    assert (root.upper + root.lower) / 2 == pytest.approx(2.0)


def test_fewer_than_two_rows_have_no_interval() -> None:
    assert mean_interval(Moments()) is None
    assert mean_interval(_moments([3.0])) is None
    assert root_mean_interval(_moments([3.0])) is None
    assert proportion_interval(0, 0) is None
    assert proportion_interval(1, 1) is None


def test_an_interval_stays_inside_what_the_metric_can_be() -> None:
    [regression] = regression_sums([0, 0], 1, predicted=[0.0, 9.0], actual=[0.0, 0.0])
    [binary] = binary_sums([0, 0], 1, predicted=[NAN, NAN], proba=[0.0, 1.0], actual=[0.0, 0.0], threshold=0.5)

    answers = {answer.metric: answer for answer in [*evaluate(regression), *evaluate(binary)]}

    assert [answers[name].lower for name in ("mae", "rmse", "brier", "log_loss")] == [0.0] * 4
    assert answers["brier"].upper == 1.0


def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_windows() -> None:
    windows, rows = 2_000, 200
    random = np.random.default_rng(20_130_701)
    codes = np.repeat(np.arange(windows), rows)
    error = random.normal(0.0, 3.0, codes.size)
    zeros = np.zeros(codes.size)
    right = (random.random(codes.size) < 0.8).astype(float)

    regression = regression_sums(codes, windows, predicted=error, actual=zeros)
    binary = binary_sums(codes, windows, predicted=right, proba=zeros + NAN, actual=zeros + 1, threshold=0.5)

    truth = {"mae": 3.0 * math.sqrt(2 / math.pi), "rmse": 3.0, "bias": 0.0, "accuracy": 0.8}
    held = dict.fromkeys(truth, 0)
    for sums in [*regression, *binary]:
        for answer in evaluate(sums):
            if answer.metric in truth and answer.lower is not None and answer.upper is not None:
                held[answer.metric] += answer.lower <= truth[answer.metric] <= answer.upper
    assert {name: 0.93 <= count / windows <= 0.97 for name, count in held.items()} == dict.fromkeys(truth, True), held
