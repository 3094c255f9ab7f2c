"""Exact totals and error sums: any division, order and correction gives the bits of all values summed at once."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.performance.mergeable.exact_total import ExactTotal

VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e280, max_value=1e280), max_size=40)


@given(VALUES, st.data())
def test_any_division_gives_the_same_parts(values: list[float], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    edges = [0, *cuts, len(values)]
    pieces = [values[start:end] for start, end in pairwise(edges)]

    merged = ExactTotal.merged([ExactTotal.of(piece) for piece in reversed(pieces)])

    whole = ExactTotal.of(np.array(values))
    assert merged == whole == ExactTotal.of(list(reversed(values)))
    assert whole.fraction == sum(map(Fraction, values), Fraction(0))
    assert whole.value == math.fsum(values) + 0.0
    assert ExactTotal.from_json(orjson.loads(orjson.dumps(whole.to_json()))) == whole


@given(VALUES, VALUES)
def test_what_was_added_can_be_taken_back(kept: list[float], gone: list[float]) -> None:
    both = ExactTotal.of([*kept, *gone])

    assert ExactTotal.merged([both, ExactTotal.of([-value for value in gone])]) == ExactTotal.of(kept)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_beyond_is_told(value: float) -> None:
    for total in (ExactTotal.of([1.0, value]), ExactTotal.of(np.array([value, 1.0]))):
        assert not total.is_known
        assert total.to_json() is None
        assert not ExactTotal.merged([total, ExactTotal.of([1.0])]).is_known
        assert ExactTotal.from_json(total.to_json()) == total


def _sums(errors: list[float], *, unlabelled: int = 0) -> ErrorSums:
    return ErrorSums(
        prediction_count=len(errors) + unlabelled,
        labelled_count=len(errors),
        error_count=len(errors),
        absolute=ExactTotal.of([abs(error) for error in errors]),
        squared=ExactTotal.of([error * error for error in errors]),
        first_at=1,
        last_at=2,
    )


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda error: error == 0 or abs(error) > 1e-100), min_size=2, max_size=50))
def test_the_variance_of_the_mean_is_that_of_the_rows(errors: list[float]) -> None:
    values = [Fraction(abs(error)) for error in errors]
    mean = sum(values, Fraction(0)) / len(values)
    spread = sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1) / len(values)

    found = _sums(errors).mae_variance

    assert found is not None
    assert found == pytest.approx(float(spread), rel=1e-6, abs=float(mean) ** 2 * 1e-15)


def test_no_variance_is_made_up() -> None:
    assert _sums([]).mae_variance is None
    assert _sums([1.0]).mae_variance is None
    assert _sums([1e-200, 2e-200]).mae_variance is None
    assert _sums([1e200, 1e200]).mae_variance is None
    assert _sums([0.1, -0.1, 0.1]).mae_variance == pytest.approx(0, abs=1e-17)


def test_unlabelled_rows_are_counted_and_are_no_errors_of_zero() -> None:
    sums = _sums([3.0, -1.0], unlabelled=2)

    assert (sums.prediction_count, sums.coverage) == (4, 0.5)
    assert (sums.mae, sums.rmse) == (2.0, math.sqrt(5))
    assert (_sums([], unlabelled=1).mae, _sums([], unlabelled=1).rmse) == (None, None)
