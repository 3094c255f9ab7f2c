"""Areas under curves: exact from rows, within their stated bound from the score histogram, which merges exactly."""

import doctest
import json
import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from monitoring_pipeline.performance.binary import curves
from monitoring_pipeline.performance.binary.curves import average_precision_of_rows, roc_auc_of_rows, roc_curve_of
from monitoring_pipeline.performance.binary.metrics import pr_auc, roc_auc
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.mergeable import score_histogram
from monitoring_pipeline.performance.mergeable.score_histogram import (
    LAST_CELL,
    MIDDLE_CELL,
    ScoreHistogram,
    cell_of,
    is_one_probability,
    probability_of_cell,
)
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.performance.values import Estimate, UndefinedReason

NAN = math.nan
SMALLEST = 2.0**-53

near_an_end = st.integers(1, 1074).map(lambda n: 2.0**-n)
probability = st.one_of(
    st.floats(0, 1),
    st.sampled_from([0.0, 0.1, 0.3, 0.30000000000000004, 0.5, 0.7, 1.0]),
    near_an_end,
    near_an_end.map(lambda q: 1 - q),
)
LabelledRows = list[tuple[int, float]]
labelled_rows: st.SearchStrategy[LabelledRows] = st.lists(st.tuples(st.integers(0, 1), probability), max_size=60).map(
    lambda rows: [(0, 0.2), (1, 0.3), *rows]
)
any_rows = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0, NAN]), probability), max_size=60)


def _sums(rows: LabelledRows, threshold: float = 0.5) -> BinarySums:
    actual, proba = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [])
    without = [NAN] * len(rows)
    return binary_sums([0] * len(rows), 1, predicted=without, proba=proba, actual=actual, threshold=threshold)[0]


def _histograms(rows: list[tuple[int, float, float]], group_count: int) -> list[ScoreHistogram]:
    codes, actual, proba = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    without = [NAN] * len(rows)
    sums = binary_sums(codes, group_count, predicted=without, proba=proba, actual=actual, threshold=0.3)
    return [one.scores for one in sums]


@settings(deadline=None)
@given(labelled_rows)
def test_areas_of_rows_equal_scikit_learn(rows: LabelledRows) -> None:
    actual, score = zip(*rows, strict=True)

    area, precision = roc_auc_of_rows(actual, score), average_precision_of_rows(actual, score)

    assert isinstance(area, Estimate)
    assert isinstance(precision, Estimate)
    assert area.value == pytest.approx(oracle.roc_auc_score(actual, score), rel=1e-9)
    assert precision.value == pytest.approx(oracle.average_precision_score(actual, score), rel=1e-9)
    assert area.error_bound is None
    assert precision.error_bound is None


@settings(deadline=None, max_examples=300)
@given(labelled_rows, st.floats(0.1, 0.9))
def test_areas_of_a_histogram_are_within_their_bound_of_scikit_learn(rows: LabelledRows, threshold: float) -> None:
    actual, score = zip(*rows, strict=True)
    sums = _sums(rows, threshold)

    for answer, exact in (
        (roc_auc(sums), oracle.roc_auc_score(actual, score)),
        (pr_auc(sums), oracle.average_precision_score(actual, score)),
    ):
        assert isinstance(answer, Estimate)
        assert abs(answer.value - exact) <= (answer.error_bound or 0.0) + 1e-12
        if answer.interval:
            assert 0 <= answer.interval.lower <= answer.value <= answer.interval.upper <= 1


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_real_ties_at_the_points_of_the_scale_leave_nothing_unknown(score: float) -> None:
    sums = _sums([(0, score), (1, score)] * 5)

    assert roc_auc(sums) == roc_auc_of_rows([0, 1] * 5, [score] * 10)
    assert pr_auc(sums) == average_precision_of_rows([0, 1] * 5, [score] * 10)


def test_a_constant_score_is_worth_guessing_and_the_bound_owns_up_to_the_cell() -> None:
    answer = roc_auc(_sums([(0, 0.3), (1, 0.3)] * 5))

    assert isinstance(answer, Estimate)
    assert (answer.value, answer.error_bound) == (0.5, 0.5)


def test_scores_of_a_good_model_have_a_small_bound() -> None:
    random = np.random.default_rng(1)
    score = random.beta(0.6, 5.4, 1_400)
    actual = (random.random(1_400) < score).astype(int)

    area, precision = (metric(_sums(list(zip(actual, score, strict=True)))) for metric in (roc_auc, pr_auc))

    assert isinstance(area, Estimate)
    assert isinstance(precision, Estimate)
    assert area.error_bound is not None
    assert precision.error_bound is not None
    assert area.error_bound < 0.003
    assert precision.error_bound < 0.02
    assert abs(area.value - oracle.roc_auc_score(actual, score)) < 0.0005


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(1, 0.7), (1, 0.2)], UndefinedReason.NO_ACTUAL_NEGATIVES),
        ([(0, 0.7), (0, 0.2)], UndefinedReason.NO_ACTUAL_POSITIVES),
        ([(0, NAN), (1, NAN)], UndefinedReason.NO_PROBABILITIES),
    ],
)
def test_an_area_needs_both_classes_among_the_scored_rows(rows: LabelledRows, reason: UndefinedReason) -> None:
    sums = _sums(rows)

    assert (roc_auc(sums), pr_auc(sums)) == (reason, reason)


def test_areas_of_rows_say_why_they_have_no_value_and_refuse_what_is_no_truth() -> None:
    assert roc_auc_of_rows([], []) is UndefinedReason.NO_LABELS
    assert average_precision_of_rows([0, 0], [0.1, 0.2]) is UndefinedReason.NO_ACTUAL_POSITIVES
    for actual, score in (([2], [0.5]), ([1], [NAN]), ([NAN], [0.5]), ([0, 1], [0.5])):
        with pytest.raises(ValueError, match="0 or 1 and a finite score"):
            roc_auc_of_rows(actual, score)


