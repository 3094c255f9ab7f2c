"""The measures against oracles that were written apart from them: scipy, and sums written out by hand."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitoring_pipeline.drift.arrays import Floats, present_sorted
from monitoring_pipeline.drift.cells import pool
from monitoring_pipeline.drift.measures import jensen_shannon, ks, psi, wasserstein
from monitoring_pipeline.drift.reference import NumericReference, count_in_bins

ordinary = st.integers(-(10**9), 10**9).map(lambda whole: whole / 1024)
tied = st.integers(-3, 3).map(float)
samples = st.one_of(
    arrays(np.float64, st.integers(2, 60), elements=ordinary), arrays(np.float64, st.integers(2, 60), elements=tied)
)
counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12).filter(
    lambda rows: sum(a for a, _ in rows) > 0 and sum(b for _, b in rows) > 0
)


def seeded_pairs() -> list[tuple[Floats, Floats]]:
    """2,000 pairs of very different sizes; each third is rounded, so that ties are many."""
    generator = np.random.default_rng(20130101)
    pairs = []
    for number in range(2000):
        most = 3000 if number % 10 == 0 else 300
        first = generator.lognormal(generator.normal(), 1.0, size=int(generator.integers(1, most)))
        second = generator.normal(1.0, 2.0, size=int(generator.integers(1, 400))) + (1e6 if number % 7 == 0 else 0.0)
        pairs.append((np.round(first, 1), np.round(second, 1)) if number % 3 == 0 else (first, second))
    return pairs


def distance_in_units(reference: NumericReference, window: Floats) -> float:
    return wasserstein.normalised_distance(reference, present_sorted(window)) * reference.std


@given(samples, samples)
@settings(max_examples=150, deadline=None)
def test_ks_equals_scipy(first: Floats, second: Floats) -> None:
    expected = stats.ks_2samp(first, second, method="asymp").statistic

    value = ks.statistic(np.sort(first), np.sort(second))

    assert value == pytest.approx(expected, abs=1e-12)


@given(samples, samples)
@settings(max_examples=150, deadline=None)
def test_wasserstein_equals_scipy(first: Floats, second: Floats) -> None:
    reference = NumericReference.from_values(first)
    if reference.std == 0:
        return
    expected = stats.wasserstein_distance(first, second)
    magnitude = max(1.0, float(np.max(np.abs(first))), float(np.max(np.abs(second))))

    value = distance_in_units(reference, second)

    assert value == pytest.approx(expected, rel=1e-12, abs=1e-12 * magnitude)


def test_ks_and_wasserstein_equal_scipy_on_2000_seeded_pairs() -> None:
    for first, second in seeded_pairs():
        reference = NumericReference.from_values(first)

        assert ks.statistic(reference.values, np.sort(second)) == pytest.approx(
            stats.ks_2samp(first, second, method="asymp").statistic, abs=1e-12
        )
        if reference.std > 0:
            assert distance_in_units(reference, second) == pytest.approx(
                stats.wasserstein_distance(first, second), rel=1e-12, abs=1e-12
            )


def test_the_spread_equals_numpys_standard_deviation() -> None:
    for first, _ in seeded_pairs()[:100]:
        assert NumericReference.from_values(first).std == pytest.approx(np.std(first), rel=1e-12)


@given(counts)
@settings(max_examples=150, deadline=None)
def test_jensen_shannon_equals_scipy(rows: list[tuple[int, int]]) -> None:
    reference, window = np.array(rows, dtype=np.int64).T

    value = jensen_shannon.distance(reference, window)

    # The root of a difference of near equals: two computations agree to the root of the rounding only at zero.
    expected = float(jensenshannon(reference, window, base=2))
    assert value**2 == pytest.approx(0.0 if math.isnan(expected) else expected**2, abs=1e-14)


@given(counts)
@settings(max_examples=150, deadline=None)
def test_psi_equals_the_textbook_sum_where_no_bin_is_empty(rows: list[tuple[int, int]]) -> None:
    filled = [(a + 1, b + 1) for a, b in rows]
    n_reference, n_window = sum(a for a, _ in filled), sum(b for _, b in filled)
    expected = math.fsum(
        (b / n_window - a / n_reference) * math.log(b * n_reference / (a * n_window)) for a, b in filled
    )

    value = psi.index(*np.array(filled, dtype=np.int64).T)

    assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_bins_are_counted_as_a_plain_loop_counts_them() -> None:
    for first, second in seeded_pairs()[:60]:
        reference = NumericReference.from_values(first)
        plain = Counter(sum(value > edge for edge in reference.edges) for value in second.tolist())

        counted = count_in_bins(np.sort(second), reference.edges)

        assert counted.tolist() == [plain[i] for i in range(reference.edges.size + 1)]
        assert reference.bin_counts.min() > 0
        assert reference.bin_counts.sum() == first.size


@given(st.dictionaries(st.text(max_size=2), st.integers(1, 400), min_size=1, max_size=30), st.data())
@settings(max_examples=100, deadline=None)
def test_pooled_cells_keep_every_row_and_all_but_the_last_expect_five(
    reference: dict[str, int], data: st.DataObject
) -> None:
    window = data.draw(st.dictionaries(st.sampled_from([*sorted(reference), "new"]), st.integers(1, 40), min_size=1))

    cells = pool(reference, window)

    n, m = sum(window.values()), sum(reference.values())
    assert (int(cells.window.sum()), int(cells.reference.sum())) == (n, m)
    expected = (cells.window + cells.reference) * min(n, m) / (n + m)
    assert np.all(expected[:-1] >= 5 * (1 - 1e-12))
    assert (expected[-1] < 5 * (1 - 1e-12)) == cells.last_is_sparse
