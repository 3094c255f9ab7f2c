"""Intervals of what is told from the four counts: against hand-made arithmetic, and sound at the edges."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.binary.metrics import balanced_accuracy, f1, mcc
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.confusion_matrix import ConfusionMatrix, confusion_matrix
from monitoring_pipeline.performance.delta import logit_interval
from monitoring_pipeline.performance.intervals import proportion_interval
from monitoring_pipeline.performance.values import Estimate, Interval

counts_of_cells = st.tuples(*[st.integers(0, 30)] * 4)


def _sums(tp: int, fp: int, fn: int, tn: int) -> BinarySums:
    said = [1.0] * (tp + fp) + [0.0] * (fn + tn)
    actual = [1.0] * tp + [0.0] * fp + [1.0] * fn + [0.0] * tn
    return binary_sums([0] * len(said), 1, predicted=said, proba=[math.nan] * len(said), actual=actual, threshold=0.5)[
        0
    ]


@settings(deadline=None)
@given(counts_of_cells)
def test_each_interval_holds_its_value_within_what_it_can_be(cells: tuple[int, int, int, int]) -> None:
    sums = _sums(*cells)

    for metric, lowest in ((f1, 0.0), (balanced_accuracy, 0.0), (mcc, -1.0)):
        answer = metric(sums)
        if isinstance(answer, Estimate) and answer.interval is not None:
            assert lowest <= answer.interval.lower <= answer.value <= answer.interval.upper <= 1.0
            assert answer.interval.lower < answer.interval.upper


def test_f1_has_the_interval_of_the_jaccard_share() -> None:
    answer = f1(_sums(tp=40, fp=10, fn=30, tn=500))

    jaccard = proportion_interval(40, 80)
    assert jaccard is not None
    assert isinstance(answer, Estimate)
    assert answer.interval is not None
    assert answer.value == pytest.approx(2 * 0.5 / 1.5)
    assert answer.interval.lower == pytest.approx(2 * jaccard.lower / (1 + jaccard.lower))
    assert answer.interval.upper == pytest.approx(2 * jaccard.upper / (1 + jaccard.upper))


def test_balanced_accuracy_adds_the_distances_of_two_wilson_intervals_as_squares() -> None:
    answer = balanced_accuracy(_sums(tp=8, fp=20, fn=2, tn=80))

    recall, specificity = proportion_interval(8, 10), proportion_interval(80, 100)
    assert recall is not None
    assert specificity is not None
    assert isinstance(answer, Estimate)
    assert answer.interval is not None
    down = math.sqrt((0.8 - recall.lower) ** 2 + (0.8 - specificity.lower) ** 2) / 2
    up = math.sqrt((recall.upper - 0.8) ** 2 + (specificity.upper - 0.8) ** 2) / 2
    assert (answer.interval.lower, answer.interval.upper) == pytest.approx((0.8 - down, 0.8 + up))


def test_ten_right_answers_do_not_make_a_perfect_model() -> None:
    answer = mcc(_sums(tp=5, fp=0, fn=0, tn=5))

    assert isinstance(answer, Estimate)
    assert answer.interval is not None
    assert answer.value == answer.interval.upper == 1.0
    assert 0.0 < answer.interval.lower < 0.5


def test_the_logit_interval_stays_between_zero_and_one_however_large_the_error() -> None:
    assert logit_interval(0.5, 1e6) == Interval(lower=0.0, upper=1.0)


def test_the_confusion_matrix_of_a_yes_no_model_has_truth_in_rows() -> None:
    table = confusion_matrix(_sums(tp=4, fp=3, fn=2, tn=1))

    assert table == ConfusionMatrix(classes=("0", "1"), counts=((1, 3), (2, 4)))
    assert table.row_shares() == ((0.25, 0.75), (2 / 6, 4 / 6))
    assert confusion_matrix(_sums(0, 0, 0, 2)).row_shares() == ((1.0, 0.0), (None, None))
