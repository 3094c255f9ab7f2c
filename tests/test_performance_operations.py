"""Operations sums and metrics: numpy's quantiles, scipy's intervals, exact merging, the contract, coverage."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.performance.operations.metrics import poisson_interval
from monitoring_pipeline.performance.operations.rows import operations_sums
from monitoring_pipeline.performance.operations.sums import OperationsSums
from monitoring_pipeline.performance.registry import evaluate, sums_from_dict
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.performance.values import MetricValue, UndefinedReason

NAN = math.nan
LARGEST = 1.7976931348623157e308
HOUR = 3_600
QUANTILES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}

Row = tuple[float, float, float]  # latency, confidence, resource
CASES: dict[str, list[Row]] = {
    "empty": [],
    "nothing logged": [(NAN, NAN, NAN)] * 3,
    "one row": [(12.5, 0.7, 40.0)],
    "constant": [(0.1, 0.1, 0.1)] * 7,
    "NaN between": [(1.0, NAN, 3.0), (NAN, 0.5, NAN), (2.0, 0.9, 4.0)],
    "infinite": [(math.inf, math.inf, math.inf), (1.0, 0.5, -math.inf), (-math.inf, -math.inf, 2.0)],
    "impossible": [(-1.0, -0.1, -5.0), (2.0, 1.1, 5.0)],
    "zeros": [(0.0, 0.0, 0.0), (-0.0, -0.0, -0.0)],
    "1e308": [(1e308, 1.0, 1e308), (1e308, 0.0, -1e308), (1e308, 0.0, 1e308)],
    "largest": [(LARGEST, 1.0, LARGEST), (LARGEST, 1.0, LARGEST)],
    "tiny": [(5e-324, 5e-324, 5e-324), (1e-320, 1e-320, 1e-320)],
}

any_number = st.one_of(st.floats(), st.floats(0, 1), st.sampled_from([0.0, NAN, LARGEST, -LARGEST, 5e-324]))
any_rows = st.lists(st.tuples(any_number, any_number, any_number), max_size=10)
latency = st.floats(0, 1e5).map(lambda x: round(x, 3))


def _sums(rows: list[Row], **settings_: Any) -> OperationsSums:
    of_latency, confidence, resource = (list(c) for c in zip(*rows, strict=True)) if rows else ([], [], [])
    given_settings: dict[str, Any] = {
        "low_confidence": 0.6,
        "resources": {"cpu": resource},
        "window_seconds": HOUR,
    } | settings_
    return operations_sums([0] * len(rows), 1, latency_ms=of_latency, confidence=confidence, **given_settings)[0]


def _answers(sums: OperationsSums) -> dict[str, MetricValue]:
    return {answer.metric: answer for answer in evaluate(sums)}


def _assert_kept(answer: MetricValue) -> None:
    assert (answer.value is None) == (answer.undefined is not None)
    json.dumps(asdict(answer), allow_nan=False)
    if answer.value is not None and answer.lower is not None and answer.upper is not None:
        assert answer.lower <= answer.value <= answer.upper


@pytest.mark.parametrize("case", CASES)
def test_a_metric_has_a_finite_value_or_a_reason(case: str) -> None:
    for answer in evaluate(_sums(CASES[case])):
        _assert_kept(answer)


@settings(deadline=None, max_examples=300)
@given(st.lists(any_rows, min_size=1, max_size=4))
def test_no_rows_and_no_merge_can_break_the_contract(hours: list[list[Row]]) -> None:
    for answer in evaluate(merge([_sums(rows) for rows in hours])):
        _assert_kept(answer)


@settings(deadline=None)
@given(st.lists(latency, min_size=1, max_size=200))
def test_latency_quantiles_equal_numpys_within_their_bound(latencies: list[float]) -> None:
    answers = _answers(_sums([(value, NAN, NAN) for value in latencies]))

    for name, probability in QUANTILES.items():
        answer, exact = answers[name], float(np.quantile(latencies, probability, method="inverted_cdf"))
        assert answer.value == pytest.approx(exact, rel=0.01, abs=0)
        assert answer.value is not None
        assert answer.error_bound is not None
        assert abs(answer.value - exact) <= answer.error_bound
    assert answers["latency_mean_ms"].value == pytest.approx(np.mean(latencies), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(hours=st.lists(st.lists(latency, max_size=40), min_size=1, max_size=5).filter(any))
def test_merged_hours_have_the_quantiles_of_all_rows_bit_for_bit(hours: list[list[float]]) -> None:
    merged = _answers(merge([_sums([(value, NAN, NAN) for value in hour]) for hour in hours]))
    whole = _answers(_sums([(value, NAN, NAN) for hour in hours for value in hour]))

    assert [merged[name] for name in QUANTILES] == [whole[name] for name in QUANTILES]
    assert merged["latency_mean_ms"].value == pytest.approx(whole["latency_mean_ms"].value, rel=1e-12, abs=0)


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
@given(st.lists(st.tuples(st.integers(0, 2), any_number, any_number, any_number), max_size=12))
def test_the_company_of_other_groups_changes_no_bit(rows: list[tuple[int, float, float, float]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    codes, of_latency, confidence, resource = columns

    together = operations_sums(
        codes,
        3,
        latency_ms=of_latency,
        confidence=confidence,
        low_confidence=0.6,
        resources={"cpu": resource},
        window_seconds=HOUR,
    )

    assert repr(together) == repr([_sums([row[1:] for row in rows if row[0] == code]) for code in range(3)])


@settings(deadline=None)
@given(any_rows)
def test_sums_read_back_from_json_bit_for_bit(rows: list[Row]) -> None:
    sums = _sums(rows)

    text = json.dumps(sums.to_dict(), allow_nan=False)

    assert repr(sums_from_dict("operations", json.loads(text))) == repr(sums)


def test_what_no_row_carries_is_absent() -> None:
    assert list(_answers(_sums(CASES["nothing logged"]))) == ["predictions_per_second"]


def test_each_resource_has_its_mean_and_its_largest_sample() -> None:
    resources = {"memory_mb": [100.0, NAN, 300.0], "cpu_percent": [5.0, 50.0, 20.0], "gpu_percent": [NAN] * 3}

    answers = _answers(_sums([(NAN, NAN, NAN)] * 3, resources=resources))

    assert {name: answer.value for name, answer in answers.items() if name != "predictions_per_second"} == {
        "cpu_percent_mean": 25.0,
        "cpu_percent_max": 50.0,
        "memory_mb_mean": 200.0,
        "memory_mb_max": 300.0,
    }
    assert answers["memory_mb_max"].lower is None


def test_hours_with_different_resources_merge_by_name() -> None:
    day = merge(
        [
            _sums([(NAN, NAN, NAN)], resources={"cpu": [10.0], "gpu": [1.0]}),
            _sums([(NAN, NAN, NAN)], resources={"memory": [7.0], "cpu": [30.0]}),
        ]
    )

    answers = _answers(day)

    assert [answers[f"{name}_mean"].value for name in ("cpu", "gpu", "memory")] == [20.0, 1.0, 7.0]


def test_a_confidence_below_the_declared_bound_is_low_and_one_at_it_is_not() -> None:
    answers = _answers(_sums([(NAN, c, NAN) for c in (0.59, 0.6, 0.9, NAN)], low_confidence=0.6))

    expected = stats.binomtest(1, 3).proportion_ci(0.95, method="wilson")
    rate = answers["low_confidence_rate"]
    assert (rate.value, rate.lower, rate.upper) == pytest.approx((1 / 3, expected.low, expected.high))
    assert answers["average_confidence"].value == pytest.approx(2.09 / 3)


def test_a_number_that_is_none_of_its_kind_is_unusable_once_for_its_row() -> None:
    sums = _sums([*CASES["impossible"], *CASES["infinite"], (1.0, 0.5, 2.0)])

    assert (sums.prediction_count, sums.unusable_count, sums.labelled_count) == (6, 5, 0)
    assert (sums.latency_ms.count, sums.confidence.count) == (3, 2)


def test_throughput_of_an_hour_is_its_predictions_over_its_seconds() -> None:
    answer = _answers(_sums([(NAN, NAN, NAN)] * 7_200))["predictions_per_second"]

    assert answer.value == 2.0
    assert answer.undefined is None


def test_throughput_of_a_day_is_that_of_its_hours_in_use() -> None:
    busy, calm = _sums([(NAN, NAN, NAN)] * 7_200), _sums([(NAN, NAN, NAN)] * 3_600)

    day = merge([busy, calm])

    assert _answers(day)["predictions_per_second"].value == 1.5


def test_an_idle_hour_counts_for_the_throughput_of_those_who_merge_it_in() -> None:
    idle = _sums([])

    day = merge([_sums([(NAN, NAN, NAN)] * 7_200), idle])

    assert _answers(idle)["predictions_per_second"].value == 0.0
    assert _answers(day)["predictions_per_second"].value == 1.0


@settings(deadline=None)
@given(st.integers(0, 1_000_000))
def test_the_interval_of_a_count_is_garwoods(count: int) -> None:
    interval = poisson_interval(count)

    lower = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    assert interval.lower == pytest.approx(lower, rel=1e-9)
    assert interval.upper == pytest.approx(stats.chi2.ppf(0.975, 2 * count + 2) / 2, rel=1e-9)


def test_a_window_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one second"):
        _sums([], window_seconds=0)


def test_a_total_beyond_the_doubles_is_an_overflow_and_its_quantiles_are_not() -> None:
    answers = _answers(_sums(CASES["1e308"]))

    assert answers["latency_mean_ms"].undefined is UndefinedReason.OVERFLOW
    assert answers["latency_p50_ms"].value == pytest.approx(1e308, rel=0.01)
    assert answers["cpu_max"].value == 1e308


def _coverage(windows: int, rows: int) -> dict[str, float]:
    """How often the intervals hold the truth: skewed latencies, about ``rows`` predictions in an hour."""
    random = np.random.default_rng(20_131_102)
    counts = random.poisson(rows, windows)
    codes = np.repeat(np.arange(windows), counts)
    of_all = operations_sums(
        codes,
        windows,
        latency_ms=random.lognormal(3.0, 0.5, codes.size),
        confidence=random.beta(8.0, 2.0, codes.size),
        low_confidence=0.6,
        resources={"cpu": random.gamma(4.0, 10.0, codes.size)},
        window_seconds=HOUR,
    )
    truth = {
        "latency_mean_ms": math.exp(3.0 + 0.5**2 / 2),
        "predictions_per_second": rows / HOUR,
        "average_confidence": 0.8,
        "low_confidence_rate": float(stats.beta.cdf(0.6, 8.0, 2.0)),
        "cpu_mean": 40.0,
    } | {name: float(stats.lognorm.ppf(p, 0.5, scale=math.exp(3.0))) for name, p in QUANTILES.items()}
    held = dict.fromkeys(truth, 0)
    told = dict.fromkeys(truth, 0)
    for answer in (answer for sums in of_all for answer in evaluate(sums) if answer.metric in truth):
        if answer.lower is not None and answer.upper is not None:
            told[answer.metric] += 1
            held[answer.metric] += answer.lower <= truth[answer.metric] <= answer.upper
    return {name: held[name] / told[name] for name in truth if told[name]}


def _assert_covered(shares: dict[str, float], tolerance: float) -> None:
    # A quantile's ranks are whole and widened by the histogram's 1 %: its interval may hold more often.
    ends = {name: 1.0 if name in QUANTILES else 0.95 + tolerance for name in shares}
    assert all(0.95 - tolerance <= share <= ends[name] for name, share in shares.items()), shares


def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_windows() -> None:
    shares = _coverage(windows=800, rows=200)

    assert "latency_p99_ms" not in shares
    _assert_covered(shares, 0.02)


@pytest.mark.long
@pytest.mark.parametrize("rows", [50, 200, 1_000])
def test_95_percent_intervals_hold_the_truth_in_windows_of_every_size(rows: int) -> None:
    _assert_covered(_coverage(windows=5_000, rows=rows), 0.015)
