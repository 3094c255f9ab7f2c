"""Time structure: how alike rows of one window are, what samples are worth, and that false alarms stay in budget."""

import numpy as np
import pytest
from scipy.special import kolmogorov, ndtr, ndtri

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.choice import sharpest
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.effective import NoCounterpart, StratumWorth, effective_rows
from monitoring_pipeline.drift.time_structure.intraclass import Intraclass, IntraclassReason, estimate
from monitoring_pipeline.drift.time_structure.lags import weather_shared
from monitoring_pipeline.drift.time_structure.season import Season, strata, supported
from monitoring_pipeline.drift.time_structure.structure import TimeStructure
from monitoring_pipeline.drift.time_structure.window_counts import WindowCounts, count_codes, count_numbers
from monitoring_pipeline.windows import Grain

FINE = ndtri(np.arange(1, 100) / 100)  # KS is taken on these points of a standard normal feature
ALPHA = 0.01


def weather(generator: np.random.Generator, windows: int, *, std: float, memory: float = 0.0) -> Floats:
    """AR(1): the shift of each window."""
    shifts = generator.normal(size=windows)
    for at in range(1, windows):
        shifts[at] = memory * shifts[at - 1] + np.sqrt(1 - memory**2) * shifts[at]
    return std * shifts


def counted(generator: np.random.Generator, shifts: Floats, rows: Counts) -> Counts:
    """Rows of a normal feature per window and fine cell."""
    below = ndtr(FINE - shifts[:, None])
    ends = np.ones((shifts.size, 1))
    shares = np.diff(np.concatenate((0 * ends, below, ends), axis=1), axis=1)
    return generator.multinomial(rows, shares / shares.sum(axis=1, keepdims=True)).astype(np.int64)


def table_of(fine: Counts, *, ordered: bool = True) -> WindowCounts:
    """The same in ten bins, as a reference's deciles would be."""
    clusters = Clusters(windows=np.arange(fine.shape[0]), rows=fine.sum(axis=1))
    return WindowCounts(clusters=clusters, cells=np.add.reduceat(fine, np.arange(0, 100, 10), axis=1), ordered=ordered)


def found(table: WindowCounts, season: Season = Season.NONE) -> Intraclass:
    intraclass = estimate(table, season=season, grain=Grain.HOUR)
    assert isinstance(intraclass, Intraclass)
    return intraclass


def window_weights(reference: Clusters, window: Clusters, season: Season) -> Floats:
    """How much each of the reference's hours counts beside a window: an oracle, hour by hour."""
    have, want = (strata(clusters.windows, season=season, grain=Grain.HOUR) for clusters in (reference, window))
    shares = [window.rows[want == stratum].sum() / window.row_count for stratum in have]
    in_stratum = [reference.rows[have == stratum].sum() for stratum in have]
    weights: Floats = np.array(shares) * reference.rows / np.array(in_stratum)
    return weights


def p_values(
    fine: Counts, reference_windows: int, *, judged: list[int], season: Season
) -> tuple[list[float], list[float]]:
    """KS of single windows against the weighed reference: with effective sizes, and as if rows were independent."""
    reference = fine[:reference_windows]
    table = table_of(reference)
    structure = TimeStructure.of(table, grain=Grain.HOUR, season=season)
    calibrated, raw = [], []
    for at in judged:
        window = Clusters(windows=np.array([at]), rows=fine[at].sum(keepdims=True))
        weights = window_weights(table.clusters, window, season)
        sizes = structure.sizes(window)
        assert isinstance(sizes, Sizes)
        usual = (weights / table.clusters.rows) @ reference
        gap = float(np.max(np.abs(np.cumsum(usual) - np.cumsum(fine[at]) / fine[at].sum())))
        plain = Sizes(reference=float(reference.sum()), window=float(fine[at].sum()))
        everything = np.cumsum(reference.sum(axis=0)) / reference.sum()
        plain_gap = float(np.max(np.abs(everything - np.cumsum(fine[at]) / fine[at].sum())))
        calibrated.append(sizes.p_value(float(kolmogorov(gap * sizes.root))))
        raw.append(float(kolmogorov(plain_gap * plain.root)))
    return calibrated, raw


@pytest.mark.parametrize("rows", [100, 100_000])
@pytest.mark.parametrize(("std", "memory"), [(0.0, 0.0), (0.3, 0.0), (0.3, 0.7)])
def test_windows_that_share_weather_keep_the_budget_where_raw_ks_alarms(rows: int, std: float, memory: float) -> None:
    generator = np.random.default_rng([rows, int(10 * std), int(10 * memory)])
    calibrated, raw = [], []

    for _ in range(60):
        shifts = weather(generator, 140, std=std, memory=memory)
        fine = counted(generator, shifts, np.full(140, rows))
        tried = p_values(fine, 60, judged=list(range(100, 140, 4)), season=Season.NONE)
        calibrated += tried[0]
        raw += tried[1]

    assert np.mean(np.array(calibrated) < ALPHA) <= 1.5 * ALPHA
    if std > 0:
        assert np.mean(np.array(raw) < ALPHA) > (0.2 if rows == 100 else 0.9)


