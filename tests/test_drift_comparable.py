"""Like with like: a window beside the hours of the reference that it is made of, and looks at small windows."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.comparable import ComparableCategories, ComparableNumbers, RowsInTime
from monitoring_pipeline.drift.judge import Measured, MeasuredFeature, judge_features
from monitoring_pipeline.drift.looks import best_look
from monitoring_pipeline.drift.measurement import Measure, Measurement
from monitoring_pipeline.drift.time_structure.season import Season
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason, DriftVerdict
from monitoring_pipeline.windows import Grain

ALPHA = 0.001
CRITERIA = DriftCriteria()
DAYS = 28
MONDAY = 24 * 4  # hour 96 of 1970, 00:00


def times(windows: Counts, *, season: Season | None = None, grain: Grain = Grain.HOUR) -> RowsInTime:
    return RowsInTime(windows=windows, grain=grain, season=season)


def sun(hours: Counts) -> Floats:
    """From -1 (midnight) to 1 (noon)."""
    return -np.cos(2 * np.pi * (hours % 24) / 24)


def rows_of(hours: Counts) -> Counts:
    """The hour of each row: sixty at night, a hundred and eighty by day."""
    return np.repeat(hours, (120 + 60 * sun(hours)).astype(np.int64))


def sunny(rng: np.random.Generator, hours: Counts) -> tuple[Floats, Counts]:
    """A feature that follows the sun in its mean, its volume and how often it is missing."""
    of_rows = rows_of(hours)
    values = 2 * sun(of_rows) + rng.normal(size=of_rows.size)
    values[rng.random(of_rows.size) < 0.25 - 0.2 * sun(of_rows)] = np.nan
    return values, of_rows


def verdict(feature: MeasuredFeature, alpha: float = ALPHA) -> DriftVerdict:
    return judge_features([feature], alpha=alpha)[0][0].verdict


def reason(feature: MeasuredFeature) -> DriftReason:
    return judge_features([feature], alpha=ALPHA)[0][0].reason


def of_measure(feature: MeasuredFeature, measure: Measure) -> Measured:
    return next(m for m in feature.measured if m.measure is measure)


def measurement(feature: MeasuredFeature, measure: Measure) -> Measurement:
    found = of_measure(feature, measure).measurement
    assert found is not None
    return found


REFERENCE_HOURS = MONDAY + np.arange(24 * DAYS)
NEXT_DAY = MONDAY + 24 * DAYS + np.arange(24)


def test_night_is_no_drift_beside_a_reference_that_knows_its_hours_and_is_beside_one_that_does_not() -> None:
    rng = np.random.default_rng(1)
    values, hours = sunny(rng, REFERENCE_HOURS)
    knowing, ignorant = ComparableNumbers.prepare(values, times(hours)), ComparableNumbers.prepare(values, None)

    found = []
    for hour in NEXT_DAY:
        window, of_rows = sunny(rng, np.array([hour]))
        found.append([c.evaluate(window, of_rows, criteria=CRITERIA, alpha=ALPHA) for c in (knowing, ignorant)])

    with_hours, without = ([verdict(f) for f in features] for features in zip(*found, strict=True))
    assert DriftVerdict.DRIFT not in with_hours
    assert without.count(DriftVerdict.DRIFT) >= 12
    missing = [measurement(without, Measure.MISSING_RATE).p_value for _, without in found]
    assert min(missing) < ALPHA  # in missing values alone, too


def test_a_feature_that_is_never_there_at_night_is_not_drifting_at_night() -> None:
    rng = np.random.default_rng(2)

    def asleep(hours: Counts) -> tuple[Floats, Counts]:
        of_rows = np.repeat(hours, 40)
        return np.where(of_rows % 24 < 6, np.nan, rng.normal(size=of_rows.size)), of_rows

    values, hours = asleep(REFERENCE_HOURS)
    comparable = ComparableNumbers.prepare(values, times(hours))

    night, dawn, day = (
        comparable.evaluate(*asleep(NEXT_DAY[first:last]), criteria=CRITERIA, alpha=ALPHA)
        for first, last in ((2, 3), (3, 9), (12, 13))
    )

    assert (verdict(night), reason(night)) == (DriftVerdict.NOT_ENOUGH_DATA, DriftReason.ALL_MISSING)
    assert measurement(night, Measure.MISSING_RATE).value == pytest.approx(0.0)
    assert measurement(dawn, Measure.MISSING_RATE).value == pytest.approx(0.0)
    assert (verdict(dawn), verdict(day)) == (DriftVerdict.NO_DRIFT, DriftVerdict.NO_DRIFT)


def test_a_feature_that_went_missing_by_day_is_drifting() -> None:
    rng = np.random.default_rng(3)
    values, hours = sunny(rng, REFERENCE_HOURS)
    comparable = ComparableNumbers.prepare(values, times(hours))
    window, of_rows = sunny(rng, NEXT_DAY[12:13])
    window[::2] = np.nan

    found = comparable.evaluate(window, of_rows, criteria=CRITERIA, alpha=ALPHA)

    assert verdict(found) is DriftVerdict.DRIFT
    lacking = comparable.evaluate(np.full(60, np.nan), of_rows[:60], criteria=CRITERIA, alpha=ALPHA)
    assert (verdict(lacking), measurement(lacking, Measure.MISSING_RATE).value > 0.8) == (DriftVerdict.DRIFT, True)


def test_a_window_of_several_hours_is_compared_with_the_mixture_that_it_is() -> None:
    rng = np.random.default_rng(4)
    values, hours = sunny(rng, REFERENCE_HOURS)
    comparable = ComparableNumbers.prepare(values, times(hours, season=Season.HOUR_OF_DAY))
    window, of_rows = sunny(rng, NEXT_DAY[[5, 6, 12]])

    found = comparable.evaluate(window, of_rows, criteria=CRITERIA, alpha=ALPHA)

    weights = _weights_by_hand(values, hours, window, of_rows)
    points = np.unique(np.concatenate((values, window)))
    present, inside = ~np.isnan(values), ~np.isnan(window)
    below = np.array([weights[present][values[present] <= point].sum() for point in points[::7]])
    below_in_window = np.array([np.mean(window[inside] <= point) for point in points[::7]])
    coarse = float(np.abs(below - below_in_window).max())
    assert coarse <= measurement(found, Measure.KS).value + 1e-12
    assert measurement(found, Measure.KS).value == pytest.approx(coarse, abs=0.01)
    mean = float(np.sum(weights[present] * values[present]))
    spread = float(np.sqrt(np.sum(weights[present] * (values[present] - mean) ** 2)))
    expected = stats.wasserstein_distance(values[present], window[inside], u_weights=weights[present]) / spread
    assert measurement(found, Measure.WASSERSTEIN).value == pytest.approx(expected, rel=1e-9)


def test_missing_values_of_several_hours_are_compared_with_the_mixture_of_all_their_rows() -> None:
    rng = np.random.default_rng(5)
    values, hours = sunny(rng, REFERENCE_HOURS)
    comparable = ComparableNumbers.prepare(values, times(hours, season=Season.HOUR_OF_DAY))
    window, of_rows = sunny(rng, NEXT_DAY[[1, 12]])

    found = comparable.evaluate(window, of_rows, criteria=CRITERIA, alpha=ALPHA)

    usual = sum(np.mean(np.isnan(values[hours % 24 == h])) * np.mean(of_rows % 24 == h) for h in (1, 12))
    expected = abs(usual - np.mean(np.isnan(window)))
    assert measurement(found, Measure.MISSING_RATE).value == pytest.approx(float(expected), abs=1e-12)


def _weights_by_hand(values: Floats, hours: Counts, window: Floats, of_rows: Counts) -> Floats:
    weights = np.zeros(values.size)
    inside = of_rows[~np.isnan(window)] % 24
    for hour in np.unique(inside):
        members = (hours % 24 == hour) & ~np.isnan(values)
        weights[members] = np.mean(inside == hour) / members.sum()
    return weights


def test_categories_of_several_hours_are_compared_with_the_mixture_that_they_are() -> None:
    rng = np.random.default_rng(6)
    names = ("a", "b", "c")
    hours = np.repeat(REFERENCE_HOURS, 50)
    codes = np.where(rng.random(hours.size) < 0.5 + 0.4 * sun(hours), 0, 1)
    codes[rng.random(hours.size) < 0.1] = -1
    codes[np.flatnonzero(hours % 24 == 3)[:1]] = 2  # seen once
    comparable = ComparableCategories.prepare(codes, names, times(hours, season=Season.HOUR_OF_DAY))
    of_rows = np.concatenate((np.repeat(NEXT_DAY[3], 30), np.repeat(NEXT_DAY[12], 970)))
    window = np.where(np.arange(of_rows.size) % 3 == 0, 0, 1)
    window[:2] = 2

    found = comparable.evaluate(window, names, of_rows, criteria=CRITERIA, alpha=ALPHA)

    shares = np.zeros(2)
    for hour, weight in ((3, 0.03), (12, 0.97)):
        members = codes[(hours % 24 == hour) & (codes >= 0)]
        shares += weight * np.array([np.mean(members == code) for code in (0, 1)])
    assert measurement(found, Measure.NEW_CATEGORIES).value == 0.0  # rare, and rarer where it is weighed; not new
    expected = abs(float(shares[0]) - float(np.mean(window == 0)))
    criteria = DriftCriteria(measures=(Measure.TOTAL_VARIATION,))
    again = comparable.evaluate(window, names, of_rows, criteria=criteria, alpha=ALPHA)
    assert measurement(again, Measure.TOTAL_VARIATION).value == pytest.approx(expected, abs=0.003)


def test_hours_that_the_reference_lacks_and_references_of_few_hours_give_no_verdict() -> None:
    rng = np.random.default_rng(7)
    office = REFERENCE_HOURS[(REFERENCE_HOURS % 24 >= 8) & (REFERENCE_HOURS % 24 < 18)]
    hours = np.repeat(office, 40)
    comparable = ComparableNumbers.prepare(rng.normal(size=hours.size), times(hours, season=Season.HOUR_OF_DAY))
    few = np.repeat(REFERENCE_HOURS[:5], 40)
    short = ComparableNumbers.prepare(rng.normal(size=few.size), times(few))
    night = np.repeat(NEXT_DAY[2:3], 40)

    by_night = comparable.evaluate(rng.normal(3, 1, size=40), night, criteria=CRITERIA, alpha=ALPHA)
    of_few = short.evaluate(rng.normal(3, 1, size=40), night, criteria=CRITERIA, alpha=ALPHA)

    assert (verdict(by_night), reason(by_night)) == (DriftVerdict.NOT_ENOUGH_DATA, DriftReason.NO_COUNTERPART)
    assert (verdict(of_few), reason(of_few)) == (DriftVerdict.NOT_ENOUGH_DATA, DriftReason.TOO_FEW_REFERENCE_WINDOWS)
    names = ("a", "b")
    categories = ComparableCategories.prepare(hours % 2, names, times(hours, season=Season.HOUR_OF_DAY))
    found = categories.evaluate(night % 2, names, night, criteria=CRITERIA, alpha=ALPHA)
    assert reason(found) is DriftReason.NO_COUNTERPART


def test_rows_count_each_for_itself_where_instants_are_not_made_use_of() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=2000)

    found = ComparableNumbers.prepare(values, None).evaluate(
        rng.normal(size=300), np.zeros(300, dtype=np.int64), criteria=CRITERIA, alpha=ALPHA
    )

    assert found.n_effective == 300


def test_the_weather_of_a_day_is_no_drift_and_a_lasting_shift_is() -> None:
    rng = np.random.default_rng(9)

    def days(first: int, count: int, shift: float = 0.0) -> tuple[Floats, Counts]:
        weather = rng.normal(scale=0.4, size=count)
        of_rows = np.repeat(np.arange(first, first + count), 300)
        return rng.normal(size=of_rows.size) + shift + weather[of_rows - first], of_rows

    values, windows = days(0, 60)
    knowing = ComparableNumbers.prepare(values, times(windows, grain=Grain.DAY))
    ignorant = ComparableNumbers.prepare(values, None)
    healthy = [days(100 + i, 1) for i in range(60)]
    shifted = [days(200 + i, 1, shift=3.0) for i in range(10)]

    alarms = {
        name: sum(verdict(c.evaluate(*w, criteria=CRITERIA, alpha=ALPHA)) is DriftVerdict.DRIFT for w in healthy)
        for name, c in (("knowing", knowing), ("ignorant", ignorant))
    }
    seen = [verdict(knowing.evaluate(*w, criteria=CRITERIA, alpha=ALPHA)) for w in shifted]

    assert alarms["knowing"] == 0
    assert alarms["ignorant"] > 10
    assert seen.count(DriftVerdict.DRIFT) >= 9


@pytest.mark.parametrize("season", [None, Season.NONE, Season.HOUR_OF_DAY])
def test_the_order_of_the_rows_changes_nothing(season: Season | None) -> None:
    rng = np.random.default_rng(10)
    values, hours = sunny(rng, REFERENCE_HOURS[: 24 * 9])
    codes = np.where(np.isnan(values), -1, (values > 0).astype(np.int64))
    window, of_rows = sunny(rng, NEXT_DAY[4:7])
    window_codes = np.where(np.isnan(window), -1, (window > 0).astype(np.int64))

    def measured(order: Counts, of_window: Counts) -> list[MeasuredFeature]:
        in_time = times(hours[order], season=season)
        numbers = ComparableNumbers.prepare(values[order], in_time)
        categories = ComparableCategories.prepare(codes[order], ("no", "yes"), in_time)
        windows = of_rows[of_window]
        return [
            numbers.evaluate(window[of_window], windows, criteria=CRITERIA, alpha=ALPHA),
            categories.evaluate(window_codes[of_window], ("no", "yes"), windows, criteria=CRITERIA, alpha=ALPHA),
        ]

    as_they_came = measured(np.arange(values.size), np.arange(window.size))
    assert measured(rng.permutation(values.size), rng.permutation(window.size)) == as_they_came


@pytest.mark.parametrize(
    "awkward",
    [
        lambda n: np.full(n, np.nan),
        lambda n: np.full(n, 7.0),
        lambda n: np.where(np.arange(n) % 2, np.inf, -np.inf),
        lambda n: np.where(np.arange(n) % 2, 1e308, -1e308),
        lambda n: np.where(np.arange(n) % 5, np.nan, np.arange(n)),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 40])
def test_awkward_values_give_a_verdict_or_a_reason(awkward: Callable[[int], Floats], count: int) -> None:
    for values in (awkward(24 * 20 * 3), np.arange(24 * 20 * 3.0), awkward(0)):
        hours = MONDAY + np.arange(values.size) // 3
        for in_time in (None, times(hours)):
            comparable = ComparableNumbers.prepare(values, in_time)
            windows = np.full(count, NEXT_DAY[7], dtype=np.int64)

            found = comparable.evaluate(awkward(count), windows, criteria=CRITERIA, alpha=ALPHA)

            for m in found.measured:
                numbers = [] if m.measurement is None else [m.measurement.value, m.measurement.p_value]
                assert np.all(np.isfinite(numbers))
                assert numbers or m.missing is not None


# --- two looks ------------------------------------------------------------------------------------------------------


def looked_twice(rng: np.random.Generator, shift: float, *, lasting: bool, rows: int = 50) -> MeasuredFeature:
    """An hour of few rows, alone and with the five before it."""
    comparable = looked_twice_reference()
    before = rng.normal(loc=shift if lasting else 0.0, size=5 * rows)
    own = rng.normal(loc=shift, size=rows)
    zeros = np.zeros(6 * rows, dtype=np.int64)
    alone = comparable.evaluate(own, zeros[:rows], criteria=CRITERIA, alpha=ALPHA / 2)
    pooled = comparable.evaluate(
        np.concatenate((before, own)), zeros, criteria=CRITERIA, alpha=ALPHA / 2, window_count=6
    )
    return best_look([alone, pooled])


def looked_twice_reference() -> ComparableNumbers:
    return ComparableNumbers.prepare(np.random.default_rng(11).normal(size=5_000), None)


def test_two_looks_hold_the_level() -> None:
    rng = np.random.default_rng(12)

    p_values = np.array([looked_twice(rng, 0.0, lasting=True).p_value for _ in range(300)], dtype=np.float64)

    # Within four standard deviations of the binomial of 300.
    assert np.mean(p_values <= 0.05) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean(p_values <= 0.05) >= 0.01


def test_a_small_lasting_change_is_seen_in_hours_together_and_a_large_one_in_one_hour() -> None:
    rng = np.random.default_rng(13)

    small = [looked_twice(rng, 0.45, lasting=True) for _ in range(20)]
    large = [looked_twice(rng, 2.0, lasting=False) for _ in range(20)]

    assert {(verdict(f), f.window_count, f.n_window) for f in small} >= {(DriftVerdict.DRIFT, 6, 300)}
    assert sum(verdict(f) is DriftVerdict.DRIFT for f in small) >= 18
    assert {(verdict(f), f.window_count, f.n_window) for f in large} == {(DriftVerdict.DRIFT, 1, 50)}


def test_a_look_that_may_not_count_costs_nothing() -> None:
    comparable = looked_twice_reference()
    rng = np.random.default_rng(14)
    window, windows = rng.normal(size=60), np.zeros(60, dtype=np.int64)
    few = comparable.evaluate(window[:5], windows[:5], criteria=CRITERIA, alpha=ALPHA)
    pooled = comparable.evaluate(window, windows, criteria=CRITERIA, alpha=ALPHA, window_count=6)

    assert best_look([few, pooled]).window_count == 6
    assert best_look([few, few]) is few
    assert best_look([pooled]) == pooled
    assert best_look([few, pooled]).p_value == pytest.approx(pooled.p_value)


def half_missing(rng: np.random.Generator, rows: int) -> Floats:
    return np.where(rng.random(rows) < 0.5, np.nan, rng.normal(size=rows))


def looked_twice_with_gaps(rng: np.random.Generator, own: Floats) -> MeasuredFeature:
    """An hour of 40 rows, of which 20 are usually missing: too few to compare; and with five hours before it."""
    comparable = ComparableNumbers.prepare(half_missing(np.random.default_rng(15), 5_000), None)
    together = np.concatenate((half_missing(rng, 200), own))
    windows = np.zeros(together.size, dtype=np.int64)
    alone = comparable.evaluate(own, windows[: own.size], criteria=CRITERIA, alpha=ALPHA / 2)
    pooled = comparable.evaluate(together, windows, criteria=CRITERIA, alpha=ALPHA / 2, window_count=6)
    return best_look([alone, pooled])


def test_an_hour_with_too_few_values_is_judged_by_the_hours_before_it_whatever_its_missing_ones_say() -> None:
    rng = np.random.default_rng(16)

    found = [looked_twice_with_gaps(rng, half_missing(rng, 40)) for _ in range(30)]

    assert {(verdict(f), f.window_count) for f in found} == {(DriftVerdict.NO_DRIFT, 6)}


def test_an_hour_that_misses_all_values_is_not_excused_by_the_hours_before_it() -> None:
    found = looked_twice_with_gaps(np.random.default_rng(17), np.full(40, np.nan))

    assert (verdict(found), found.window_count) == (DriftVerdict.DRIFT, 1)
