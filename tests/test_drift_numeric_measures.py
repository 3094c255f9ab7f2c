"""The numeric measures' probabilities and weights, against scipy and against sums written out by hand."""

import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from scipy import integrate, special, stats

from monitoring_pipeline.drift.arrays import Floats, Strata
from monitoring_pipeline.drift.laws import ks_exact, quadratic_law
from monitoring_pipeline.drift.laws.bridge_law import BridgeLaw
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.measures import anderson_darling, cramer_von_mises, ks, wasserstein
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Sizes

MEASURES = [ks, wasserstein, cramer_von_mises, anderson_darling]
Draw = Callable[[np.random.Generator, int], Floats]
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda generator, rows: generator.normal(size=rows),
    "lognormal": lambda generator, rows: generator.lognormal(size=rows),
    "Poisson": lambda generator, rows: generator.poisson(1.5, size=rows).astype(np.float64),
    "Student's t": lambda generator, rows: generator.standard_t(3, size=rows),
}


def measured(module: ModuleType, reference: NumericReference, window: Floats, alpha: float = 0.01) -> Measurement:
    found = module.measure(
        reference, np.sort(window), sizes=Sizes(reference=reference.values.size, window=window.size), alpha=alpha
    )
    assert isinstance(found, Measurement)
    return found


def stratified(seed: int, rows: int = 400) -> tuple[Floats, Strata]:
    """Values with ties, whose level depends on the stratum; the last stratum is rare."""
    generator = np.random.default_rng(seed)
    strata = generator.choice(4, size=rows, p=[0.5, 0.3, 0.17, 0.03])
    return np.round(generator.normal(strata, 1.0), 1), strata


def row_weights(strata: Strata, wanted: dict[int, float]) -> Floats:
    rows = np.bincount(strata)
    weights = np.array([wanted.get(int(code), 0.0) / rows[code] for code in strata])
    return np.asarray(weights / weights.sum())


def share_up_to(points: Floats, values: Floats, weights: Floats) -> Floats:
    return np.array([weights[values <= point].sum() for point in points])


