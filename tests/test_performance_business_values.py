"""What a row is worth, against the same arithmetic done row by row."""

import doctest
import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.business import ranking, values
from monitoring_pipeline.performance.business.ranking import ranking_values
from monitoring_pipeline.performance.business.values import binary_values, multiclass_values, regression_values
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.regression.rows import regression_sums

NAN = math.nan
CELLS = {"true_positive": 100.0, "false_positive": -20.0, "true_negative": 1.0, "false_negative": -400.0}

answer = st.sampled_from([0.0, 1.0, 2.0, NAN])
probability = st.one_of(st.just(NAN), st.floats(-0.1, 1.1))
class_name = st.none() | st.sampled_from(["ant", "bee", "cat"])
number = st.one_of(st.floats(), st.floats(-1e6, 1e6))


@settings(deadline=None)
@given(rows=st.lists(st.tuples(answer, probability, answer), min_size=1, max_size=20), threshold=st.floats(0, 1))
def test_a_yes_no_row_is_worth_its_cell_of_the_confusion_matrix(
    rows: list[tuple[float, float, float]], threshold: float
) -> None:
    predicted, proba, actual = (list(column) for column in zip(*rows, strict=True))

    worth = binary_values(predicted=predicted, proba=proba, actual=actual, threshold=threshold, value=CELLS)

    [sums] = binary_sums([0] * len(rows), 1, predicted=predicted, proba=proba, actual=actual, threshold=threshold)
    counts = [sums.true_positives, sums.false_positives, sums.true_negatives, sums.false_negatives]
    assert [int((worth == cell).sum()) for cell in CELLS.values()] == counts
    assert int((~np.isnan(worth)).sum()) == sums.labelled_count


@settings(deadline=None)
@given(st.lists(st.tuples(class_name, class_name), min_size=1, max_size=20))
def test_a_class_is_worth_being_right_or_wrong(rows: list[tuple[str | None, str | None]]) -> None:
    said, true = (list(column) for column in zip(*rows, strict=True))

    worth = multiclass_values(predicted=said, actual=true, value={"correct": 2.0, "wrong": -3.0})

    [sums] = multiclass_sums([0] * len(rows), 1, predicted=said, actual=true, actual_probability=[NAN] * len(rows))
    assert int((worth == 2.0).sum()) == sums.confusion.correct_count
    assert int((worth == -3.0).sum()) == sums.labelled_count - sums.confusion.correct_count


@settings(deadline=None)
@given(st.lists(st.tuples(number, number), min_size=1, max_size=20))
def test_a_number_is_worth_its_error_at_the_price_of_its_direction(rows: list[tuple[float, float]]) -> None:
    predicted, actual = (list(column) for column in zip(*rows, strict=True))

    worth = regression_values(predicted=predicted, actual=actual, over=-1.0, under=-4.0)

    def priced(p: float, y: float) -> float:
        if not (math.isfinite(p) and math.isfinite(y)):
            return NAN
        return -(p - y) if p > y else -4 * (y - p)

    np.testing.assert_array_equal(worth, [priced(p, y) for p, y in rows])
    [sums] = regression_sums([0] * len(rows), 1, predicted=predicted, actual=actual)
    assert int((~np.isnan(worth)).sum()) == sums.labelled_count


def test_the_amount_multiplies_and_a_row_without_a_finite_one_is_not_judged() -> None:
    amount = [10.0, NAN, math.inf, 0.0, -2.0]

    binary = binary_values(
        predicted=[1] * 5, proba=[NAN] * 5, actual=[1] * 5, threshold=0.5, value={"true_positive": 3.0}, amount=amount
    )
    multiclass = multiclass_values(predicted=["a"] * 5, actual=["a"] * 5, value={"correct": 3.0}, amount=amount)
    regression = regression_values(predicted=[2.0] * 5, actual=[1.0] * 5, over=3.0, under=0.0, amount=amount)

    for worth in (binary, multiclass, regression):
        np.testing.assert_array_equal(worth, [30.0, NAN, NAN, 0.0, -6.0])


def test_an_outcome_without_a_declared_value_is_worth_nothing() -> None:
    binary = binary_values(predicted=[1, 0], proba=[NAN, NAN], actual=[1, 1], threshold=0.5, value={})
    multiclass = multiclass_values(predicted=["a", "a"], actual=["a", "b"], value={})

    assert [*binary, *multiclass] == [0.0] * 4


def test_an_error_beyond_the_doubles_is_infinite_unless_its_direction_costs_nothing() -> None:
    worth = [
        regression_values(predicted=[1e308], actual=[-1e308], over=over, under=-1.0, amount=amount)[0]
        for over, amount in ((-1.0, None), (0.0, None), (-1.0, [0.0]))
    ]

    assert worth == [-math.inf, 0.0, 0.0]


def test_a_relevant_row_counts_only_among_the_first_of_its_own_query() -> None:
    worth = ranking_values(
        [0, 1, 0, 1, 0, -1],
        score=[0.1, 0.5, 0.9, 0.4, 0.5, 1.0],
        relevance=[1, 0, 1, 2, NAN, 1],
        top_k=2,
        relevant_shown=5.0,
    )

    np.testing.assert_array_equal(worth, [0.0, 0.0, 5.0, 5.0, NAN, NAN])


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=12),
    top_k=st.integers(1, 4),
)
def test_rows_of_equal_score_share_the_last_places(rows: list[tuple[int, int, int]], top_k: int) -> None:
    query, score, relevance = (list(column) for column in zip(*rows, strict=True))

    worth = ranking_values(query, score=score, relevance=relevance, top_k=top_k, relevant_shown=1.0)

    def chance(q: int, s: int) -> float:
        above = sum(1 for other, its, _ in rows if other == q and its > s)
        equal = sum(1 for other, its, _ in rows if other == q and its == s)
        return min(max(top_k - above, 0), equal) / equal

    assert worth.tolist() == [relevant * chance(q, s) for q, s, relevant in rows]


def test_no_rows_are_worth_nothing_at_all() -> None:
    assert ranking_values([], score=[], relevance=[], top_k=3, relevant_shown=1.0).size == 0
    assert regression_values(predicted=[], actual=[], over=1.0, under=1.0).size == 0


@pytest.mark.parametrize("module", [values, ranking])
def test_the_examples_in_the_documentation_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0
