"""Averages over classes: scikit-learn's values, intervals against numerical derivatives, coverage, the table."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from monitoring_pipeline.performance.confusion_matrix import ConfusionMatrix, confusion_matrix
from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.multiclass import metrics
from monitoring_pipeline.performance.multiclass.averages import PSEUDO_ROWS
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.values import Estimate

Floats = npt.NDArray[np.float64]
AVERAGES = ("macro_precision", "macro_recall", "macro_f1", "weighted_precision", "weighted_f1")
NAMES = np.array(list("abcdefghij"), dtype=object)


def _sums(pairs: list[tuple[str, str]]) -> MulticlassSums:
    actual, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    without = [math.nan] * len(pairs)
    return multiclass_sums([0] * len(pairs), 1, predicted=said, actual=actual, actual_probability=without)[0]


def _plain(name: str, table: Floats) -> float:
    """An average over the classes of a table of shares, by its definition."""
    right, predicted, actual = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    scores = {"precision": right / predicted, "recall": right / actual, "f1": 2 * right / (predicted + actual)}
    average, score = name.split("_")
    return float(scores[score].mean() if average == "macro" else (actual * scores[score]).sum() / actual.sum())


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=60))
def test_micro_averages_equal_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    answers = {answer.metric: answer for answer in evaluate(_sums(pairs))}

    actual, said = zip(*pairs, strict=True)
    precision, recall, f1, _ = oracle.precision_recall_fscore_support(actual, said, average="micro")
    for name, expected in (("micro_precision", precision), ("micro_recall", recall), ("micro_f1", f1)):
        assert answers[name].value == pytest.approx(expected, rel=1e-9)
        assert (answers[name].lower, answers[name].upper) == (answers["accuracy"].lower, answers["accuracy"].upper)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), min_size=1, max_size=60))
def test_each_interval_holds_its_value_between_zero_and_one(pairs: list[tuple[str, str]]) -> None:
    sums = _sums(pairs)

    for name in AVERAGES:
        answer = getattr(metrics, name)(sums)
        if answer.interval:
            assert len(pairs) > 1
            assert 0 <= answer.interval.lower <= answer.value <= answer.interval.upper <= 1
            assert answer.interval.lower < answer.interval.upper


@pytest.mark.parametrize("name", AVERAGES)
def test_the_interval_is_that_of_the_delta_method_with_numerical_derivatives(name: str) -> None:
    counts = np.array([[40.0, 5.0, 1.0], [7.0, 20.0, 3.0], [2.0, 0.0, 9.0]])
    pairs = [("abc"[i], "abc"[j]) for i, j in np.ndindex(3, 3) for _ in range(int(counts[i, j]))]
    n = counts.sum()

    answer = getattr(metrics, name)(_sums(pairs))

    independent = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n**2
    table = (counts + PSEUDO_ROWS * independent) / (n + PSEUDO_ROWS)
    step = 1e-6
    slopes = np.zeros((3, 3))
    for i, j in itertools.product(range(3), range(3)):
        moved = np.zeros((3, 3))
        moved[i, j] = step
        # The average without dividing by the total: weighted ones are of degree 0 in the table anyway.
        slopes[i, j] = (_plain(name, table + moved) - _plain(name, table - moved)) / (2 * step)
    error = math.sqrt(((table * slopes**2).sum() - (table * slopes).sum() ** 2) / n)
    centre = _plain(name, table)
    logit, half_width = math.log(centre / (1 - centre)), NORMAL_QUANTILE * error / (centre * (1 - centre))
    expected = [1 / (1 + math.exp(-logit + side * half_width)) for side in (1, -1)]
    assert answer.interval is not None
    assert [answer.interval.lower, answer.interval.upper] == pytest.approx(expected, rel=1e-6)


def test_ten_right_answers_do_not_make_a_perfect_model() -> None:
    answer = metrics.macro_f1(_sums([("a", "a"), ("b", "b")] * 5))

    assert isinstance(answer, Estimate)
    assert answer.interval is not None
    assert answer.value == answer.interval.upper == 1.0
    assert 0.3 < answer.interval.lower < 0.9


def test_an_average_that_cannot_vary_has_no_interval() -> None:
    # One class happened: of it every answer is right, of each other class every answer is wrong, whatever the model.
    answer = metrics.macro_precision(_sums([("a", "a"), ("a", "b"), ("a", "a")]))

    assert answer == Estimate(value=0.5)


def test_weighted_recall_is_accuracy_with_its_interval() -> None:
    sums = _sums([("a", "a"), ("b", "a"), ("b", "b"), ("c", "c")])

    assert metrics.weighted_recall(sums) == metrics.accuracy(sums)


def test_the_confusion_matrix_names_every_class_that_occurs() -> None:
    table = confusion_matrix(_sums([("a", "a"), ("a", "c"), ("b", "a"), ("b", "b"), ("b", "b")]))

    assert table == ConfusionMatrix(classes=("a", "b", "c"), counts=((1, 0, 1), (1, 2, 0), (0, 0, 0)))
    assert table.row_shares() == ((0.5, 0.0, 0.5), (1 / 3, 2 / 3, 0.0), (None, None, None))
    assert confusion_matrix(_sums([])) == ConfusionMatrix(classes=(), counts=())


def _table(prior: list[float], right: list[float]) -> Floats:
    """Shares of rows by actual and predicted class; errors go evenly to the other classes."""
    k = len(prior)
    table = np.array([[p * (1 - r) / (k - 1)] * k for p, r in zip(prior, right, strict=True)])
    np.fill_diagonal(table, np.array(prior) * np.array(right))
    return table


TABLES = {
    "three even classes": _table([1 / 3] * 3, [0.8] * 3),
    "five uneven classes": _table([0.5, 0.2, 0.1, 0.1, 0.1], [0.8, 0.6, 0.5, 0.5, 0.4]),
    "ten even classes": _table([0.1] * 10, [0.7] * 10),
    "a very good model": _table([1 / 3] * 3, [0.98] * 3),
}


def _coverage(table: Floats, *, rows: int, windows: int) -> dict[str, float]:
    random = np.random.default_rng(20_130_703)
    k = len(table)
    cells = random.choice(k * k, size=rows * windows, p=table.ravel() / table.sum())
    all_sums = multiclass_sums(
        np.repeat(np.arange(windows), rows),
        windows,
        predicted=NAMES[cells % k],
        actual=NAMES[cells // k],
        actual_probability=np.full(cells.size, math.nan),
    )
    return {name: _share_that_holds(getattr(metrics, name), _plain(name, table), all_sums) for name in AVERAGES}


def _share_that_holds(metric: Callable[[MulticlassSums], Estimate], truth: float, sums: list[MulticlassSums]) -> float:
    intervals = [metric(one).interval for one in sums]
    return sum(one is not None and one.lower <= truth <= one.upper for one in intervals) / len(sums)


def _outside(covered: dict[str, float], *, chance: float) -> dict[str, float]:
    return {name: share for name, share in covered.items() if not 0.93 - chance <= share <= 0.97 + chance}


@pytest.mark.parametrize("name", ["five uneven classes", "a very good model"])
def test_95_percent_intervals_hold_the_truth_in_most_windows(name: str) -> None:
    covered = _coverage(TABLES[name], rows=200, windows=400)

    assert not _outside(covered, chance=0.03)  # three standard errors of 95 % in 400 windows


@pytest.mark.long
@pytest.mark.parametrize("rows", [200, 1_000])
@pytest.mark.parametrize("name", TABLES)
def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_windows(name: str, rows: int) -> None:
    covered = _coverage(TABLES[name], rows=rows, windows=2_000)

    assert not _outside(covered, chance=0.005)