def test_the_p_value_of_ks_is_scipys_exact_one_for_few_rows_where_it_is_evidence() -> None:
    generator = np.random.default_rng(19580101)
    for number in range(60):
        n = int(generator.integers(2, 101))
        m = n if number % 5 == 0 else int(generator.integers(2, 20_000 // n + 10))
        reference = NumericReference.from_values(generator.normal(size=m))
        window = generator.normal(generator.choice([0.0, 0.3, 1.0]), size=n)

        p_value = measured(ks, reference, window).p_value

        expected = stats.ks_2samp(reference.values, window, method="exact").pvalue
        if p_value < 0.2:
            assert p_value == pytest.approx(expected, rel=1e-9, abs=1e-200)
        else:
            assert p_value > 0.9 * expected
            assert expected > 0.1


@pytest.mark.parametrize(("n", "m"), [(101, 101), (101, 150), (150, 400), (200, 997), (101, 3000), (250, 1000)])
def test_above_that_the_p_value_of_ks_is_nowhere_a_hundredth_below_the_exact_one(n: int, m: int) -> None:
    assert not ks_exact.is_countable(n, m)
    for gap in np.linspace(0.5, 2.4, 12) / np.sqrt(n * m / (n + m)):
        reference = NumericReference.from_values(np.arange(m, dtype=np.float64))
        window = np.arange(n) * (m / n) + gap * m  # a shift that makes about this gap

        found = measured(ks, reference, window)

        exact = stats.ks_2samp(reference.values, window, method="exact").pvalue
        assert found.p_value > 0.99 * exact
        if exact > 1e-3:
            assert found.p_value < 1.25 * exact


@pytest.mark.parametrize(("n", "m"), [(12, 40), (30, 30), (30, 1000), (50, 2000), (99, 100)])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
def test_the_noise_limit_of_ks_is_within_a_twentieth_of_the_smallest_distance_with_a_p_value_of_alpha(
    n: int, m: int, alpha: float
) -> None:
    reference = NumericReference.from_values(np.arange(m, dtype=np.float64))
    step = int(np.gcd(n, m))

    limit = measured(ks, reference, np.arange(float(n)), alpha=alpha).noise_limit

    gaps = range(int(0.9 * limit * n * m) // step * step, n * m, step)
    gap = next(gap for gap in gaps if ks_exact.p_value(n, m, gap) <= alpha)
    assert limit == pytest.approx(gap / (n * m), rel=0.05)


def test_three_rows_against_three_can_show_nothing() -> None:
    found = measured(ks, NumericReference.from_values(np.arange(3.0)), np.arange(3.0) + 10)

    assert found.value == 1.0
    assert found.p_value == pytest.approx(0.1)
    assert found.noise_limit > 1.0
    assert found.detectable is None


def test_cramer_von_mises_and_its_p_value_are_scipys() -> None:
    generator = np.random.default_rng(1962)
    for _ in range(100):
        first = generator.normal(size=int(generator.integers(10, 400)))
        second = generator.normal(generator.choice([0.0, 0.3]), size=int(generator.integers(10, 400)))
        reference = NumericReference.from_values(first)

        found = measured(cramer_von_mises, reference, second)

        expected = stats.cramervonmises_2samp(first, second, method="asymptotic")
        scale = first.size * second.size / (first.size + second.size)
        assert found.value**2 * scale == pytest.approx(expected.statistic, rel=1e-9)
        assert found.p_value == pytest.approx(expected.pvalue, rel=2e-5, abs=1e-9)


def test_anderson_darling_is_scipys_also_with_ties() -> None:
    generator = np.random.default_rng(1987)
    for number in range(100):
        first = np.round(generator.normal(size=int(generator.integers(10, 300))), 1 if number % 2 else 12)
        second = np.round(generator.normal(0.3, size=int(generator.integers(10, 300))), 1 if number % 2 else 12)
        sizes = Sizes(reference=first.size, window=second.size)
        reference = NumericReference.from_values(first)

        value = measured(anderson_darling, reference, second).value

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a p-value outside scipy's table
            expected = stats.anderson_ksamp([first, second], midrank=False).statistic
        standard = ((sizes.root * value) ** 2 - 1.0) / anderson_darling._deviation(sizes)
        assert standard == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_laws_of_both_have_their_published_quantiles() -> None:
    # Anderson & Darling (1952), table 1; Marsaglia & Marsaglia (2004), table of adinf.
    for level, value in ((0.10, 0.34730), (0.05, 0.46136), (0.01, 0.74346), (0.001, 1.16786)):
        assert quadratic_law.CRAMER_VON_MISES.quantile(level) == pytest.approx(value, abs=2e-5)
    for level, value in ((0.10, 1.933), (0.05, 2.492), (0.01, 3.878)):
        assert quadratic_law.ANDERSON_DARLING.quantile(level) == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize("value", [0.3, 1.0, 2.5, 8.0, 20.0])
def test_the_law_of_anderson_and_darling_is_that_of_its_characteristic_function(value: float) -> None:
    # Imhof's inversion (1961) with the weights 1 / (k (k + 1)) one by one.
    weights, rest = 1.0 / (np.arange(1.0, 1001.0) * np.arange(2.0, 1002.0)), 1.0 / 1001.0

    def integrand(u: float) -> float:
        angle = 0.5 * float(np.sum(np.arctan(weights * u))) - 0.5 * (value - rest) * u
        return float(np.sin(angle) / (u * np.prod((1.0 + (weights * u) ** 2) ** 0.25)))

    inverted = 0.5 + integrate.quad(integrand, 0.0, 600.0, limit=1000)[0] / np.pi

    assert quadratic_law.ANDERSON_DARLING.survival(value) == pytest.approx(inverted, abs=1e-4)


def test_the_area_under_a_bridge_through_two_values_is_half_normal() -> None:
    law = BridgeLaw.of(np.array([0.2]), np.array([3.0]))

    for level in (0.5, 0.05, 1e-3, 1e-6, 1e-12):
        area = 3.0 * np.sqrt(0.2 * 0.8) * -special.ndtri(level / 2.0)
        assert law.survival(np.array([area]))[0] == pytest.approx(level, rel=0.01)


def test_the_area_under_a_bridge_has_the_quantiles_of_johnson_and_killeen() -> None:
    # Johnson & Killeen (1983), "An explicit formula for the c.d.f. of the L1 norm of the Brownian bridge", table 1.
    law = BridgeLaw.of(np.arange(1, 2000) / 2000, np.full(1999, 1 / 2000))

    for level, area in ((0.10, 0.4993), (0.05, 0.5821), (0.01, 0.7518)):
        assert law.survival(np.array([area]))[0] == pytest.approx(level, rel=0.05)


@pytest.mark.parametrize("module", [wasserstein, cramer_von_mises, anderson_darling, ks])
@pytest.mark.parametrize("freedom", [np.inf, 12.0])
def test_a_value_at_its_noise_limit_has_a_p_value_of_alpha(module: ModuleType, freedom: float) -> None:
    generator = np.random.default_rng(7)
    reference = NumericReference.from_values(generator.lognormal(size=3000))
    window = np.sort(generator.lognormal(0.2, size=400))
    sizes = Sizes(reference=1500.0, window=150.0, freedom=freedom)

    p_value = module.measure(reference, window, sizes=sizes, alpha=0.5).p_value
    at_its_own_level = module.measure(reference, window, sizes=sizes, alpha=p_value)

    assert at_its_own_level.value == pytest.approx(at_its_own_level.noise_limit, rel=2e-3)


@pytest.mark.parametrize("module", MEASURES)
def test_a_shift_as_large_as_said_to_be_detectable_is_seen_in_four_windows_of_five_or_more(module: ModuleType) -> None:
    generator = np.random.default_rng(80)
    reference = NumericReference.from_values(generator.normal(size=20_000))
    detectable = measured(module, reference, generator.normal(size=200)).detectable
    assert detectable is not None
    shifts = np.linspace(0.05, 0.6, 100)
    quantiles = np.sort(reference.values)
    sizes = [measured(module, reference, quantiles[::40] + shift).value for shift in shifts]
    shift = float(np.interp(detectable, sizes, shifts))

    seen = [
        found.value > found.noise_limit
        for found in (measured(module, reference, generator.normal(shift, size=200)) for _ in range(300))
    ]

    assert 0.7 < np.mean(seen) < 0.98


@pytest.mark.parametrize("n_window", [30, 300])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_without_drift_no_numeric_measure_alarms_more_often_than_alpha(distribution: str, n_window: int) -> None:
    generator = np.random.default_rng([n_window, 4])
    draw = DISTRIBUTIONS[distribution]
    found: dict[str, list[float]] = {module.__name__: [] for module in MEASURES}

    for _ in range(10):  # one reference's own luck must not decide
        reference = NumericReference.from_values(draw(generator, 2000))
        for _ in range(50):
            window = draw(generator, n_window)
            for module in MEASURES:
                found[module.__name__].append(measured(module, reference, window).p_value)

    for p_values in found.values():
        # 500 windows, 25 and 5 expected: more than 40 or 14 would come about once in a thousand tests.
        assert np.sum(np.array(p_values) < 0.05) <= 40
        assert np.sum(np.array(p_values) < 0.01) <= 14


WANTED = {0: 0.1, 1: 0.0, 2: 0.2, 3: 0.7}


@pytest.mark.parametrize("seed", range(20))
def test_weighted_distances_are_those_of_sums_by_hand_and_of_scipy(seed: int) -> None:
    values, strata = stratified(seed)
    weights = row_weights(strata, WANTED)
    window = np.sort(np.round(np.random.default_rng(seed + 100).normal(2.0, 1.5, size=150), 1))
    reference = NumericReference.from_values(values, strata=strata).reweighted(WANTED)
    points = np.concatenate((values, window))
    f, g = share_up_to(points, window, np.full(150, 1 / 150)), share_up_to(points, values, weights)
    part = 150 / (150 + np.count_nonzero(weights))
    h, dh = part * f + (1 - part) * g, np.concatenate(((1 - part) * weights, np.full(150, part / 150)))
    inside = h < 1 - 1e-12

    distance = wasserstein.normalised_distance(reference, window) * reference.std

    assert distance == pytest.approx(stats.wasserstein_distance(values, window, weights), rel=1e-12)
    assert ks.weighted_statistic(reference, window) == pytest.approx(np.max(np.abs(f - g)), abs=1e-12)
    assert cramer_von_mises.distance(reference, window) ** 2 == pytest.approx(dh @ (f - g) ** 2, rel=1e-9)
    terms = dh[inside] * (f - g)[inside] ** 2 / (h * (1 - h))[inside]
    assert anderson_darling.distance(reference, window) ** 2 == pytest.approx(terms.sum(), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_reweighted_reference_derives_is_that_of_rows_repeated_as_often_as_they_count(seed: int) -> None:
    generator = np.random.default_rng(seed)
    strata = np.repeat(np.arange(3), (40, 20, 10))
    values = np.round(generator.normal(strata, 1.0), 2)
    repeated = NumericReference.from_values(np.repeat(values, np.repeat((1, 4, 20), (40, 20, 10))))

    reweighted = NumericReference.from_values(values, strata=strata).reweighted({0: 40, 1: 80, 2: 200})

    assert reweighted.std == pytest.approx(repeated.std, rel=1e-12)
    assert reweighted.median == repeated.median
    np.testing.assert_array_equal(reweighted.edges, repeated.edges)
    shares = reweighted.bin_counts / reweighted.effective_rows
    np.testing.assert_allclose(shares, repeated.bin_counts / 320, rtol=1e-12)
    np.testing.assert_allclose(reweighted.scaled_moments, repeated.scaled_moments, rtol=1e-9, atol=1e-12)
    window = np.sort(generator.normal(1.0, 2.0, size=90))
    assert ks.weighted_statistic(reweighted, window) == pytest.approx(ks.statistic(repeated.values, window), abs=1e-12)
    areas = np.linspace(0.1, 4.0, 9)
    tails = [reference.own_laws.area.survival(areas) for reference in (reweighted, repeated)]
    np.testing.assert_allclose(tails[0], tails[1], rtol=0.1)  # of a composition near this one


def test_equal_weights_change_nothing() -> None:
    values, strata = stratified(3)
    rows = {code: float(count) for code, count in enumerate(np.bincount(strata))}
    window = np.sort(stratified(4)[0])
    plain = NumericReference.from_values(values)

    reweighted = NumericReference.from_values(values, strata=strata).reweighted(rows)

    assert reweighted.effective_rows == pytest.approx(400.0)
    for module in (wasserstein, cramer_von_mises, anderson_darling):
        assert measured(module, reweighted, window).value == pytest.approx(measured(module, plain, window).value)
        assert measured(module, reweighted, window).p_value == pytest.approx(
            measured(module, plain, window).p_value, rel=1e-3
        )


def test_a_content_id_tells_strata_and_weights_apart_but_not_the_order_of_rows() -> None:
    values, strata = stratified(5)
    order = np.random.default_rng(6).permutation(values.size)
    reference = NumericReference.from_values(values, strata=strata)

    ids = [
        NumericReference.from_values(values).content_id(),
        reference.content_id(),
        NumericReference.from_values(values, strata=strata[order]).content_id(),
        reference.reweighted({0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}).content_id(),
        reference.reweighted(WANTED).content_id(),
    ]

    assert len(set(ids)) == 5
    assert NumericReference.from_values(values[order], strata=strata[order]).content_id() == ids[1]


def test_missing_values_take_their_strata_with_them() -> None:
    values, strata = np.array([2.0, np.nan, 1.0, -0.0, 0.0]), np.array([7, 8, 9, 2, 1])

    reference = NumericReference.from_values(values, strata=strata)

    assert reference.row_strata is not None
    assert reference.row_strata.tolist() == [1, 2, 9, 7]
    assert reference.missing_count == 1


def test_weights_that_cannot_be_used_are_refused_with_what_is_wrong() -> None:
    reference = NumericReference.from_values(np.array([1.0, 2.0]), strata=np.array([0, 1]))

    with pytest.raises(ValueError, match="has no strata"):
        NumericReference.from_values(np.array([1.0])).reweighted({0: 1.0})
    with pytest.raises(ValueError, match="finite number, 0 or more"):
        reference.reweighted({0: -1.0})
    with pytest.raises(ValueError, match=r"none of the strata \[5\]"):
        reference.reweighted({5: 1.0})
    with pytest.raises(ValueError, match="1 strata for 2 values"):
        NumericReference.from_values(np.array([1.0, 2.0]), strata=np.array([0]))
