"""Metrics against scikit-learn, and against arithmetic where scikit-learn answers 0 for "not defined"."""

import doctest
import math
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from monitoring_pipeline.performance import registry
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.mergeable import moments
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.registry import KINDS, evaluate, metric_names
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.rows import columns
from monitoring_pipeline.performance.rows.columns import probability_of_actual
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.performance.values import MetricValue, UndefinedReason

NAN = math.nan
CLASSES = ["ant", "bee", "cat", "dog"]

value = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
probability = st.floats(0, 1)


def _answers(sums: Sums) -> dict[str, MetricValue]:
    return {answer.metric: answer for answer in evaluate(sums)}


def _close(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(value, value), min_size=2, max_size=60))
def test_regression_metrics_equal_scikit_learn(rows: list[tuple[float, float]]) -> None:
    actual, predicted = np.array(rows).T

    answers = _answers(regression_sums([0] * len(rows), 1, predicted=predicted, actual=actual)[0])

    assert answers["mae"].value == _close(oracle.mean_absolute_error(actual, predicted))
    assert answers["rmse"].value == _close(oracle.root_mean_squared_error(actual, predicted))
    assert answers["bias"].value == pytest.approx(np.mean(predicted - actual), rel=1e-9, abs=1e-9)
    if actual.all():
        assert answers["mape"].value == _close(oracle.mean_absolute_percentage_error(actual, predicted))
    if np.ptp(actual) > 0:
        assert answers["r2"].value == pytest.approx(oracle.r2_score(actual, predicted), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), probability), min_size=1, max_size=60), st.floats(0.1, 0.9))
def test_binary_metrics_equal_scikit_learn_where_it_defines_them(
    rows: list[tuple[bool, float]], threshold: float
) -> None:
    actual = np.array([int(row[0]) for row in rows])
    proba = np.array([row[1] for row in rows])
    said = (proba >= threshold).astype(int)

    [sums] = binary_sums(
        [0] * len(rows), 1, predicted=[NAN] * len(rows), proba=proba, actual=actual, threshold=threshold
    )
    answers = _answers(sums)

    def equal(name: str, expected: float) -> bool:
        return answers[name].value is None or answers[name].value == _close(expected)

    assert answers["accuracy"].value == _close(oracle.accuracy_score(actual, said))
    assert answers["log_loss"].value == _close(oracle.log_loss(actual, y_proba=proba, labels=[0, 1]))
    assert answers["brier"].value == _close(np.mean((proba - actual) ** 2))
    assert equal("precision", oracle.precision_score(actual, said, zero_division=0))
    assert equal("recall", oracle.recall_score(actual, said, zero_division=0))
    assert equal("specificity", oracle.recall_score(actual, said, pos_label=0, zero_division=0))
    assert equal("f1", oracle.f1_score(actual, said, zero_division=0))
    if len(set(actual)) == 2:
        assert answers["balanced_accuracy"].value == _close(oracle.balanced_accuracy_score(actual, said))
        assert answers["brier"].value == _close(oracle.brier_score_loss(actual, proba))
        assert equal("mcc", oracle.matthews_corrcoef(actual, said))
    assert (answers["precision"].value is None) == (said.sum() == 0)
    assert (answers["recall"].value is None) == (actual.sum() == 0)
    assert (answers["specificity"].value is None) == (actual.min() == 1)
    assert (answers["f1"].value is None) == (said.sum() + actual.sum() == 0)
    assert (answers["mcc"].value is None) == (len(set(actual)) < 2 or len(set(said)) < 2)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CLASSES),
            st.sampled_from(CLASSES),
            st.lists(st.floats(1e-6, 1), min_size=len(CLASSES), max_size=len(CLASSES)),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_multiclass_metrics_equal_scikit_learn(rows: list[tuple[str, str, list[float]]]) -> None:
    actual, said = [row[0] for row in rows], [row[1] for row in rows]
    weights = np.array([row[2] for row in rows])
    shares = weights / weights.sum(axis=1, keepdims=True)
    named = [dict(zip(CLASSES, row, strict=True)) for row in shares.tolist()]

    [sums] = multiclass_sums(
        [0] * len(rows), 1, predicted=said, actual=actual, actual_probability=probability_of_actual(actual, named)
    )
    answers = _answers(sums)

    assert answers["accuracy"].value == _close(oracle.accuracy_score(actual, said))
    assert answers["log_loss"].value == _close(oracle.log_loss(actual, y_proba=shares, labels=CLASSES))
    for average in ("macro", "weighted"):
        precision, recall, f1, _ = oracle.precision_recall_fscore_support(
            actual, said, average=average, zero_division=0
        )
        assert answers[f"{average}_precision"].value == _close(precision)
        assert answers[f"{average}_recall"].value == _close(recall)
        assert answers[f"{average}_f1"].value == _close(f1)


def test_certainty_that_was_wrong_costs_what_scikit_learn_says() -> None:
    [sums] = binary_sums([0, 0], 1, predicted=[NAN, NAN], proba=[0.0, 1.0], actual=[1, 0], threshold=0.5)

    assert _answers(sums)["log_loss"].value == _close(oracle.log_loss([1, 0], y_proba=[0.0, 1.0], labels=[0, 1]))


