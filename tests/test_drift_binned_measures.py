"""Measures on counted rows: against oracles, against exact laws, and against seeded simulation of nothing changing."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.cells import Cells
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.measures import (
    chi2,
    g_test,
    hellinger,
    jensen_shannon,
    missing_rate,
    psi,
    total_variation,
)
from monitoring_pipeline.drift.sizes import Sizes

BINNED: dict[str, Callable[..., Measurement]] = {
    "psi": psi.measure,
    "jensen_shannon": jensen_shannon.measure,
    "hellinger": hellinger.measure,
    "total_variation": total_variation.measure,
    "g_test": lambda reference, window, **rest: g_test.measure(dense(reference, window), **rest),
    "chi2": lambda reference, window, **rest: chi2.measure(dense(reference, window), **rest),
}
VALUES: dict[str, Callable[[Counts, Counts], float]] = {
    "psi": psi.index,
    "jensen_shannon": jensen_shannon.distance,
    "hellinger": hellinger.distance,
    "total_variation": total_variation.distance,
    "g_test": g_test.per_row,
    "chi2": chi2.cramers_v,
}
SHARES: dict[str, Floats] = {
    "deciles": np.full(10, 0.1),
    "quarters": np.full(4, 0.25),
    "unequal": np.array([0.6, 0.2, 0.15, 0.05]),
    "one large": np.array([0.7, *[0.3 / 9] * 9]),
    "zipf": 1.0 / np.arange(1, 21) / np.sum(1.0 / np.arange(1, 21)),
}
counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12).filter(
    lambda rows: sum(a for a, _ in rows) > 0 and sum(b for _, b in rows) > 0
)


def dense(reference: Counts, window: Counts) -> Cells:
    return Cells(reference=reference, window=window, last_is_sparse=False)


def independent(reference: Counts, window: Counts) -> Sizes:
    return Sizes(reference=float(reference.sum()), window=float(window.sum()))


def measured(name: str, reference: Counts, window: Counts, alpha: float = 0.001) -> Measurement:
    return BINNED[name](reference, window, sizes=independent(reference, window), alpha=alpha)


@given(counts)
@settings(max_examples=100, deadline=None)
def test_the_new_distances_equal_their_textbook_sums(rows: list[tuple[int, int]]) -> None:
    reference, window = np.array(rows, dtype=np.int64).T
    m, n = int(reference.sum()), int(window.sum())

    gaps = math.fsum(abs(b / n - a / m) for a, b in rows) / 2
    overlap = math.fsum(math.sqrt(b / n * a / m) for a, b in rows)

    assert total_variation.distance(reference, window) == pytest.approx(gaps, abs=1e-12)
    assert hellinger.distance(reference, window) ** 2 == pytest.approx(1 - overlap, abs=1e-12)


@given(counts)
@settings(max_examples=100, deadline=None)
def test_g_and_pearsons_statistic_equal_scipy(rows: list[tuple[int, int]]) -> None:
    table = np.array([row for row in rows if sum(row) > 0], dtype=np.int64).T
    likelihood = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    pearson = stats.chi2_contingency(table, correction=False)

    per_row = 1.0 / table[0].sum() + 1.0 / table[1].sum()

    assert g_test.per_row(*table) == pytest.approx(likelihood.statistic * per_row, rel=1e-9, abs=1e-12)
    assert chi2.statistic(*table) == pytest.approx(pearson.statistic, rel=1e-9, abs=1e-9)


@given(counts)
@settings(max_examples=100, deadline=None)
def test_v_is_cramers_for_samples_of_one_size(rows: list[tuple[int, int]]) -> None:
    reference, window = np.array([row for row in rows if sum(row) > 0], dtype=np.int64).T

    v = chi2.cramers_v(reference, window)

    same_size = np.array([reference * window.sum(), window * reference.sum()])
    expected = stats.contingency.association(same_size, method="cramer") if reference.size > 1 else 0.0
    assert v == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name", ["g_test", "chi2"])
def test_with_many_rows_in_each_cell_the_tests_have_the_p_value_of_scipy(name: str) -> None:
    reference, window = np.array([40_000, 30_000, 20_000, 10_000]), np.array([4_050, 2_900, 2_100, 950])

    p_value = measured(name, reference, window).p_value

    expected = stats.chi2_contingency(np.array([reference, window]), correction=False, lambda_=float(name == "chi2"))
    assert p_value == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("seen", [0, 1, 3, 8])
def test_a_sparse_cell_alone_has_the_exact_hypergeometric_tail(seen: int) -> None:
    cells = Cells(reference=np.array([9990, 10]), window=np.array([100 - seen, seen]), last_is_sparse=True)

    p_value = chi2.p_value(cells, sizes=Sizes(reference=10_000, window=100))

    assert p_value == pytest.approx(stats.hypergeom.sf(seen - 1, 10_100, 10 + seen, 100), rel=1e-6)


@pytest.mark.parametrize("missing", [0, 1, 4, 9, 30])
@pytest.mark.parametrize(("rows", "reference_missing"), [(40, 20), (100, 0), (100, 37), (2000, 5)])
def test_the_p_value_of_the_missing_rate_is_the_exact_two_sided_one(
    rows: int, missing: int, reference_missing: int
) -> None:
    law = stats.hypergeom(1000 + rows, reference_missing + missing, rows)
    possible = np.arange(0, min(rows, reference_missing + missing) + 1)
    gaps = np.abs(possible / rows - (reference_missing + missing - possible) / 1000)
    gap = abs(missing / rows - reference_missing / 1000)

    found = missing_rate.measure(
        reference_missing=reference_missing,
        reference_rows=1000,
        window_missing=missing,
        window_rows=rows,
        sizes=Sizes(reference=1000, window=rows),
        alpha=0.01,
    )

    exact = float(np.sum(law.pmf(possible)[gaps >= gap - 1e-12]))
    assert found.value == pytest.approx(gap, abs=1e-15)
    assert exact * (1 - 1e-6) <= found.p_value <= exact * 1.03


@pytest.mark.parametrize("name", BINNED)
def test_three_cells_of_a_small_window_have_the_exact_law_of_all_tables(name: str) -> None:
    reference, window = np.array([40, 30, 30]), np.array([4, 13, 3])
    together = reference + window
    exact = 0.0
    for first in range(21):
        for second in range(21 - first):
            table = np.array([first, second, 20 - first - second])
            if VALUES[name](together - table, table) >= VALUES[name](reference, window) * (1 - 1e-9):
                exact += float(stats.multivariate_hypergeom.pmf(table, together, 20))
    if name == "chi2":  # its evidence is Pearson's statistic, its value is V
        exact = measured(name, reference, window).p_value

    assert exact * (1 - 1e-6) <= measured(name, reference, window).p_value <= exact * 1.03


@pytest.mark.parametrize("name", BINNED)
@pytest.mark.parametrize("shares", SHARES)
def test_without_drift_the_noise_limit_is_passed_about_as_often_as_alpha_says(name: str, shares: str) -> None:
    generator = np.random.default_rng(20130101)
    windows = 4_000
    for n, m in ((30, 1_000), (100, 100_000), (5_000, 1_000)):
        reference, window = np.round(SHARES[shares] * m), np.round(SHARES[shares] * n * 100) / 100
        rows = Sizes(reference=m, window=n)
        drawn = zip(
            generator.multinomial(m, SHARES[shares], size=windows),
            generator.multinomial(n, SHARES[shares], size=windows),
            strict=True,
        )
        values = np.array([VALUES[name](first, second) for first, second in drawn])

        for alpha, most in ((0.05, 1.6), (0.01, 2.0)):
            limit = BINNED[name](reference, window, sizes=rows, alpha=alpha).noise_limit
            assert np.mean(values >= limit * (1 - 1e-9)) <= most * alpha
            assert np.mean(values >= limit * (1 - 1e-9)) >= 0.3 * alpha or n == 30


# Not chi2, whose limit is that of V and whose evidence is that of X²: they agree to first order only.
@pytest.mark.parametrize("name", sorted(BINNED.keys() - {"chi2"}))
@pytest.mark.parametrize("alpha", [0.05, 0.001, 5e-5])
def test_the_p_value_at_the_noise_limit_is_alpha(name: str, alpha: float) -> None:
    reference = np.array([9_000, 4_000, 3_000, 2_000, 1_000, 1_000])
    window = reference // 20
    noisy = measured(name, reference, window, alpha)
    rows = window.astype(np.float64)
    while VALUES[name](reference, rows.astype(np.int64)) < noisy.noise_limit:
        rows[0], rows[-1] = rows[0] - 1, rows[-1] + 1

    passed = measured(name, reference, rows.astype(np.int64), alpha).p_value

    assert 0.3 * alpha < passed <= 1.05 * alpha


@pytest.mark.parametrize("name", BINNED)
def test_a_detectable_difference_passes_the_limit_in_about_four_of_five_windows(name: str) -> None:
    generator = np.random.default_rng(9)
    before = np.full(5, 0.2)
    reference = np.round(before * 100_000).astype(np.int64)
    sizes = Sizes(reference=100_000, window=500)
    limits = BINNED[name](reference, np.round(before * 500), sizes=sizes, alpha=0.001)
    assert limits.detectable is not None
    shifts = np.linspace(0.0, 0.19, 400)
    direction = np.array([1.0, -1.0, 0.5, -0.5, 0.0])
    true = [VALUES[name](reference, np.round((before + shift * direction) * 1e9)) for shift in shifts]
    after = before + shifts[int(np.searchsorted(true, limits.detectable))] * direction

    windows = generator.multinomial(500, after, size=2_000)

    passed = np.mean([VALUES[name](reference, window) >= limits.noise_limit for window in windows])
    assert 0.7 < passed < 0.92


@pytest.mark.parametrize("name", BINNED)
def test_rows_that_are_worth_less_are_weaker_evidence_and_raise_the_limit(name: str) -> None:
    reference, window = np.full(5, 4_000), np.array([120, 120, 100, 80, 80])
    alone = measured(name, reference, window)

    clustered = BINNED[name](reference, window, sizes=Sizes(reference=5_000, window=125), alpha=0.001)
    unsure = BINNED[name](reference, window, sizes=Sizes(reference=5_000, window=125, freedom=10), alpha=0.001)

    assert clustered.value == alone.value
    assert alone.p_value < clustered.p_value < unsure.p_value
    assert alone.noise_limit < clustered.noise_limit < unsure.noise_limit
    assert alone.detectable is not None
    assert clustered.detectable is not None
    assert alone.detectable < clustered.detectable


@pytest.mark.parametrize("name", BINNED)
def test_a_reweighted_reference_need_not_hold_whole_rows(name: str) -> None:
    whole, window = np.array([4_000, 3_000, 2_000, 1_000]), np.array([50, 20, 20, 10])
    sizes = Sizes(reference=1_234.5, window=100)

    reweighted = BINNED[name](whole * 0.12345, window, sizes=sizes, alpha=0.01)

    expected = BINNED[name](whole, window, sizes=sizes, alpha=0.01)
    assert reweighted.value == pytest.approx(expected.value, rel=1e-9)
    assert reweighted.p_value == pytest.approx(expected.p_value, rel=1e-6)


@pytest.mark.parametrize("name", BINNED)
@pytest.mark.parametrize(
    ("reference", "window"),
    [
        ([5], [7]),
        ([1], [1]),
        ([10**9, 10**9], [10**9, 1]),
        ([10**9, 0], [0, 10**9]),
        ([10**9] * 10, [10**9] * 10),
        ([100] * 10, [1] + [0] * 9),
        ([1] + [0] * 9, [100] * 10),
        ([10**9] * 400, [1] * 400),
        ([1, 1], [1, 0]),
        ([3, 0, 2, 0, 1, 0, 5], [0, 4, 0, 2, 0, 7, 0]),
    ],
)
@pytest.mark.parametrize("worth", [1.0, 0.01])
def test_awkward_counts_have_a_finite_answer(name: str, reference: list[int], window: list[int], worth: float) -> None:
    first, second = np.array(reference), np.array(window)
    sizes = Sizes(reference=max(1.0, first.sum() * worth), window=max(1.0, second.sum() * worth), freedom=30)

    found = BINNED[name](first, second, sizes=sizes, alpha=5e-5)

    assert math.isfinite(found.value)
    assert math.isfinite(found.noise_limit)
    assert found.value >= 0
    assert 0 <= found.p_value <= 1
    assert found.detectable is None or math.isfinite(found.detectable)


@given(counts, st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_neither_the_order_of_cells_nor_which_sample_is_which_changes_the_evidence(rows, random) -> None:  # type: ignore[no-untyped-def]  # the types of hypothesis' randoms are private
    shuffled = list(rows)
    random.shuffle(shuffled)
    reference, window = np.array(rows, dtype=np.int64).T
    reference_too, window_too = np.array(shuffled, dtype=np.int64).T

    for name in BINNED:
        p_value = measured(name, reference, window).p_value

        assert measured(name, reference_too, window_too).p_value == pytest.approx(p_value, rel=1e-9, abs=1e-15)
        assert measured(name, window, reference).p_value == pytest.approx(p_value, rel=1e-6, abs=1e-15)


def test_a_tilt_that_leaves_a_single_table_is_passed_over_without_a_warning() -> None:
    nine_in_ten = np.array([90_000, *[1_111] * 9]), np.array([28, 1, 0, 0, 1, 0, 0, 0, 0, 0])

    found = measured("total_variation", *nine_in_ten)

    assert 0.5 < found.p_value <= 1.0
    assert 0.0 < found.noise_limit < 1.0