def test_classes_that_do_not_overlap_are_not_certain_to_stay_apart() -> None:
    apart = _sums([(0, 0.1), (1, 0.9)] * 10)

    for metric in (roc_auc, pr_auc):
        answer = metric(apart)
        assert isinstance(answer, Estimate)
        assert answer.interval is not None
        assert answer.value == answer.interval.upper == 1.0
        assert answer.interval.lower == pytest.approx(0.7225, abs=1e-4)  # Wilson: 10 of 10


def test_one_row_of_a_class_has_no_interval() -> None:
    sums = _sums([(1, 0.7), (0, 0.2), (0, 0.9)])

    for metric in (roc_auc, pr_auc):
        answer = metric(sums)
        assert isinstance(answer, Estimate)
        assert answer.interval is None


@settings(deadline=None)
@given(labelled_rows)
def test_the_roc_curve_of_a_histogram_has_the_area_of_the_metric(rows: LabelledRows) -> None:
    sums = _sums(rows)

    curve = roc_curve_of(sums.scores)

    area = roc_auc(sums)
    assert isinstance(curve, list)
    assert isinstance(area, Estimate)
    assert (curve[0].true_positive_rate, curve[-1].true_positive_rate) == (0.0, 1.0)
    x, y = [point.false_positive_rate for point in curve], [point.true_positive_rate for point in curve]
    assert oracle.auc(x, y) == pytest.approx(area.value, abs=1e-9)


@settings(deadline=None)
@given(data=st.data(), rows=any_rows)
def test_merged_histograms_are_that_of_all_rows_in_every_order(
    data: st.DataObject, rows: list[tuple[int, float, float]]
) -> None:
    parts = data.draw(st.permutations(_histograms(rows, 4)))
    [whole] = _histograms([(0, *row[1:]) for row in rows], 1)

    assert repr(ScoreHistogram.merged(parts)) == repr(whole)
    assert repr(ScoreHistogram.merged([ScoreHistogram.merged(parts[:2]), *parts[2:]])) == repr(whole)


@settings(deadline=None)
@given(any_rows)
def test_a_histogram_reads_back_from_json(rows: list[tuple[int, float, float]]) -> None:
    for histogram in _histograms(rows, 4):
        text = json.dumps(histogram.to_json(), allow_nan=False)

        assert repr(ScoreHistogram.from_json(json.loads(text))) == repr(histogram)


@settings(deadline=None)
@given(any_rows)
def test_each_scored_row_is_counted_once_with_what_became_of_it(rows: list[tuple[int, float, float]]) -> None:
    [histogram] = _histograms([(0, *row[1:]) for row in rows], 1)

    says_yes = np.array(histogram.said_yes) == 1
    for name, belongs in (
        ("unlabelled", math.isnan),
        ("negatives", lambda actual: actual == 0),
        ("positives", lambda actual: actual == 1),
    ):
        counts = histogram.column(name)
        assert counts.sum() == sum(belongs(actual) for _, actual, _ in rows)
        assert counts[says_yes].sum() == sum(belongs(actual) and score >= 0.3 for _, actual, score in rows)


def test_rows_that_cannot_be_judged_or_have_no_probability_are_in_no_cell() -> None:
    [sums] = binary_sums(
        [0] * 5,
        1,
        predicted=[1, 1, NAN, NAN, NAN],
        proba=[NAN, NAN, 1.5, -0.1, 0.4],
        actual=[1, NAN, NAN, 1, 2],
        threshold=0.5,
    )

    assert sums.scores == ScoreHistogram()
    assert sums.reliability.count == 0


@settings(deadline=None, max_examples=300)
@given(st.lists(probability, min_size=1))
def test_cells_keep_the_order_and_stay_close_to_their_probabilities(values: list[float]) -> None:
    scores = np.sort(np.array(values))

    cells = cell_of(scores)

    distance = np.minimum(scores, 1 - scores)
    assert (np.diff(cells) >= 0).all()
    assert cells.min() >= 0
    assert cells.max() <= LAST_CELL
    assert (np.abs(probability_of_cell(cells) - scores) <= np.maximum(distance / 64, SMALLEST)).all()
    assert set(scores[is_one_probability(cells)]) <= {0.0, 0.5, 1.0}


def test_cells_are_numbered_from_zero_over_one_half_to_one() -> None:
    scores = np.array([0.0, -0.0, 5e-324, SMALLEST, 0.5, 1 - SMALLEST, 1.0])

    assert cell_of(scores).tolist() == [0, 0, 1, 2, MIDDLE_CELL, LAST_CELL - 2, LAST_CELL]


def test_a_cell_is_split_at_the_threshold() -> None:
    sums = _sums([(0, 0.3), (1, 0.3001)], threshold=0.3001)

    assert sums.scores.cells[0] == sums.scores.cells[1]
    assert sums.scores.said_yes == (0, 1)
    assert roc_auc(sums) == Estimate(value=1.0)


def test_the_areas_of_a_day_are_those_of_its_rows_and_not_of_its_hours() -> None:
    random = np.random.default_rng(3)
    score, actual = random.random(600).round(2), random.integers(0, 2, 600)
    hours = binary_sums(
        np.repeat(np.arange(24), 25), 24, predicted=[NAN] * 600, proba=score, actual=actual, threshold=0.5
    )

    day = roc_auc(merge(hours))

    assert day == roc_auc(_sums(list(zip(actual, score, strict=True))))


@pytest.mark.parametrize("module", [curves, score_histogram])
def test_the_examples_in_the_documentation_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0
