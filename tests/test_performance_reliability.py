"""The reliability curve and the expected calibration error: against plain arithmetic, and merged bit for bit."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.binary.curves import reliability_curve
from monitoring_pipeline.performance.binary.metrics import ece
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.intervals import proportion_interval
from monitoring_pipeline.performance.mergeable.reliability import ReliabilityBins
from monitoring_pipeline.performance.values import Estimate, UndefinedReason

NAN = math.nan
Row = tuple[int, float, float]
rows_of_groups = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0]), st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.9, 1.0])),
    max_size=60,
)


def _bins(rows: list[Row], group_count: int) -> list[ReliabilityBins]:
    codes, actual, proba = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    without = [NAN] * len(rows)
    sums = binary_sums(codes, group_count, predicted=without, proba=proba, actual=actual, threshold=0.5)
    return [one.reliability for one in sums]


def _ece(actual: list[float], proba: list[float]) -> Estimate | UndefinedReason:
    [sums] = binary_sums([0] * len(actual), 1, predicted=[1.0] * len(actual), proba=proba, actual=actual, threshold=0.5)
    return ece(sums)


@settings(deadline=None)
@given(rows_of_groups.filter(bool))
def test_the_calibration_error_is_what_its_definition_says(rows: list[Row]) -> None:
    _, actual, proba = (list(column) for column in zip(*rows, strict=True))

    answer = _ece(actual, proba)

    y, p = np.array(actual), np.array(proba)
    numbers = np.minimum(np.floor(p * 10), 9)
    expected = sum(
        abs(y[numbers == n].mean() - p[numbers == n].mean()) * (numbers == n).mean() for n in np.unique(numbers)
    )
    assert isinstance(answer, Estimate)
    assert answer.value == pytest.approx(expected, abs=1e-9)
    if answer.interval:
        assert 0 <= answer.interval.lower <= answer.value <= answer.interval.upper <= 1


def test_a_calibration_error_needs_probabilities_and_two_rows_for_an_interval() -> None:
    assert _ece([0, 1], [NAN, NAN]) is UndefinedReason.NO_PROBABILITIES
    assert _ece([1], [0.75]) == Estimate(value=0.25)


def test_the_interval_of_a_calibrated_model_reaches_down_to_zero() -> None:
    answer = _ece([1.0] * 9 + [0.0] * 21, [0.3] * 30)

    assert isinstance(answer, Estimate)
    assert answer.interval is not None
    assert answer.value == pytest.approx(0.0, abs=1e-9)
    assert answer.interval.lower == 0.0
    assert answer.interval.upper > 0.1


def test_the_interval_of_a_wrong_model_does_not_reach_down_to_zero() -> None:
    answer = _ece([0.0] * 100, [0.3] * 100)

    assert isinstance(answer, Estimate)
    assert answer.interval is not None
    assert 0.2 < answer.interval.lower < answer.value < answer.interval.upper


@settings(deadline=None)
@given(data=st.data(), rows=rows_of_groups)
def test_merged_bins_are_those_of_all_rows_in_every_order(data: st.DataObject, rows: list[Row]) -> None:
    parts = data.draw(st.permutations(_bins(rows, 4)))
    [whole] = _bins([(0, *row[1:]) for row in rows], 1)

    assert ReliabilityBins.merged(parts) == whole
    assert ReliabilityBins.merged([ReliabilityBins.merged(parts[:2]), *parts[2:]]) == whole


@settings(deadline=None)
@given(rows_of_groups)
def test_bins_read_back_from_json(rows: list[Row]) -> None:
    for bins in _bins(rows, 4):
        text = json.dumps(bins.to_json(), allow_nan=False)

        assert repr(ReliabilityBins.from_json(json.loads(text))) == repr(bins)


def test_the_curve_shows_each_bin_with_its_promise_and_what_happened() -> None:
    [bins] = _bins([(0, 1.0, 0.5), (0, 0.0, 0.55), (0, 1.0, 1.0), (0, 0.0, 0.05)], 1)

    low, middle, high = reliability_curve(bins)

    assert (middle.bin_start, middle.bin_end, middle.count) == (0.5, 0.6, 2)
    assert middle.mean_probability == pytest.approx(0.525, abs=1e-9)
    assert (middle.observed_share, middle.interval) == (0.5, proportion_interval(1, 2))
    assert (low.bin_start, low.observed_share, low.interval) == (0.0, 0.0, None)
    assert (high.bin_end, high.mean_probability, high.observed_share) == (1.0, 1.0, 1.0)


def test_a_window_without_scored_truth_has_an_empty_curve() -> None:
    assert reliability_curve(ReliabilityBins()) == []
