"""Business sums and metrics: plain pandas, scipy, exact merging, the contract of every metric, coverage."""

import json
import math
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.performance.business.rows import business_sums
from monitoring_pipeline.performance.business.sums import BusinessSums
from monitoring_pipeline.performance.registry import evaluate, sums_from_dict
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.performance.values import MetricValue, UndefinedReason

NAN = math.nan
LARGEST = 1.7976931348623157e308
NAMES = [
    "business_value_total",
    "business_value_per_prediction",
    "business_savings_total",
    "satisfaction_correlation",
]

Row = tuple[float, float]  # value, satisfaction
CASES: dict[str, list[Row]] = {
    "empty": [],
    "not judged": [(NAN, 1.0), (NAN, NAN)],
    "one row": [(5.0, 4.0)],
    "three rows": [(5.0, 4.0), (6.0, 1.0), (7.0, 2.0)],
    "constant": [(0.1, 0.1)] * 7,
    "constant value": [(0.1, s) for s in (1.0, 2.0, 3.0, 4.0)],
    "on a line": [(v, -2 * v) for v in (1.0, 2.0, 4.0, 8.0)],
    "without satisfaction": [(5.0, NAN), (6.0, NAN)],
    "NaN between": [(5.0, 4.0), (NAN, 1.0), (7.0, NAN), (8.0, 1.0), (9.0, 2.0), (1.0, 2.0)],
    "infinite": [(math.inf, 1.0), (-math.inf, 2.0), (1.0, math.inf), (2.0, -math.inf)],
    "1e308": [(1e308, 1.0), (1e308, 2.0), (-1e308, 3.0), (1.0, 4.0)],
    "largest": [(LARGEST, LARGEST), (-LARGEST, LARGEST), (LARGEST, 1.0), (0.0, 2.0)],
    "large squares": [(1e200, 1.0), (2e200, 2.0), (0.0, 5.0), (1.0, 6.0)],
    "tiny": [(5e-324, 1e-320), (1e-320, 5e-324), (0.0, 0.0), (5e-324, 0.0)],
    "zeros": [(0.0, -0.0), (-0.0, 0.0)] * 2,
}

any_number = st.one_of(st.floats(), st.sampled_from([0.0, NAN, LARGEST, -LARGEST, 1e308, 5e-324]))
any_rows = st.lists(st.tuples(any_number, any_number), max_size=10)
plain_number = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
plain_rows = st.lists(st.tuples(plain_number, plain_number), min_size=4, max_size=60)


def _sums(rows: list[Row], *, baseline: float = 0.0) -> BusinessSums:
    value, satisfaction = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [])
    return business_sums([0] * len(rows), 1, value=value, satisfaction=satisfaction, baseline=baseline)[0]


def _answers(sums: BusinessSums) -> dict[str, MetricValue]:
    return {answer.metric: answer for answer in evaluate(sums)}


def _assert_kept(answer: MetricValue) -> None:
    assert (answer.value is None) == (answer.undefined is not None)
    json.dumps(asdict(answer), allow_nan=False)
    if answer.value is not None and answer.lower is not None and answer.upper is not None:
        assert answer.lower <= answer.value <= answer.upper


@pytest.mark.parametrize("case", CASES)
def test_a_metric_has_a_finite_value_or_a_reason(case: str) -> None:
    for answer in evaluate(_sums(CASES[case], baseline=-3.5)):
        _assert_kept(answer)


@settings(deadline=None, max_examples=300)
@given(hours=st.lists(any_rows, min_size=1, max_size=4), baseline=st.floats(-1e308, 1e308))
def test_no_rows_and_no_merge_can_break_the_contract(hours: list[list[Row]], baseline: float) -> None:
    for answer in evaluate(merge([_sums(rows, baseline=baseline) for rows in hours])):
        _assert_kept(answer)


@settings(deadline=None)
@given(rows=plain_rows, baseline=st.floats(-100, 100))
def test_totals_and_means_equal_plain_pandas(rows: list[Row], baseline: float) -> None:
    frame = pd.DataFrame(rows, columns=["value", "satisfaction"])

    answers = _answers(_sums(rows, baseline=baseline))

    rounding = 1e-9 * (frame["value"].abs().sum() + 1)
    for name, expected in zip(
        NAMES, (frame["value"].sum(), frame["value"].mean(), (frame["value"] - baseline).sum()), strict=False
    ):
        assert answers[name].value == pytest.approx(expected, rel=1e-9, abs=rounding)


