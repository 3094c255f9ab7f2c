"""The change along a line against scipy's regression, and how often it falls where nothing does."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.performance.trend import FEWEST_WINDOWS, change_along_line
from monitoring_pipeline.performance.values import Estimate, Interval, UndefinedReason

VALUES = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=FEWEST_WINDOWS, max_size=40)


def windows(values: Iterable[float], *, below: float = 0.0, above: float = 0.0) -> list[Estimate]:
    return [Estimate(value=v, interval=Interval(lower=v - below, upper=v + above)) for v in map(float, values)]


def change(found: Sequence[Estimate]) -> tuple[float, float, float]:
    told = change_along_line(found)
    assert isinstance(told, Estimate)
    assert told.interval is not None
    return told.value, told.interval.lower, told.interval.upper


@given(VALUES)
def test_by_scatter_alone_it_is_the_interval_of_the_regression(values: list[float]) -> None:
    span = len(values) - 1

    value, lower, upper = change([Estimate(value=v) for v in values])

    # scipy's error of a constant is not a number.
    line = stats.linregress(range(len(values)), values)
    error = line.stderr if np.ptp(values) else 0.0
    half = stats.t.ppf(0.975, span - 1) * error * span
    assert value == pytest.approx(line.slope * span, abs=1e-9)
    # Where the points lie on the line, scipy's own error is what is left of rounding: 1e-8 of the values.
    assert (lower, upper) == pytest.approx((value - half, value + half), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("count", [4, 5, 7, 30])
def test_by_sampling_alone_it_is_the_error_of_the_weighted_sum_of_windows(count: int) -> None:
    values = np.linspace(0.9, 0.8, count)
    design = np.column_stack([np.ones(count), np.arange(count)])

    value, lower, upper = change(windows(values, below=0.02, above=0.02))

    covariance = np.linalg.inv(design.T @ design) * 0.02**2
    half = math.sqrt(covariance[1, 1]) * (count - 1)
    assert (value, lower, upper) == pytest.approx((-0.1, -0.1 - half, -0.1 + half), abs=1e-12)


def test_the_larger_of_both_noises_counts() -> None:
    scattered = [1.0, 3.0, 0.0, 2.0]
    by_scatter = change([Estimate(value=v) for v in scattered])

    assert change(windows(scattered, below=1e-3, above=1e-3)) == pytest.approx(by_scatter, rel=1e-12)
    assert change(windows(scattered, below=9.0, above=9.0))[1] < by_scatter[1]


def test_a_window_without_an_interval_leaves_the_scatter() -> None:
    known = windows([1.0, 3.0, 0.0], below=9.0, above=9.0)

    assert change([*known, Estimate(value=2.0)]) == change([Estimate(value=v) for v in (1.0, 3.0, 0.0, 2.0)])


def test_lopsided_intervals_reach_as_far_as_each_windows_own_side() -> None:
    # The first and the last window of four weigh 0.9, those between 0.3; the early ones count against the change.
    _, lower, upper = change(windows([0.5] * 4, below=0.1, above=0.0))

    assert upper == pytest.approx(math.hypot(0.9, 0.3) * 0.1)
    assert lower == pytest.approx(-math.hypot(0.9, 0.3) * 0.1)
    early_low = [*windows([0.5] * 2, below=0.1), *windows([0.5] * 2)]
    assert change(early_low)[1] == 0.0
    assert change(early_low)[2] == pytest.approx(math.hypot(0.9, 0.3) * 0.1)


@given(VALUES)
def test_what_falls_forwards_rises_backwards(values: list[float]) -> None:
    forwards = change(windows(values, below=0.5, above=2.0))

    backwards = change(windows(values[::-1], below=0.5, above=2.0))

    value, lower, upper = backwards
    assert forwards == pytest.approx((-value, -upper, -lower), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1e308] * 4, (0.0, 0.0, 0.0)),
        ([0.0] * 4, (0.0, 0.0, 0.0)),
        ([5e-324] * 4, (0.0, 0.0, 0.0)),
        ([1e308, -1e308, 1e308, -1e308], None),
        ([-1.7e308, -1.7e308, 1.7e308, 1.7e308], None),
        ([1e308, 1e308, 1e308, 0.0], None),
    ],
)
def test_values_at_the_edge_of_the_doubles_have_a_change_or_a_reason(
    values: list[float], expected: tuple[float, float, float] | None
) -> None:
    found = [Estimate(value=v) for v in values]

    if expected is None:
        assert change_along_line(found) is UndefinedReason.OVERFLOW
    else:
        assert change(found) == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=9))
def test_any_values_have_finite_numbers_or_a_reason(values: list[float]) -> None:
    told = change_along_line([Estimate(value=v) for v in values])

    if isinstance(told, Estimate):
        assert told.interval is not None
        assert all(map(math.isfinite, (told.value, told.interval.lower, told.interval.upper)))
        assert told.interval.lower <= told.value <= told.interval.upper
    else:
        assert told is UndefinedReason.OVERFLOW


def test_three_windows_are_no_trend() -> None:
    with pytest.raises(ValueError, match="4 windows or more, not 3"):
        change_along_line(windows([3.0, 2.0, 1.0]))


@pytest.mark.parametrize(
    ("count", "weather", "documented"), [(4, 0.0, 0.006), (4, 1.0, 0.014), (4, 3.0, 0.024), (14, 3.0, 0.025)]
)
def test_series_that_go_nowhere_fall_as_seldom_as_documented(count: int, weather: float, documented: float) -> None:
    rng, series = np.random.default_rng(count), 8_000
    levels = rng.normal(scale=math.hypot(1.0, weather), size=(series, count))

    fell = np.mean([change(windows(row, below=1.96, above=1.96))[2] < 0.0 for row in levels])

    assert fell == pytest.approx(documented, abs=4 * math.sqrt(documented / series))


@pytest.mark.parametrize(("count", "fall"), [(4, 7.6), (7, 4.1)])
def test_a_fall_of_the_documented_size_is_seen_in_four_of_five_cases(count: int, fall: float) -> None:
    rng, series = np.random.default_rng(count), 2_000
    levels = np.linspace(0.0, -fall, count) + rng.normal(size=(series, count))

    seen = np.mean([change(windows(row, below=1.96, above=1.96))[2] < 0.0 for row in levels])

    assert 0.77 <= seen <= 0.84
