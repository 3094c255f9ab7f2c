"""One contract for every metric: a finite value with bounds around it, or a reason; never NaN, never a warning."""

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.registry import evaluate, metric_names
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue

NAN = math.nan
LARGEST = 1.7976931348623157e308
TINY = 5e-324

# (predicted, probability, actual); a class name is made of predicted and actual for multiclass.
Row = tuple[float, float, float]
CASES: dict[str, list[Row]] = {
    "empty": [],
    "unlabelled": [(1.0, 0.7, NAN), (0.0, 0.2, NAN)],
    "one row": [(1.0, 0.7, 1.0)],
    "one class": [(1.0, 0.7, 1.0), (0.0, 0.2, 1.0), (1.0, 0.9, 1.0)],
    "the other class": [(1.0, 0.7, 0.0), (0.0, 0.2, 0.0)],
    "always yes": [(1.0, 1.0, 1.0), (1.0, 1.0, 0.0)],
    "always no": [(0.0, 0.0, 1.0), (0.0, 0.0, 0.0)],
    "constant": [(0.1, 0.1, 0.1)] * 7,
    "perfect": [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0)] * 5,
    "ties": [(1.0, 0.5, 1.0), (1.0, 0.5, 0.0)] * 5,
    "without probability": [(1.0, NAN, 1.0), (0.0, NAN, 1.0)],
    "without prediction": [(NAN, NAN, 1.0), (NAN, NAN, 0.0)],
    "zeros": [(0.0, 0.5, 0.0), (-0.0, 0.5, -0.0)],
    "1e308": [(1e308, 0.5, -1e308), (-1e308, 0.5, 1e308), (1e308, 0.5, 1.0)],
    "largest": [(LARGEST, 0.5, LARGEST), (LARGEST, 0.5, LARGEST), (-LARGEST, 0.5, LARGEST)],
    "large squares": [(1e160, 0.5, 0.0), (1e10, 0.5, 1.0)],
    "large fourth powers": [(1e100, 0.5, 1.0), (1e10, 0.5, 2.0)],
    "tiny": [(TINY, TINY, 3 * TINY), (2 * TINY, TINY, TINY)],
    "tiny squares": [(1e-160, 1e-160, 3e-160), (2e-160, 1e-300, 1e-160)],
    "infinite": [(math.inf, 0.5, 1.0), (1.0, 0.5, math.inf), (-math.inf, math.inf, -math.inf)],
}


def _sums(task: str, rows: list[Row]) -> Sums:
    codes = [0] * len(rows)
    predicted, proba, actual = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    match task:
        case "regression":
            return regression_sums(codes, 1, predicted=predicted, actual=actual)[0]
        case "binary":
            return binary_sums(codes, 1, predicted=predicted, proba=proba, actual=actual, threshold=0.5)[0]
        case _:
            said, true = [_name(number) for number in predicted], [_name(number) for number in actual]
            return multiclass_sums(codes, 1, predicted=said, actual=true, actual_probability=proba)[0]


def _name(number: float) -> str | None:
    return None if math.isnan(number) else str(number)


def _assert_kept(answer: MetricValue) -> None:
    assert (answer.value is None) == (answer.undefined is not None)
    assert (answer.lower is None) == (answer.upper is None)
    if answer.value is None:
        assert answer.lower is None
        return
    assert math.isfinite(answer.value)
    if answer.lower is not None and answer.upper is not None:
        assert answer.lower <= answer.value <= answer.upper
    json.dumps(asdict(answer), allow_nan=False)


ALL_METRICS = [(task, name) for task in ("regression", "binary", "multiclass") for name in metric_names(task)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("task", "name"), ALL_METRICS)
def test_a_metric_has_a_finite_value_or_a_reason(task: str, name: str, case: str) -> None:
    [answer] = [answer for answer in evaluate(_sums(task, CASES[case])) if answer.metric == name]

    _assert_kept(answer)


any_number = st.one_of(st.floats(), st.sampled_from([0.0, 1.0, NAN, TINY, LARGEST, -LARGEST, 1e308]))


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@settings(deadline=None, max_examples=300)
@given(hours=st.lists(st.lists(st.tuples(any_number, any_number, any_number), max_size=8), min_size=1, max_size=4))
def test_no_rows_and_no_merge_can_break_the_contract(task: str, hours: list[list[Row]]) -> None:
    window = merge([_sums(task, rows) for rows in hours])

    for answer in evaluate(window):
        _assert_kept(answer)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_one_row_gives_values_but_no_interval(task: str) -> None:
    answers = evaluate(_sums(task, CASES["one row"]))

    assert any(answer.value is not None for answer in answers)
    assert all(answer.lower is None for answer in answers)