@settings(deadline=None)
@given(plain_rows.filter(lambda rows: np.ptp(rows, axis=0).min() > 0.1))
def test_the_correlation_and_its_interval_equal_scipys(rows: list[Row]) -> None:
    value, satisfaction = np.array(rows).T

    answer = _answers(_sums(rows))["satisfaction_correlation"]

    expected = stats.pearsonr(value, satisfaction)
    assert answer.value == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    if abs(expected.statistic) < 1 - 1e-9:  # at the end artanh makes rounding noise of any size
        bounds = expected.confidence_interval(0.95)
        assert (answer.lower, answer.upper) == pytest.approx((bounds.low, bounds.high), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(rows=plain_rows, cuts=st.lists(st.integers(0, 60), max_size=3))
def test_merged_hours_give_the_metrics_of_the_whole_window(rows: list[Row], cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    hours = [_sums(rows[start:end]) for start, end in pairwise(bounds)]

    merged, whole = _answers(merge(hours)), _answers(_sums(rows))

    size = sum(abs(value) for value, _ in rows) + 1
    assert merged.keys() == whole.keys()
    for name in NAMES[:3]:
        assert merged[name].value == pytest.approx(whole[name].value, rel=1e-9, abs=1e-12 * size)
    if np.ptp(rows, axis=0).min() > 0.1:
        assert merged[NAMES[3]].value == pytest.approx(whole[NAMES[3]].value, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(data=st.data(), rows=any_rows)
def test_shuffled_rows_give_the_same_bits(data: st.DataObject, rows: list[Row]) -> None:
    shuffled = data.draw(st.permutations(rows))

    assert repr(_sums(shuffled)) == repr(_sums(rows))


@settings(deadline=None)
@given(data=st.data(), hours=st.lists(any_rows, min_size=1, max_size=4))
def test_merging_in_another_order_gives_the_same_bits(data: st.DataObject, hours: list[list[Row]]) -> None:
    sums = [_sums(rows) for rows in hours]
    shuffled = data.draw(st.permutations(sums))

    assert repr(merge(shuffled)) == repr(merge(sums))
    assert [repr(merge([hour])) for hour in sums] == [repr(hour) for hour in sums]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), any_number, any_number), max_size=12))
def test_the_company_of_other_groups_changes_no_bit(rows: list[tuple[int, float, float]]) -> None:
    codes, value, satisfaction = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])

    together = business_sums(codes, 3, value=value, satisfaction=satisfaction)

    assert repr(together) == repr([_sums([row[1:] for row in rows if row[0] == code]) for code in range(3)])


@settings(deadline=None)
@given(any_rows)
def test_sums_read_back_from_json_bit_for_bit(rows: list[Row]) -> None:
    sums = _sums(rows)

    text = json.dumps(sums.to_dict(), allow_nan=False)

    assert repr(sums_from_dict("business", json.loads(text))) == repr(sums)


def test_a_labelled_row_without_a_value_is_unusable_and_an_unlabelled_one_is_not() -> None:
    [sums] = business_sums([0, 0, 0], 1, value=[4.0, NAN, NAN], labelled=[True, True, False])

    assert (sums.prediction_count, sums.labelled_count, sums.unusable_count) == (3, 1, 1)


@pytest.mark.parametrize(("satisfaction", "names"), [(1.0, NAMES), (NAN, NAMES[:3])])
def test_without_labels_what_the_rows_could_tell_is_said_to_be_missing(satisfaction: float, names: list[str]) -> None:
    answers = _answers(_sums([(NAN, satisfaction)] * 5))

    assert {name: answer.undefined for name, answer in answers.items()} == dict.fromkeys(
        names, UndefinedReason.NO_LABELS
    )


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("three rows", UndefinedReason.TOO_FEW_ROWS),
        ("constant", UndefinedReason.CONSTANT_VALUES),
        ("constant value", UndefinedReason.CONSTANT_VALUES),
        ("large squares", UndefinedReason.OVERFLOW),
        ("tiny", UndefinedReason.UNDERFLOW),
    ],
)
def test_a_correlation_that_cannot_be_told_says_why(case: str, reason: UndefinedReason) -> None:
    answer = _answers(_sums(CASES[case]))["satisfaction_correlation"]

    assert (answer.value, answer.undefined) == (None, reason)


