"""Sums of groups: independent of order and company, mergeable, and bit-equal after storage."""

import dataclasses
import json
import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.mergeable.joint_moments import JointMoments
from monitoring_pipeline.performance.mergeable.moments import OVERFLOWED, Moments, exact_sum
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.registry import KINDS, evaluate, sums_from_dict
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.rows.columns import probability_of_actual
from monitoring_pipeline.performance.rows.exact import FROM_ROWS, exact_array_sum
from monitoring_pipeline.performance.sums import Mergeable, Sums, merge
from tests.kinds_examples import HOUR_SECONDS, AnyRow, sums_of

NAN = math.nan
GROUP_COUNT = 4
HAVE_TRUTH_OR_NOT = ("regression", "binary", "multiclass")

any_double = st.floats(allow_nan=True, allow_infinity=True)
# Small enough that the cube of a deviation, which third moments hold, rounds by less than what is compared.
plain_double = st.floats(min_value=-1e3, max_value=1e3, allow_subnormal=False)
class_name = st.sampled_from(["ant", "bee", "cat"])
probability = st.one_of(st.just(NAN), st.floats(0, 1))
group = st.integers(0, GROUP_COUNT - 1)


def _rows(
    number: st.SearchStrategy[float], truth: st.SearchStrategy[float], name: st.SearchStrategy[str]
) -> st.SearchStrategy[list[AnyRow]]:
    return st.lists(st.tuples(group, number, truth, probability, st.none() | name, st.none() | name), max_size=40)


WILD_ROWS = _rows(
    st.one_of(any_double, st.sampled_from([0.0, 1.0])),
    st.one_of(any_double, st.sampled_from([0.0, 1.0, NAN])),
    class_name,
)
PLAIN_ROWS = _rows(plain_double, plain_double, class_name)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data(), rows=WILD_ROWS)
def test_shuffled_rows_give_the_same_bits(kind: str, data: st.DataObject, rows: list[AnyRow]) -> None:
    shuffled = data.draw(st.permutations(rows))

    assert repr(sums_of(kind, shuffled, GROUP_COUNT)) == repr(sums_of(kind, rows, GROUP_COUNT))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(rows=WILD_ROWS)
def test_the_company_of_other_groups_changes_no_bit(kind: str, rows: list[AnyRow]) -> None:
    together = sums_of(kind, rows, GROUP_COUNT)

    alone = [sums_of(kind, [(0, *row[1:]) for row in rows if row[0] == code])[0] for code in range(GROUP_COUNT)]

    assert repr(alone) == repr(together)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data(), rows=WILD_ROWS)
def test_merging_in_another_order_gives_the_same_bits(kind: str, data: st.DataObject, rows: list[AnyRow]) -> None:
    hours = sums_of(kind, rows, GROUP_COUNT)
    shuffled = data.draw(st.permutations(hours))

    assert repr(merge(shuffled)) == repr(merge(hours))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(rows=PLAIN_ROWS)
def test_merged_hours_are_the_sums_of_the_whole_window(kind: str, rows: list[AnyRow]) -> None:
    # A query belongs to one hour: its rows are judged together.
    rows = [(row[0], *row[1:4], row[4] and f"{row[4]} {row[0]}", row[5]) for row in rows]

    merged = merge(sums_of(kind, rows, GROUP_COUNT))

    [whole] = sums_of(kind, [(0, *row[1:]) for row in rows], 1, window_seconds=GROUP_COUNT * HOUR_SECONDS)
    _assert_close(merged, whole)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(rows=WILD_ROWS)
def test_merging_one_hour_changes_no_bit(kind: str, rows: list[AnyRow]) -> None:
    for hour in sums_of(kind, rows, GROUP_COUNT):
        assert repr(merge([hour])) == repr(hour)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(rows=WILD_ROWS)
def test_sums_read_back_from_json_bit_for_bit(kind: str, rows: list[AnyRow]) -> None:
    for sums in sums_of(kind, rows, GROUP_COUNT):
        text = json.dumps(sums.to_dict(), allow_nan=False)

        assert repr(sums_from_dict(kind, json.loads(text))) == repr(sums)


@pytest.mark.parametrize("kind", HAVE_TRUTH_OR_NOT)
@settings(deadline=None)
@given(rows=WILD_ROWS)
def test_each_row_is_a_prediction_and_each_truth_is_judged_or_unusable(kind: str, rows: list[AnyRow]) -> None:
    for code, sums in enumerate(sums_of(kind, rows, GROUP_COUNT)):
        own = [row for row in rows if row[0] == code]
        labelled = [row for row in own if (row[5] is not None if kind == "multiclass" else not math.isnan(row[2]))]

        assert sums.prediction_count == len(own)
        assert sums.labelled_count + sums.unusable_count == len(labelled)