def test_a_healthy_season_is_not_drift_when_hours_are_compared_with_like_hours() -> None:
    generator = np.random.default_rng(3)
    windows = 24 * 14 + 72
    wave = np.sin(np.arange(windows) * np.pi / 12)
    rows = (500 * np.exp(0.7 * wave)).astype(np.int64)
    calibrated, raw = [], []

    for _ in range(12):
        fine = counted(generator, 0.7 * wave + weather(generator, windows, std=0.1), rows)
        tried = p_values(fine, 24 * 14, judged=list(range(24 * 14 + 24, windows)), season=Season.HOUR_OF_DAY)
        calibrated += tried[0]
        raw += tried[1]

    assert np.mean(np.array(calibrated) < ALPHA) <= 1.5 * ALPHA
    assert np.mean(np.array(raw) < ALPHA) > 0.8


def test_independent_rows_keep_most_of_their_worth() -> None:
    generator = np.random.default_rng(4)

    worth = []
    for _ in range(100):
        table = table_of(counted(generator, np.zeros(150), np.full(150, 1000)))
        one = Clusters(windows=np.array([200]), rows=np.array([1000]))
        worth.append(effective_rows(one, found(table)) / 1000)

    assert np.median(worth) > 0.9


def test_a_shared_shift_is_measured_in_its_own_direction() -> None:
    generator = np.random.default_rng(5)
    fine = counted(generator, weather(generator, 2000, std=0.3), np.full(2000, 500))

    location = found(table_of(fine)).rho
    categories = found(table_of(fine, ordered=False)).rho

    # Of the variance 1 + 0.3², 0.3² is shared; ranks carry 3/π of a normal feature's information.
    assert location == pytest.approx(3 / np.pi * 0.09 / 1.09, rel=0.1)
    assert categories < 0.6 * location


def test_lasting_weather_is_seen_and_makes_a_pooled_window_worth_less() -> None:
    generator = np.random.default_rng(6)
    fine = counted(generator, weather(generator, 2000, std=0.3, memory=0.7), np.full(2000, 500))

    lasting = found(table_of(fine))

    assert lasting.correlations[0] == pytest.approx(0.7, abs=0.1)
    assert lasting.freedom < 1000
    six = Clusters(windows=np.arange(6), rows=np.full(6, 500))
    alone = Intraclass(rho=lasting.rho, freedom=lasting.freedom, windows=2000)
    assert effective_rows(six, lasting) < 0.5 * effective_rows(six, alone)


def test_effective_rows_of_one_window_are_those_of_kish() -> None:
    window = Clusters(windows=np.array([7]), rows=np.array([1000]))

    worth = effective_rows(window, Intraclass(rho=0.02, freedom=9.0, windows=10))

    assert worth == pytest.approx(1000 / (1 + 999 * 0.02))


def test_effective_rows_match_the_variance_of_simulated_means() -> None:
    generator = np.random.default_rng(7)
    rows = np.array([50, 400, 150])
    shifts = np.array([weather(generator, 3, std=0.3, memory=0.5) for _ in range(20_000)])
    means = (shifts + generator.normal(size=shifts.shape) / np.sqrt(rows)) @ (rows / rows.sum())

    rho = 0.09 / 1.09
    worth = effective_rows(
        Clusters(windows=np.arange(3), rows=rows),
        Intraclass(rho=rho, freedom=9.0, windows=9, correlations=(0.5, 0.25)),
    )

    assert 1.09 / np.var(means) == pytest.approx(worth, rel=0.03)


def test_strata_are_hours_and_weekdays_in_utc_also_before_1970() -> None:
    hours = np.array([-1, 0, 23, 24 * 4])  # Wednesday 23:00, Thursday 00:00, 23:00, Monday 00:00

    assert strata(hours, season=Season.HOUR_OF_DAY, grain=Grain.HOUR).tolist() == [23, 0, 23, 0]
    assert strata(hours, season=Season.WEEKDAY, grain=Grain.HOUR).tolist() == [2, 3, 3, 0]
    assert strata(hours, season=Season.HOUR_OF_WEEK, grain=Grain.HOUR).tolist() == [71, 72, 95, 0]
    assert strata(np.array([4]), season=Season.WEEKDAY, grain=Grain.DAY).tolist() == [0]
    with pytest.raises(ValueError, match="have only: none, weekday"):
        strata(hours, season=Season.HOUR_OF_DAY, grain=Grain.DAY)


def test_hours_that_are_nearly_idle_do_not_forbid_a_season() -> None:
    busy = np.repeat([hour for hour in range(24 * 14) if hour % 24 > 0], 100)

    reference = Clusters.from_windows(np.append(busy, 0))  # one row at midnight, ever

    assert Season.HOUR_OF_DAY in supported(reference, grain=Grain.HOUR)


