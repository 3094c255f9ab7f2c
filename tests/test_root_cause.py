"""Where a change came from: parts that sum to it, intervals that hold the truth, and no cause where there is none."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import fmean

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.registry import KINDS, evaluate
from monitoring_pipeline.performance.root_cause.decompose import decompose
from monitoring_pipeline.performance.root_cause.exact import exact_parts
from monitoring_pipeline.performance.root_cause.quantities import quantities
from monitoring_pipeline.performance.root_cause.sample import Sample
from monitoring_pipeline.performance.root_cause.values import Contribution, Decomposition, NotDecomposed
from monitoring_pipeline.performance.rows.grouping import Grouping
from tests.kinds_examples import AnyRow, sums_of

Rows = Mapping[str, Sequence[float]]
BySegment = dict[str, float]

SEGMENTS = ["AA", "DL", "UA", "WN"]

numbers = st.floats(-1e6, 1e6) | st.integers(-5, 5).map(float)
windows = st.dictionaries(st.sampled_from(SEGMENTS), st.lists(numbers, min_size=1, max_size=6), min_size=1)


def sample(values: Sequence[float] | npt.NDArray[np.float64]) -> Sample:
    [moments] = Grouping.sorting([0] * len(values), 1)[0].moments(np.array(values, dtype=np.float64))
    found = Sample.of(moments)
    assert found is not None
    return found


def samples(rows: Rows) -> dict[str, Sample]:
    return {segment: sample(values) for segment, values in rows.items()}


def decomposed(before: Rows, after: Rows) -> Decomposition:
    found = decompose(samples(before), samples(after))
    assert isinstance(found, Decomposition)
    return found


def by_segment(found: Decomposition) -> dict[str, Contribution]:
    return {part.segment: part for part in found.contributions}


def parts_of(found: Decomposition) -> list[float]:
    return [value for part in found.contributions for value in (part.mix.value, part.within.value)]


@settings(deadline=None)
@given(windows, windows)
def test_the_exact_parts_sum_to_the_exact_change(before: Rows, after: Rows) -> None:
    earlier, later = samples(before), samples(after)

    found = exact_parts(earlier, later)

    assert sum(found.mix.values()) + sum(found.within.values()) == found.mean_after - found.mean_before


@settings(deadline=None)
@given(windows, windows)
def test_the_parts_sum_to_the_change_to_the_last_bit(before: Rows, after: Rows) -> None:
    found = decomposed(before, after)

    assert math.fsum(parts_of(found)) == found.change
    assert math.fsum(part.mix.value for part in found.contributions) == found.mix
    assert all(part.total.value == part.mix.value + part.within.value for part in found.contributions)


@settings(deadline=None)
@given(windows, windows)
def test_the_change_is_that_of_the_means_but_for_the_rounding_of_its_parts(before: Rows, after: Rows) -> None:
    found = decomposed(before, after)

    exact = exact_parts(samples(before), samples(after))
    rounding = sum(math.ulp(part) for part in parts_of(found)) + math.ulp(found.change)
    assert abs(Fraction(found.change) - (exact.mean_after - exact.mean_before)) <= rounding
    all_before, all_after = ([value for values in rows.values() for value in values] for rows in (before, after))
    assert found.change == pytest.approx(fmean(all_after) - fmean(all_before), rel=1e-9, abs=1e-6)


@settings(deadline=None)
@given(windows, windows)
def test_the_parts_follow_the_formula(before: Rows, after: Rows) -> None:
    found = by_segment(decomposed(before, after))

    rows = [sum(map(len, window.values())) for window in (before, after)]
    overall = [sum(map(sum, window.values())) / n for window, n in zip((before, after), rows, strict=True)]
    for segment, part in found.items():
        w0, w1 = (len(window.get(segment, [])) / n for window, n in zip((before, after), rows, strict=True))
        m0, m1 = (fmean(window[segment]) if segment in window else None for window in (before, after))
        first, last = (m1 if m0 is None else m0), (m0 if m1 is None else m1)
        assert first is not None
        assert last is not None
        mix = (w1 - w0) * ((first + last) / 2 - sum(overall) / 2)
        assert part.mix.value == pytest.approx(mix, rel=1e-9, abs=1e-6)
        assert part.within.value == pytest.approx((w0 + w1) / 2 * (last - first), rel=1e-9, abs=1e-6)
        assert (part.mean_before is None, part.mean_after is None) == (m0 is None, m1 is None)


@settings(deadline=None)
@given(windows, windows)
def test_the_order_of_the_segments_changes_nothing(before: Rows, after: Rows) -> None:
    shuffled = [dict(reversed(list(window.items()))) for window in (before, after)]

    assert decomposed(before, after) == decomposed(*shuffled)


def test_a_new_segment_is_all_mix() -> None:
    found = by_segment(decomposed({"AA": [1, 3]}, {"AA": [1, 3], "UA": [9, 11]}))

    assert found["UA"].within.value == 0
    assert found["UA"].mix.value == 0.5 * (10 - (2 + 6) / 2)
    assert found["UA"].mean_before is None


def test_a_segment_that_is_gone_takes_its_share_away() -> None:
    found = by_segment(decomposed({"AA": [1, 3], "UA": [9, 11]}, {"AA": [1, 3]}))

    assert found["UA"].mix.value == -0.5 * (10 - (6 + 2) / 2)
    assert (found["UA"].count_after, found["UA"].mean_after) == (0, None)


def test_the_worst_segment_comes_first() -> None:
    steady, worse = [1.0, 2.0, 3.0] * 30, [6.0, 7.0, 8.0] * 30

    found = decomposed({"AA": steady, "DL": steady, "UA": steady}, {"AA": steady, "DL": steady, "UA": worse})

    first, *others = found.contributions
    assert (first.segment, first.within.significant, first.total.significant) == ("UA", True, True)
    assert not any(part.total.significant for part in others)
    assert found.interval is not None
    assert found.interval.lower > 0


def test_constants_that_stay_do_not_change_by_their_rounding() -> None:
    found = decomposed({"AA": [0.1] * 3, "UA": [0.7] * 3}, {"AA": [0.1] * 7, "UA": [0.7] * 7})

    assert parts_of(found) == [0, 0, 0, 0]
    assert not any(part.total.significant for part in found.contributions)


def test_a_change_of_one_segment_is_more_concentrated_than_one_of_all() -> None:
    steady, worse = [1.0, 2.0, 3.0] * 100, [3.0, 4.0, 5.0] * 100

    of_one = decomposed({"AA": steady, "UA": steady}, {"AA": steady, "UA": worse})
    of_all = decomposed({"AA": steady, "UA": steady}, {"AA": worse, "UA": worse})
    of_single = decomposed({"AA": steady}, {"AA": worse})

    assert of_one.concentration == pytest.approx(0.5)
    assert of_all.concentration == pytest.approx(0)
    assert of_single.concentration == 0


def test_single_rows_have_parts_but_no_interval() -> None:
    found = decomposed({"AA": [1.0], "UA": [2.0]}, {"AA": [5.0], "UA": [2.0]})

    assert found.change == 2
    assert found.interval is None
    assert all(part.total.interval is None and not part.total.significant for part in found.contributions)


def test_a_window_without_rows_has_no_decomposition() -> None:
    rows = samples({"AA": [1.0]})

    assert decompose({}, rows) is NotDecomposed.NO_ROWS_BEFORE
    assert decompose(rows, {}) is NotDecomposed.NO_ROWS_AFTER


def test_what_is_beyond_the_doubles_is_named_and_squares_beyond_them_leave_no_interval() -> None:
    huge = decompose(samples({"AA": [-1.7e308]}), samples({"AA": [1.7e308]}))
    large = decomposed({"AA": [1e200, 2e200]}, {"AA": [3e200, 5e200], "UA": [1.0]})

    assert huge is NotDecomposed.OVERFLOW
    assert large.interval is None
    assert all(part.total.interval is None and not part.total.significant for part in large.contributions)
    with pytest.raises(OverflowError):
        Sample.of(Moments.of(count=2, total=math.inf, m2=math.inf, m3=math.inf, lowest=0, highest=0))


SHARES = ({"AA": 0.5, "DL": 0.3, "UA": 0.2}, {"AA": 0.3, "DL": 0.3, "UA": 0.4})
MEANS = ({"AA": 5.0, "DL": 8.0, "UA": 12.0}, {"AA": 5.0, "DL": 10.0, "UA": 13.0})


def drawn(rng: np.random.Generator, shares: Mapping[str, float], means: Mapping[str, float]) -> dict[str, Sample]:
    """300 rows of exponential errors: skewed, as absolute errors are."""
    counts = rng.multinomial(300, list(shares.values()))
    return {segment: sample(rng.exponential(means[segment], n)) for segment, n in zip(shares, counts, strict=True)}


def test_the_intervals_hold_the_true_parts_in_95_of_100_windows() -> None:
    rng = np.random.default_rng(3)
    names = ("mix", "within", "total")
    overall = [sum(w[s] * m[s] for s in w) for w, m in zip(SHARES, MEANS, strict=True)]
    truth = {}
    for s in SHARES[0]:
        w0, w1, m0, m1 = SHARES[0][s], SHARES[1][s], MEANS[0][s], MEANS[1][s]
        mix, within = (w1 - w0) * ((m0 + m1) / 2 - sum(overall) / 2), (w0 + w1) / 2 * (m1 - m0)
        truth[s] = {"mix": mix, "within": within, "total": mix + within}
    rounds = 600
    held = dict.fromkeys([(s, name) for s in truth for name in names], 0)
    held_change = 0

    for _ in range(rounds):
        found = decompose(drawn(rng, SHARES[0], MEANS[0]), drawn(rng, SHARES[1], MEANS[1]))
        assert isinstance(found, Decomposition)
        assert found.interval is not None
        held_change += found.interval.lower <= overall[1] - overall[0] <= found.interval.upper
        for part in found.contributions:
            for name in names:
                interval = getattr(part, name).interval
                held[part.segment, name] += interval.lower <= truth[part.segment][name] <= interval.upper

    shares = {key: count / rounds for key, count in held.items()}
    # DL keeps its share and lies near the middle: a product of two small numbers, of which the interval is too wide.
    assert all(share >= 0.99 for key, share in shares.items() if key == ("DL", "mix"))
    others = {key: share for key, share in shares.items() if key != ("DL", "mix")}
    assert all(0.92 <= share <= 0.98 for share in others.values()), others
    assert 0.93 <= fmean(others.values()) <= 0.97
    assert 0.93 <= held_change / rounds <= 0.97


def test_nothing_stands_out_where_nothing_changed_in_95_of_100_comparisons() -> None:
    rng = np.random.default_rng(4)
    rounds = 300

    alarms = 0
    for _ in range(rounds):
        found = decompose(drawn(rng, SHARES[0], MEANS[0]), drawn(rng, SHARES[0], MEANS[0]))
        assert isinstance(found, Decomposition)
        alarms += any(part.within.significant for part in found.contributions)

    assert alarms / rounds <= 0.08


def parts_by_formula(shares: Sequence[BySegment], means: Sequence[BySegment], segment: str) -> npt.NDArray[np.float64]:
    """Mix, within and total of one segment, straight from the formula."""
    overall = [sum(w[s] * m[s] for s in w) for w, m in zip(shares, means, strict=True)]
    w0, w1 = (w.get(segment, 0.0) for w in shares)
    m0 = means[0].get(segment, means[1].get(segment, 0.0))
    m1 = means[1].get(segment, m0)
    mix, within = (w1 - w0) * ((m0 + m1) / 2 - sum(overall) / 2), (w0 + w1) / 2 * (m1 - m0)
    return np.array([mix, within, mix + within])


def errors_by_differences(windows: Sequence[Mapping[str, Sample]], segment: str) -> npt.NDArray[np.float64]:
    """Standard errors of the three parts: gradients by central differences, the full multinomial covariance."""
    counts = [sum(found.count for found in window.values()) for window in windows]
    shares = [{s: f.count / n for s, f in window.items()} for window, n in zip(windows, counts, strict=True)]
    means = [{s: float(f.mean) for s, f in window.items()} for window in windows]
    variance, step = np.zeros(3), 1e-5

    def gradient(values: dict[str, float], name: str) -> npt.NDArray[np.float64]:
        kept, sides = values[name], []
        for sign in (1, -1):
            values[name] = kept + sign * step
            sides.append(parts_by_formula(shares, means, segment))
        values[name] = kept
        difference: npt.NDArray[np.float64] = (sides[0] - sides[1]) / (2 * step)
        return difference

    for window, n, w, m in zip(windows, counts, shares, means, strict=True):
        by_share, by_mean = (np.array([gradient(values, s) for s in window]) for values in (w, m))
        of_shares = np.array([w[s] for s in window])
        covariance = (np.diag(of_shares) - np.outer(of_shares, of_shares)) / n
        of_means = np.array([f.squares / (f.count - 1) / f.count for f in window.values()])
        variance += np.einsum("ik,ij,jk->k", by_share, covariance, by_share) + of_means @ by_mean**2
    return np.sqrt(variance)


@pytest.mark.parametrize("gone", [(), ("AA",), ("UA",)])
@pytest.mark.parametrize("new", [(), ("AA",), ("DL",)])
def test_the_intervals_are_those_of_the_delta_method(gone: Sequence[str], new: Sequence[str]) -> None:
    rng = np.random.default_rng(6)
    before = {s: sample(rng.normal(100 * i, 5, 20 + i)) for i, s in enumerate(SEGMENTS) if s not in new}
    after = {s: sample(rng.normal(90 * i + 40, 9, 30 - 2 * i)) for i, s in enumerate(SEGMENTS) if s not in gone}

    found = decompose(before, after)

    assert isinstance(found, Decomposition)
    for part in found.contributions:
        expected = 1.959963984540054 * errors_by_differences([before, after], part.segment)
        widths = [
            (interval.upper - interval.lower) / 2
            for interval in (part.mix.interval, part.within.interval, part.total.interval)
            if interval is not None
        ]
        assert widths == pytest.approx(expected.tolist(), rel=1e-5, abs=1e-6)


def test_few_right_answers_without_a_mistake_are_not_called_certain() -> None:
    before, after = Sample.of_share(3, 3), Sample.of_share(2, 3)
    assert before is not None
    assert after is not None

    found = decompose({"AA": before}, {"AA": after})

    assert isinstance(found, Decomposition)
    assert found.change == pytest.approx(-1 / 3)
    assert not found.contributions[0].total.significant


ROWS: list[AnyRow] = [
    (0, 1.0, 1.0, 0.7, "ant", "ant"),
    (0, 0.0, 1.0, 0.2, "bee", "ant"),
    (0, 1.0, 0.0, 0.9, "ant", "bee"),
    (0, 0.0, 0.0, 0.1, "bee", "bee"),
    (0, 1.0, 1.0, 0.6, "bee", "bee"),
    (0, 0.0, math.nan, 0.5, "bee", None),
]


@pytest.mark.parametrize("task", [kind for kind in KINDS if quantities(KINDS[kind].sums)])
def test_what_is_decomposed_is_the_metric_itself(task: str) -> None:
    [sums] = sums_of(task, ROWS)

    metrics = {found.metric: found.value for found in evaluate(sums)}

    for metric, (_, values_of) in quantities(type(sums)).items():
        found = values_of(sums)
        assert found is not None
        mean = math.sqrt(found.mean) if metric == "rmse" else float(found.mean)
        assert metrics[metric] == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize("task", [kind for kind in KINDS if quantities(KINDS[kind].sums)])
def test_sums_without_labels_have_nothing_to_decompose(task: str) -> None:
    [sums] = sums_of(task, ROWS[-1:])

    assert all(values_of(sums) is None for _, values_of in quantities(type(sums)).values())
