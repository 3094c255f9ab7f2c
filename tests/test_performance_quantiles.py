"""Quantiles of logarithmic histograms: within 1 % of numpy's, the same bits however the rows are divided."""

import doctest
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.performance.mergeable import log_histogram
from monitoring_pipeline.performance.mergeable.log_histogram import RELATIVE_ACCURACY, LogHistogram, value_of
from monitoring_pipeline.performance.quantiles import quantile_estimate, rank_interval
from monitoring_pipeline.performance.rows.grouping import Grouping
from monitoring_pipeline.performance.rows.log_cells import log_cells, log_histograms
from monitoring_pipeline.performance.values import Estimate, UndefinedReason

SMALLEST_NORMAL = sys.float_info.min

normal_double = st.one_of(st.just(0.0), st.floats(SMALLEST_NORMAL, sys.float_info.max))
share = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0]))


def _histogram(values: list[float]) -> LogHistogram:
    grouping, _ = Grouping.sorting([0] * len(values), 1)
    return log_histograms(grouping, np.array(values, dtype=float))[0]


@settings(deadline=None)
@given(st.lists(normal_double, min_size=1, max_size=60), share)
def test_a_quantile_is_within_one_percent_of_numpys(values: list[float], probability: float) -> None:
    found = _histogram(values).quantile(probability)

    exact = np.quantile(values, probability, method="inverted_cdf")
    assert abs(found - exact) <= RELATIVE_ACCURACY * exact
    assert abs(found - exact) <= RELATIVE_ACCURACY * found


@settings(deadline=None)
@given(st.lists(st.floats(0, sys.float_info.max), max_size=40), st.integers(1, 4))
def test_merged_parts_are_the_histogram_of_all_rows_in_any_order(values: list[float], parts: int) -> None:
    codes = [at % parts for at in range(len(values))]
    grouping, order = Grouping.sorting(codes, parts)
    histograms = log_histograms(grouping, np.array(values, dtype=float)[order])

    forwards, backwards = LogHistogram.merged(histograms), LogHistogram.merged(histograms[::-1])

    assert repr(forwards) == repr(backwards) == repr(_histogram(values)) == repr(_histogram(values[::-1]))
    assert forwards.count == len(values)
    assert repr(LogHistogram.from_json(json.loads(json.dumps(forwards.to_json())))) == repr(forwards)


@settings(deadline=None)
@given(st.floats(SMALLEST_NORMAL, sys.float_info.max))
def test_a_values_cell_is_the_one_whose_edges_enclose_it(value: float) -> None:
    [cell] = log_cells(np.array([value])).tolist()

    assert cell == pytest.approx((math.log2(value) + 1) * 36 - 0.5, abs=0.5 + 1e-6)
    assert abs(value_of(cell) - value) <= RELATIVE_ACCURACY * min(value, value_of(cell))


def test_powers_of_two_begin_their_cell() -> None:
    cells = log_cells(np.array([1.0, math.nextafter(1.0, 0.0), 2.0, 0.5])).tolist()

    assert cells == [36, 35, 72, 0]


def test_zeros_are_counted_apart_and_values_beyond_the_doubles_stay_on_top() -> None:
    histogram = _histogram([0.0, -0.0, 3.0, math.inf, 1e308])

    assert (histogram.zero_count, histogram.count) == (2, 5)
    assert histogram.at_rank(2) == 0.0
    assert histogram.at_rank(3) == pytest.approx(3.0, rel=RELATIVE_ACCURACY)
    assert histogram.at_rank(4) == pytest.approx(1e308, rel=RELATIVE_ACCURACY)
    assert histogram.at_rank(5) == math.inf


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_values_that_no_logarithm_holds_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        _histogram([1.0, value])


def test_a_quantile_of_nothing_or_of_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="none with the rank 1"):
        LogHistogram().quantile(0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        _histogram([1.0]).quantile(1.5)


@settings(deadline=None)
@given(st.integers(1, 100_000), st.floats(0.001, 0.999))
def test_the_ranks_of_an_interval_are_scipys_binomial_quantiles(count: int, probability: float) -> None:
    lower, upper = rank_interval(count, probability)

    held = stats.binom.cdf(upper - 1, count, probability) - stats.binom.cdf(lower - 1, count, probability)
    assert lower == stats.binom.ppf(0.025, count, probability)
    assert upper == stats.binom.ppf(0.975, count, probability) + 1
    assert held >= 0.95 - 1e-9


def test_an_interval_needs_a_row_above_it_and_holds_the_value_and_its_bound() -> None:
    few, enough = _histogram([float(n) for n in range(1, 21)]), _histogram([float(n) for n in range(1, 101)])

    without, with_interval = quantile_estimate(few, 0.95), quantile_estimate(enough, 0.9)

    assert isinstance(without, Estimate)
    assert without.interval is None
    assert isinstance(with_interval, Estimate)
    assert with_interval.interval is not None
    assert with_interval.error_bound is not None
    assert with_interval.error_bound == pytest.approx(0.01 * with_interval.value)
    assert with_interval.interval.lower <= with_interval.value - with_interval.error_bound
    assert with_interval.interval.upper >= with_interval.value + with_interval.error_bound
    lower, upper = rank_interval(100, 0.9)
    assert with_interval.interval.lower <= lower < 90.0 < upper <= with_interval.interval.upper


def test_a_quantile_outside_what_doubles_hold_precisely_has_a_reason() -> None:
    assert quantile_estimate(_histogram([math.inf]), 0.5) is UndefinedReason.OVERFLOW
    assert quantile_estimate(_histogram([5e-324]), 0.5) is UndefinedReason.UNDERFLOW


def test_the_examples_in_the_documentation_hold() -> None:
    result = doctest.testmod(log_histogram, optionflags=doctest.ELLIPSIS)

    assert (result.failed, result.attempted > 0) == (0, True)
