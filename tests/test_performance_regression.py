"""What regression metrics add to scikit-learn's: quantiles of errors, symmetric errors, pinball, R² with bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue, UndefinedReason

NAN = math.nan

value = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
pairs = st.lists(st.tuples(value, value), min_size=2, max_size=60)


def _answers(sums: Sums) -> dict[str, MetricValue]:
    return {answer.metric: answer for answer in evaluate(sums)}


def _of(predicted: list[float], actual: list[float], quantile: float | None = None) -> dict[str, MetricValue]:
    [sums] = regression_sums([0] * len(actual), 1, predicted=predicted, actual=actual, quantile=quantile)
    return _answers(sums)


@settings(deadline=None)
@given(pairs, st.floats(0.01, 0.99))
def test_pinball_loss_equals_scikit_learns(rows: list[tuple[float, float]], quantile: float) -> None:
    predicted, actual = (list(column) for column in zip(*rows, strict=True))

    answer = _of(predicted, actual, quantile)["pinball"]

    expected = mean_pinball_loss(actual, predicted, alpha=quantile)
    assert answer.value == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(pairs)
def test_the_symmetric_error_equals_a_naive_one(rows: list[tuple[float, float]]) -> None:
    answer = _of([p for p, _ in rows], [y for _, y in rows])["smape"]

    each = [0.0 if p == y == 0 else 2 * abs(p - y) / (abs(p) + abs(y)) for p, y in rows]
    assert answer.value == pytest.approx(sum(each) / len(each), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("predicted", "actual", "expected"),
    [
        (0.0, 0.0, 0.0),
        (-0.0, 0.0, 0.0),
        (3.0, 0.0, 2.0),
        (1.7e308, -1.7e308, 2.0),
        (1.5e308, 0.5e308, 1.0),
        (5e-324, 0.0, 2.0),
    ],
)
def test_the_symmetric_error_is_defined_for_all_numbers(predicted: float, actual: float, expected: float) -> None:
    assert _of([predicted], [actual])["smape"].value == pytest.approx(expected)


@settings(deadline=None)
@given(pairs)
def test_quantiles_of_error_sizes_are_within_their_bound_of_numpys(rows: list[tuple[float, float]]) -> None:
    sizes = np.array([abs(p - y) for p, y in rows])

    answers = _of([p for p, _ in rows], [y for _, y in rows])

    for name, probability in (("median_absolute_error", 0.5), ("p90_absolute_error", 0.9)):
        answer, exact = answers[name], np.quantile(sizes, probability, method="inverted_cdf")
        assert answer.value is not None
        assert answer.error_bound is not None
        assert abs(answer.value - exact) <= answer.error_bound


@settings(deadline=None)
@given(st.lists(st.tuples(value, value), min_size=4, max_size=60))
def test_the_interval_of_r2_follows_from_the_rows_influences(rows: list[tuple[float, float]]) -> None:
    predicted, actual = np.array(rows).T
    hours = regression_sums(np.arange(len(rows)) % 3, 3, predicted=predicted, actual=actual)

    answer = _answers(merge(hours))["r2"]

    error, spread = (predicted - actual) ** 2, (actual - actual.mean()) ** 2
    if answer.lower is None or error.sum() == 0:
        return
    influence = error / error.sum() - spread / spread.sum()
    reach = stats.t.ppf(0.975, len(rows) - 1) * math.sqrt((influence**2).sum())
    unexplained = error.sum() / spread.sum()
    # Influences of perfectly proportional errors cancel to the rounding of their sums.
    assert answer.lower == pytest.approx(1 - unexplained * math.exp(reach), rel=1e-5, abs=1e-5)
    assert answer.upper == pytest.approx(1 - unexplained * math.exp(-reach), rel=1e-5, abs=1e-5)


def test_a_perfect_model_explains_everything_and_surely_so() -> None:
    answer = _of([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])["r2"]

    assert (answer.value, answer.lower, answer.upper) == (1.0, 1.0, 1.0)


def test_pinball_loss_is_told_only_of_models_that_declare_a_quantile() -> None:
    assert "pinball" not in _of([1.0, 2.0], [1.0, 3.0])
    assert "pinball" not in _of([1.0], [NAN])
    assert _of([1.0], [NAN], 0.9)["pinball"].undefined is UndefinedReason.NO_LABELS


@pytest.mark.parametrize("quantile", [0.0, 1.0, -0.1, NAN])
def test_a_quantile_outside_its_range_is_refused(quantile: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        _of([1.0], [1.0], quantile)


def test_one_wild_row_leaves_the_median_but_not_the_mean() -> None:
    answers = _of([1.0] * 9 + [1e308], [0.0] * 9 + [-1e308])

    assert answers["median_absolute_error"].value == pytest.approx(1.0, rel=0.01)
    assert answers["mae"].undefined is UndefinedReason.OVERFLOW