def test_a_satisfaction_that_no_judged_row_carries_has_too_few_rows() -> None:
    answer = _answers(_sums([(1.0, NAN), (NAN, 3.0)]))["satisfaction_correlation"]

    assert answer.undefined is UndefinedReason.TOO_FEW_ROWS


def test_nothing_is_said_of_a_satisfaction_that_no_row_carries() -> None:
    undeclared = business_sums([0] * 5, 1, value=[1.0, 2.0, 3.0, 4.0, 5.0])[0]

    assert "satisfaction_correlation" not in _answers(undeclared)
    assert "satisfaction_correlation" not in _answers(_sums(CASES["without satisfaction"]))


def test_rows_on_a_line_correlate_fully_with_an_interval_of_no_width() -> None:
    answer = _answers(_sums(CASES["on a line"]))["satisfaction_correlation"]

    assert (answer.value, answer.lower, answer.upper) == (-1.0, -1.0, -1.0)


def test_the_interval_of_a_total_is_that_of_the_mean_times_the_rows() -> None:
    values = [3.0, -1.0, 4.0, 0.0, -2.0, 2.0]
    answers = _answers(_sums([(value, NAN) for value in values], baseline=0.5))
    total, mean, saved = (answers[name] for name in NAMES[:3])

    assert mean.lower is not None
    assert mean.upper is not None
    assert (total.lower, total.upper) == pytest.approx((6 * mean.lower, 6 * mean.upper))
    assert (saved.lower, saved.upper) == pytest.approx((6 * mean.lower - 3, 6 * mean.upper - 3))


def test_the_interval_of_values_without_skew_is_students() -> None:
    values = [-4.0, -1.0, 0.0, 0.0, 1.0, 4.0]

    mean = _answers(_sums([(value, NAN) for value in values]))["business_value_per_prediction"]

    assert (mean.lower, mean.upper) == pytest.approx(stats.t.interval(0.95, 5, loc=0.0, scale=stats.sem(values)))


def _coverage(windows: int, rows: int) -> dict[str, float]:
    """How often the intervals hold the truth: a yes/no model's values, correlated with a satisfaction."""
    random = np.random.default_rng(20_131_101)
    codes = np.repeat(np.arange(windows), rows)
    value = random.choice([100.0, -20.0, 0.0, -60.0], size=codes.size, p=[0.3, 0.2, 0.4, 0.1])
    satisfaction = random.normal(0.0, 1.0, codes.size)
    correlated = random.multivariate_normal([0.0, 0.0], [[1.0, 0.6], [0.6, 1.0]], codes.size)
    of_value = business_sums(codes, windows, value=value, satisfaction=satisfaction, baseline=5.0)
    of_pairs = business_sums(codes, windows, value=correlated[:, 0], satisfaction=correlated[:, 1])

    truth = {NAMES[0]: 20.0 * rows, NAMES[1]: 20.0, NAMES[2]: 15.0 * rows, NAMES[3]: 0.0}
    held = [_held(sums, name, level) for name, level in truth.items() for sums in of_value]
    shares = {name: sum(held[at * windows : (at + 1) * windows]) / windows for at, name in enumerate(truth)}
    return shares | {"correlation of 0.6": sum(_held(sums, NAMES[3], 0.6) for sums in of_pairs) / windows}


def _held(sums: BusinessSums, name: str, truth: float) -> bool:
    answer = _answers(sums)[name]
    return answer.lower is not None and answer.upper is not None and answer.lower <= truth <= answer.upper


def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_windows() -> None:
    shares = _coverage(windows=1_000, rows=200)

    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


@pytest.mark.long
@pytest.mark.parametrize("rows", [50, 200, 1_000])
def test_95_percent_intervals_hold_the_truth_in_windows_of_every_size(rows: int) -> None:
    shares = _coverage(windows=5_000, rows=rows)

    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares
