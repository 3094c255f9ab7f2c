"""Chi-square: whether two samples hold the same categories in the same shares."""

import math

import numpy as np
from scipy.special import gammaln

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.cells import Cells
from monitoring_pipeline.drift.laws.noise import DivergenceNoise
from monitoring_pipeline.drift.laws.urn import Contribution, effective
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Sizes


def measure(cells: Cells, *, sizes: Sizes, alpha: float) -> Measurement:
    """Pearson's test of homogeneity; the value is Cramér's V of the two samples' shares.

    ``X² = Σ (observed - expected)² / expected`` over both samples and all cells. Its law is χ² with B - 1 degrees of
    freedom where every cell expects 200 rows; where a cell expects but five, χ² alarms 1.1 to 2.6 times too often at
    alpha 0.001 and up to 8 times at 5e-5, so the law is then that of :mod:`..laws.noise`: 0.3 to 1.2 times alpha. A
    sparse last cell (see :mod:`..cells`) is judged apart, by the exact hypergeometric probability that the smaller
    sample holds so many of its rows; the p-value is then twice the smaller of the two (Bonferroni).

    V is in [0, 1] and weighs both samples alike: ``V² = ½ Σ (p - q)² / (p + q)``. That equals the usual
    ``X² / (n + m)`` for samples of one size; the usual form sinks towards 0 as the reference grows, whatever the
    difference: 50:50 against 90:10 is 0.44 here, but 0.025 by the usual form with 100 rows against 100,000. The noise
    limit is that of V.

    It cannot see: two rare categories of one cell that trade places, and new categories where most are rare anyway
    (see :mod:`.new_categories`).

    Args:
        cells: both samples' rows, at least one in each.
        sizes: how many independent rows both are worth; below the cells' totals if rows come in clusters.
        alpha: false-alarm probability of this test, in (0, 1).

    Source: Pearson (1900); Cochran (1954) for the fewest expected rows; Cramér (1946).
    """
    noise = _V_NOISE.of(cells.reference, cells.window, sizes)
    detectable = noise.detectable(alpha)
    return Measurement(
        value=cramers_v(cells.reference, cells.window),
        p_value=p_value(cells, sizes=sizes),
        noise_limit=math.sqrt(noise.limit(alpha)),
        detectable=None if detectable is None else math.sqrt(detectable),
    )


def cramers_v(reference_counts: Counts | Floats, window_counts: Counts | Floats) -> float:
    """Cramér's V of two samples' shares, each sample weighing the same.

    >>> round(cramers_v(np.array([50, 50]), np.array([90, 10])), 4)
    0.4364
    """
    return math.sqrt(min(1.0, _sum(_v_part, reference_counts, window_counts)))


def statistic(reference_counts: Counts | Floats, window_counts: Counts | Floats) -> float:
    """Pearson's X² of a table with two rows; every cell holds at least one row of either sample."""
    n, m = float(window_counts.sum()), float(reference_counts.sum())
    return _sum(_pearson_part, reference_counts, window_counts) / (1.0 / n + 1.0 / m)


def p_value(cells: Cells, *, sizes: Sizes) -> float:
    """Probability of tables at least this uneven without drift; 1 for a single cell."""
    reference, window = effective(cells.reference, sizes.reference), effective(cells.window, sizes.window)
    if not cells.last_is_sparse:
        return _dense_p_value(reference, window, sizes)
    sparse = sizes.p_value(_sparse_p_value(reference, window))
    if reference.size < 3:
        return sparse  # the other rows all lie in one cell, where nothing can differ
    return min(1.0, 2.0 * min(sparse, _dense_p_value(reference[:-1], window[:-1], sizes)))


def _dense_p_value(reference: Floats, window: Floats, sizes: Sizes) -> float:
    left = Sizes(reference=float(reference.sum()), window=float(window.sum()), freedom=sizes.freedom)
    if min(left.reference, left.window) < 1.0:
        return 1.0  # one sample lies wholly in the sparse cell, which says it all
    return _PEARSON_NOISE.of(reference, window, left).p_value(_sum(_pearson_part, reference, window))


def _sparse_p_value(reference: Floats, window: Floats) -> float:
    """Probability that the smaller sample holds at least so many of the last cell's rows, by chance alone."""
    few, many = sorted((window, reference), key=np.sum)
    drawn, rest = float(few.sum()), float(many.sum())
    marked = float(few[-1] + many[-1])
    held = np.arange(max(float(few[-1]), marked - rest), min(marked, drawn) + 1e-6)
    ways = _log_choose(drawn, held) + _log_choose(rest, marked - held)
    return min(1.0, float(np.sum(np.exp(ways - _log_choose(drawn + rest, np.array([marked]))))))


def _log_choose(rows: float, chosen: Floats) -> Floats:
    logarithm: Floats = gammaln(rows + 1.0) - gammaln(chosen + 1.0) - gammaln(np.maximum(rows - chosen, 0.0) + 1.0)
    return logarithm


def _sum(part: Contribution, reference_counts: Counts | Floats, window_counts: Counts | Floats) -> float:
    held = reference_counts + window_counts > 0
    reference, window = reference_counts[held].astype(np.float64), window_counts[held].astype(np.float64)
    return float(np.sum(part(reference, window, float(reference.sum()), float(window.sum()))))


def _pearson_part(first: Floats, second: Floats, first_rows: float, second_rows: float) -> Floats:
    shares = (first + second) / (first_rows + second_rows)
    part: Floats = (first / first_rows - second / second_rows) ** 2 / shares
    return part


def _v_part(first: Floats, second: Floats, first_rows: float, second_rows: float) -> Floats:
    one, other = first / first_rows, second / second_rows
    part: Floats = (one - other) ** 2 / (one + other) / 2.0
    return part


_PEARSON_NOISE = DivergenceNoise(part=_pearson_part, unit=lambda urn: urn.variance)
_V_NOISE = DivergenceNoise(part=_v_part, unit=lambda urn: urn.variance / 4.0, largest=1.0)
