"""One contract for every metric: a finite value with bounds around it, or a reason; never NaN, never a warning."""

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.registry import KINDS, TASKS, evaluate, metric_names, sums_from_dict
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue
from tests.kinds_examples import sums_of

NAN = math.nan
LARGEST = 1.7976931348623157e308
TINY = 5e-324

# (number, probability, truth); names are made of number and truth where a kind needs them.
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
    "one large among small": [(1e308, 0.5, 1.0), (1.0, 0.5, 1.0), (2.0, 0.5, 1.0)],
    "one outlier": [(1.0, 0.5, 1.5)] * 30 + [(1e9, 0.9, 0.0)],
    "infinite": [(math.inf, 0.5, 1.0), (1.0, 0.5, math.inf), (-math.inf, math.inf, -math.inf)],
}


def _sums(kind: str, rows: list[Row]) -> Sums:
    [sums] = sums_of(kind, [(0, n, truth, p, _name(n), _name(truth)) for n, p, truth in rows])
    return sums


def _name(number: float) -> str | None:
    return None if math.isnan(number) else str(number)


def _assert_kept(answer: MetricValue) -> None:
    json.dumps(asdict(answer), allow_nan=False)
    assert (answer.value is None) == (answer.undefined is not None)
    assert (answer.lower is None) == (answer.upper is None)
    if answer.value is None:
        assert answer.lower is answer.detectable_change is answer.error_bound is None
        return
    assert math.isfinite(answer.value)
    assert answer.error_bound is None or answer.error_bound >= 0
    if answer.lower is None or answer.upper is None:
        assert answer.detectable_change is None
        return
    assert answer.lower <= answer.value <= answer.upper
    assert answer.detectable_change is None or answer.detectable_change >= (answer.upper - answer.lower) / 2


def _assert_all_kept(kind: str, sums: Sums) -> None:
    answers = evaluate(sums)
    for answer in answers:
        _assert_kept(answer)
    names = [answer.metric for answer in answers]
    assert len(names) == len(set(names))
    assert repr(sums_from_dict(kind, json.loads(json.dumps(sums.to_dict(), allow_nan=False)))) == repr(sums)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_has_a_finite_value_or_a_reason(kind: str, case: str) -> None:
    sums = _sums(kind, CASES[case])

    _assert_all_kept(kind, sums)


any_number = st.one_of(st.floats(), st.sampled_from([0.0, 1.0, 2.0, NAN, TINY, LARGEST, -LARGEST, 1e308]))
hours_of_rows = st.lists(st.lists(st.tuples(any_number, any_number, any_number), max_size=8), min_size=1, max_size=4)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=200)
@given(data=st.data(), hours=hours_of_rows)
def test_no_rows_and_no_merge_can_break_the_contract(kind: str, data: st.DataObject, hours: list[list[Row]]) -> None:
    parts = [_sums(kind, rows) for rows in hours]
    shuffled = data.draw(st.permutations(parts))

    window = merge(parts)

    _assert_all_kept(kind, window)
    assert repr(merge(shuffled)) == repr(window)


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_one_row_gives_values_but_no_interval(kind: str) -> None:
    answers = evaluate(_sums(kind, CASES["one row"]))

    assert any(answer.value is not None for answer in answers)
    assert all(answer.lower is None for answer in answers)


def test_metric_names_are_told_apart_within_all_kinds_that_one_model_can_have() -> None:
    beside = [name for kind in KINDS.keys() - set(TASKS) for name in metric_names(kind)]

    for task in TASKS:
        names = [*metric_names(task), *beside]
        assert len(names) == len(set(names))