def test_a_week_with_other_days_is_compared_by_the_hour_of_the_week() -> None:
    generator = np.random.default_rng(8)
    hours = np.arange(24 * 7 * 9)
    shifts = np.where((hours // 24 + 3) % 7 >= 5, 1.0, 0.0) * np.sin(hours * np.pi / 12)

    table = table_of(counted(generator, shifts, np.full(hours.size, 300)))

    assert sharpest(table, grain=Grain.HOUR) is Season.HOUR_OF_WEEK
    assert sharpest(table_of(counted(generator, 0 * shifts, np.full(hours.size, 300))), grain=Grain.HOUR) is Season.NONE


def test_a_window_of_hours_that_the_reference_lacks_has_no_counterpart() -> None:
    reference, window = Clusters.from_windows(np.array([0, 1, 24])), Clusters.from_windows(np.array([48, 50, 50, 50]))

    independent = Intraclass(rho=0.0, freedom=1.0, windows=3)
    worth = StratumWorth.of(reference, independent, season=Season.HOUR_OF_DAY, grain=Grain.HOUR)

    assert worth.rows_beside(window) == NoCounterpart(strata=(2,), row_share=0.75)


def test_too_little_is_a_reason_and_not_a_number() -> None:
    few = count_numbers(np.arange(70.0), np.arange(70) // 10, np.array([30.0]))
    constant = count_numbers(np.zeros(100), np.arange(100) // 10, np.array([0.0]))
    single = count_numbers(np.arange(100.0), np.arange(100), np.array([50.0]))
    nothing = count_numbers(np.full(5, np.nan), np.arange(5), np.empty(0))

    reasons = [estimate(table, season=Season.NONE, grain=Grain.HOUR) for table in (few, constant, single, nothing)]

    assert reasons == [
        IntraclassReason.TOO_FEW_WINDOWS,
        IntraclassReason.NO_VARIANCE,
        IntraclassReason.ONE_ROW_PER_WINDOW,
        IntraclassReason.TOO_FEW_WINDOWS,
    ]


@pytest.mark.parametrize("values", [np.inf, 1e308, -np.inf])
def test_awkward_values_are_counted_and_give_a_correlation_within_its_range(values: float) -> None:
    numbers = np.where(np.arange(200) // 10 % 2, values, np.arange(200.0))

    intraclass = found(count_numbers(numbers, np.arange(200) // 10, np.array([50.0, 100.0])))

    assert 0.0 < intraclass.rho <= 1.0
    assert intraclass.freedom >= 1.0


def test_rare_categories_share_a_cell_and_missing_ones_have_none() -> None:
    codes = np.concatenate((np.zeros(500), np.ones(300), np.arange(2, 102), np.full(50, -1))).astype(np.int64)

    table = count_codes(codes, np.arange(codes.size) % 10)

    assert sorted(table.cells.sum(axis=0).tolist()) == [100, 300, 500]


def test_rows_in_another_order_are_counted_the_same() -> None:
    generator = np.random.default_rng(9)
    values, windows = generator.normal(size=500), generator.integers(0, 20, size=500)
    order = generator.permutation(500)

    first = count_numbers(values, windows, np.array([-1.0, 0.0, 1.0]))
    second = count_numbers(values[order], windows[order], np.array([-1.0, 0.0, 1.0]))

    np.testing.assert_array_equal(first.cells, second.cells)
    assert found(first) == found(second)


@pytest.mark.parametrize("season", [Season.NONE, Season.HOUR_OF_DAY, Season.HOUR_OF_WEEK])
def test_a_reference_summed_up_by_stratum_is_worth_what_its_windows_are_one_by_one(season: Season) -> None:
    generator = np.random.default_rng(17)
    hours = np.sort(generator.choice(24 * 60, size=1200, replace=False))
    reference = Clusters(windows=hours, rows=generator.integers(1, 300, size=hours.size))
    window = Clusters(windows=np.arange(2000, 2006), rows=generator.integers(1, 60, size=6))
    weather = Intraclass(rho=0.02, freedom=60.0, windows=1200, correlations=(0.8, 0.5, 0.1))

    rows = StratumWorth.of(reference, weather, season=season, grain=Grain.HOUR).rows_beside(window)

    weights = window_weights(reference, window, season)
    assert rows == pytest.approx(effective_rows(reference, weather, weights=weights), rel=1e-12)


@pytest.mark.parametrize("windows", [[5], [5, 6, 7, 8], [5, 6, 8, 11], [5, 50]])
def test_the_weather_that_windows_share_is_summed_over_all_pairs_with_and_without_gaps(windows: list[int]) -> None:
    weights = np.random.default_rng(19).dirichlet(np.ones(len(windows)))
    lasting = dict(enumerate((1.0, 0.7, 0.5, 0.2)))

    shared = weather_shared(np.array(windows), weights, (0.7, 0.5, 0.2))

    pairs = [(i, j) for i in range(len(windows)) for j in range(len(windows))]
    plain = sum(weights[i] * weights[j] * lasting.get(abs(windows[i] - windows[j]), 0.0) for i, j in pairs)
    assert shared == pytest.approx(plain, rel=1e-12)