def test_a_row_without_actual_counts_as_a_prediction_and_as_nothing_else() -> None:
    [sums] = regression_sums([0, 0], 1, predicted=[5.0, 7.0], actual=[4.0, NAN])

    assert (sums.prediction_count, sums.labelled_count, sums.unusable_count) == (2, 1, 0)
    assert sums.absolute_error == Moments(count=1, total=1.0, m2=0.0, m3=0.0, lowest=1.0, highest=1.0)


def test_truth_that_cannot_be_judged_is_counted_as_unusable() -> None:
    [regression] = regression_sums([0, 0], 1, predicted=[NAN, math.inf], actual=[1.0, 1.0])
    [binary] = binary_sums(
        [0] * 4, 1, predicted=[0.7, 1, NAN, NAN], proba=[NAN, NAN, NAN, 1.5], actual=[1, 2, 1, 1], threshold=0.5
    )
    [multiclass] = multiclass_sums(
        [0, 0], 1, predicted=[None, "ant"], actual=["ant", "ant"], actual_probability=[NAN, -0.1]
    )

    assert (regression.labelled_count, regression.unusable_count) == (0, 2)
    assert (binary.labelled_count, binary.unusable_count) == (0, 4)
    assert (multiclass.labelled_count, multiclass.unusable_count) == (0, 2)


def test_a_probability_at_the_threshold_says_yes_and_overrules_the_predicted_value() -> None:
    [sums] = binary_sums([0, 0, 0], 1, predicted=[0, 1, 1], proba=[0.3, 0.29, NAN], actual=[1, 1, 0], threshold=0.3)

    assert (sums.true_positives, sums.false_negatives, sums.false_positives, sums.true_negatives) == (1, 1, 1, 0)
    assert sums.squared_score.count == 2


def test_class_names_may_come_as_numpy_strings() -> None:
    names = np.array(["ant", "bee"])

    [sums] = multiclass_sums([0, 0], 1, predicted=names.astype(object), actual=names, actual_probability=[NAN, NAN])

    assert sums.confusion.cells == (("ant", "ant", 1), ("bee", "bee", 1))
    assert all(type(name) is str for cell in sums.confusion.cells for name in cell[:2])


def test_the_probability_of_a_class_that_was_not_named_is_zero() -> None:
    given_probabilities = probability_of_actual(["ant", "bee", None, "ant"], [{"ant": 0.25}, {"ant": 1.0}, {}, None])

    np.testing.assert_array_equal(given_probabilities, [0.25, 0.0, NAN, NAN])


def test_a_group_without_rows_has_sums_of_nothing() -> None:
    [first, second] = regression_sums([1], 2, predicted=[1.0], actual=[2.0])

    assert first == regression_sums([], 1, predicted=[], actual=[])[0]
    assert second.labelled_count == 1


@pytest.mark.parametrize("code", [-1, 2])
def test_a_group_that_does_not_exist_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        regression_sums([code], 2, predicted=[1.0], actual=[1.0])


def test_merging_nothing_or_different_tasks_is_refused() -> None:
    [regression] = sums_of("regression", [])
    [binary] = sums_of("binary", [])

    with pytest.raises(ValueError, match="at least one"):
        merge([])
    with pytest.raises(ValueError, match="different kinds"):
        merge([regression, binary])


def test_stored_sums_of_another_task_are_refused_with_their_keys() -> None:
    [binary] = sums_of("binary", [])

    with pytest.raises(
        ValueError, match=r"RegressionSums has the keys .*error.*; the stored sums have .*true_positives"
    ):
        sums_from_dict("regression", binary.to_dict())


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_a_sum_is_the_exact_sum_rounded_once(values: list[float]) -> None:
    exact = sum(map(Fraction, values), Fraction(0))
    try:
        expected = float(exact)
    except OverflowError:
        expected = OVERFLOWED

    assert exact_sum(values) == expected


def test_a_sum_that_overflows_half_way_but_not_in_the_end_is_exact_in_every_order() -> None:
    values = [1e308, 1e308, -1e308, -1e308, 1e-300]

    assert {exact_sum(values), exact_sum(values[::-1]), exact_sum(sorted(values))} == {1e-300}


def test_both_zeros_give_the_same_bits_in_every_order() -> None:
    forwards = regression_sums([0, 0], 1, predicted=[0.0, -0.0], actual=[-0.0, 0.0])
    backwards = regression_sums([0, 0], 1, predicted=[-0.0, 0.0], actual=[0.0, -0.0])

    assert repr(forwards) == repr(backwards)
    assert repr(merge([*forwards, *backwards])) == repr(merge([*backwards, *forwards]))