def test_mape_leaves_out_zero_actuals_and_says_how_many() -> None:
    [sums] = regression_sums([0, 0, 0], 1, predicted=[1.0, 3.0, 5.0], actual=[0.0, 2.0, -4.0])

    assert sums.zero_actual_count == 1
    assert _answers(sums)["mape"].value == pytest.approx((0.5 + 2.25) / 2)


def _regression(*, predicted: list[float], actual: list[float]) -> Sums:
    return regression_sums([0] * len(actual), 1, predicted=predicted, actual=actual)[0]


def _binary(*, predicted: list[float], actual: list[float]) -> Sums:
    without = [NAN] * len(actual)
    return binary_sums([0] * len(actual), 1, predicted=predicted, proba=without, actual=actual, threshold=0.5)[0]


@pytest.mark.parametrize(
    ("sums", "metric", "reason"),
    [
        (_regression(predicted=[1.0], actual=[NAN]), "mae", UndefinedReason.NO_LABELS),
        (_regression(predicted=[], actual=[]), "rmse", UndefinedReason.NO_LABELS),
        (_regression(predicted=[NAN], actual=[1.0]), "mae", UndefinedReason.NO_USABLE_ROWS),
        (_regression(predicted=[1.0], actual=[2.0]), "r2", UndefinedReason.ONE_ROW),
        (_regression(predicted=[1.0, 2.0], actual=[0.1, 0.1]), "r2", UndefinedReason.CONSTANT_ACTUALS),
        (_regression(predicted=[1.0, 2.0], actual=[0.0, 0.0]), "mape", UndefinedReason.ALL_ACTUALS_ZERO),
        (_regression(predicted=[1e308], actual=[-1e308]), "mae", UndefinedReason.OVERFLOW),
        (_regression(predicted=[1e308], actual=[1.0]), "rmse", UndefinedReason.OVERFLOW),
        (_regression(predicted=[1e308, 1.0], actual=[1.0, 2.0]), "r2", UndefinedReason.OVERFLOW),
        (_regression(predicted=[1.0], actual=[5e-324]), "mape", UndefinedReason.OVERFLOW),
        (_regression(predicted=[1e-200], actual=[2e-200]), "rmse", UndefinedReason.UNDERFLOW),
        (_regression(predicted=[1.0, 1.0], actual=[1e-200, 2e-200]), "r2", UndefinedReason.UNDERFLOW),
        (_binary(predicted=[0, 0], actual=[1, 0]), "precision", UndefinedReason.NO_POSITIVES_PREDICTED),
        (_binary(predicted=[0, 0], actual=[1, 0]), "mcc", UndefinedReason.NO_POSITIVES_PREDICTED),
        (_binary(predicted=[1, 1], actual=[1, 0]), "mcc", UndefinedReason.NO_NEGATIVES_PREDICTED),
        (_binary(predicted=[1, 0], actual=[0, 0]), "recall", UndefinedReason.NO_ACTUAL_POSITIVES),
        (_binary(predicted=[1, 0], actual=[0, 0]), "balanced_accuracy", UndefinedReason.NO_ACTUAL_POSITIVES),
        (_binary(predicted=[0, 0], actual=[0, 0]), "f1", UndefinedReason.NO_ACTUAL_POSITIVES),
        (_binary(predicted=[1, 0], actual=[1, 1]), "specificity", UndefinedReason.NO_ACTUAL_NEGATIVES),
        (_binary(predicted=[1, 0], actual=[1, 1]), "mcc", UndefinedReason.NO_ACTUAL_NEGATIVES),
        (_binary(predicted=[1, 0], actual=[1, 0]), "brier", UndefinedReason.NO_PROBABILITIES),
        (_binary(predicted=[1, 0], actual=[1, 0]), "log_loss", UndefinedReason.NO_PROBABILITIES),
    ],
)
def test_a_metric_without_value_says_why(sums: Sums, metric: str, reason: UndefinedReason) -> None:
    answer = _answers(sums)[metric]

    assert answer == MetricValue(metric=metric, value=None, lower=None, upper=None, undefined=reason)


def test_errors_of_zero_are_a_perfect_score_not_an_underflow() -> None:
    answers = _answers(_regression(predicted=[1.0, 2.0], actual=[1.0, 2.0]))

    assert [answers[name].value for name in ("mae", "rmse", "bias", "r2")] == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_metric_names_are_those_that_evaluate_answers(task: str) -> None:
    no_rows: dict[str, Sums] = {
        "regression": _regression(predicted=[], actual=[]),
        "binary": _binary(predicted=[], actual=[]),
        "multiclass": multiclass_sums([], 1, predicted=[], actual=[], actual_probability=[])[0],
    }

    told = [answer.metric for answer in evaluate(no_rows[task])]
    assert told == [name for name in metric_names(task) if name in told or name not in KINDS[task].applies]


@pytest.mark.parametrize("module", [registry, moments, columns])
def test_the_examples_in_the_documentation_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0


def test_naming_metrics_does_not_import_scipy() -> None:
    program = "import sys, monitoring_pipeline.performance.registry; print('scipy' in sys.modules)"

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"