def test_the_spread_survives_a_mean_a_thousand_million_times_larger() -> None:
    noise = [-1.0, 0.0, 1.0]
    hours = regression_sums([0, 0, 0, 1, 1, 1], 2, predicted=[0.0] * 6, actual=[1e9 + x for x in noise + noise])

    assert merge(hours).actual.m2 == pytest.approx(4.0, rel=1e-12)


@settings(deadline=None)
@given(value=plain_double, counts=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_a_constant_stays_a_constant_after_merging(value: float, counts: list[int]) -> None:
    hours = [regression_sums([0] * n, 1, predicted=[0.0] * n, actual=[value] * n)[0] for n in counts]

    merged = merge(hours).actual

    assert (merged.mean, merged.m2, merged.count) == (value, 0.0, sum(counts))


@settings(deadline=None, max_examples=50)
@given(data=st.data(), seed=st.integers(0, 2**32), size=st.integers(-250, 250), spread=st.integers(0, 60))
def test_the_sum_of_an_array_has_the_bits_of_the_exact_sum(
    data: st.DataObject, seed: int, size: int, spread: int
) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=FROM_ROWS + 7) * 10.0 ** random.integers(size - spread // 2, size + spread // 2 + 1)
    values[: FROM_ROWS // 2] = -values[FROM_ROWS // 2 : 2 * (FROM_ROWS // 2)]  # most of it cancels
    values[-3:] = data.draw(st.lists(st.floats(), min_size=3, max_size=3))

    total = exact_array_sum(values)

    assert repr(total) == repr(exact_sum(values.tolist()))


def test_a_large_group_has_the_bits_that_its_rows_have_in_any_order() -> None:
    random = np.random.default_rng(7)
    predicted, actual = random.lognormal(size=(2, 3 * FROM_ROWS))
    shuffled = random.permutation(predicted.size)
    codes = np.zeros(predicted.size, dtype=int)

    forwards = regression_sums(codes, 1, predicted=predicted, actual=actual)
    backwards = regression_sums(codes, 1, predicted=predicted[shuffled], actual=actual[shuffled])
    beside_others = regression_sums(codes, 9, predicted=predicted, actual=actual)

    assert repr(forwards[0]) == repr(backwards[0]) == repr(beside_others[0])


def _assert_close(left: Sums, right: Sums) -> None:
    for field in dataclasses.fields(left):
        one, other = getattr(left, field.name), getattr(right, field.name)
        match one:
            case Moments():
                _assert_moments_close(one, other)
            case JointMoments():
                _assert_moments_close(one.value, other.value)
                size = max(abs(other.value.lowest), abs(other.value.highest), 1.0) if other.value.count else 1.0
                assert one.m4 == pytest.approx(other.m4, rel=1e-9, abs=1e-12 * other.value.count * size**4)
                assert one.weight == pytest.approx(other.weight, rel=1e-12, abs=0)
                assert one.weight_d == pytest.approx(other.weight_d, rel=1e-9, abs=1e-12 * other.weight * size)
                assert one.weight_d2 == pytest.approx(other.weight_d2, rel=1e-9, abs=1e-12 * other.weight * size**2)
            case _:
                _assert_json_close(_json(one), _json(other))
    assert [answer.metric for answer in evaluate(left)] == [answer.metric for answer in evaluate(right)]


def _assert_moments_close(left: Moments, right: Moments) -> None:
    assert (left.count, left.lowest, left.highest) == (right.count, right.lowest, right.highest)
    # Signed values cancel: what rounding of hours can lose is relative to the sum of their sizes.
    size = max(abs(right.lowest), abs(right.highest)) * right.count if right.count else 0.0
    assert left.total == pytest.approx(right.total, rel=1e-12, abs=1e-14 * size)
    rounding = 1e-15 * size * math.sqrt(right.m2) + 1e-28 * size * size
    assert left.m2 == pytest.approx(right.m2, rel=1e-12, abs=rounding)
    assert left.m3 == pytest.approx(right.m3, rel=1e-9, abs=1e-14 * size * right.m2)


def _json(value: int | Mergeable) -> object:
    return value if isinstance(value, int) else value.to_json()


def _assert_json_close(left: object, right: object) -> None:
    """Counts and names are equal; other quantities of other kinds nearly are, at the size of the rows."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        assert left.keys() == right.keys()
        left, right = list(left.values()), list(right.values())
    if isinstance(left, list) and isinstance(right, list):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            _assert_json_close(one, other)
    elif isinstance(left, float):
        assert left == pytest.approx(right, rel=1e-6, abs=1e-2)
    else:
        assert left == right
