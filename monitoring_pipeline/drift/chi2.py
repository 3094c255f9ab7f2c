"""Chi-square: whether two samples hold the same categories in the same shares."""

import math

import numpy as np
from scipy.special import chdtrc, gammaln

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.cells import Cells
from monitoring_pipeline.drift.measurement import Measurement


def measure(cells: Cells) -> Measurement:
    """Pearson's test of homogeneity; the value is Cramér's V of the two samples' shares.

    ``X² = Σ (observed - expected)² / expected`` over both samples and all cells, against χ² with B - 1 degrees of
    freedom. A sparse last cell (see :mod:`.cells`) is judged apart, by the exact hypergeometric probability that the
    smaller sample holds so many of its rows; the p-value is then twice the smaller of the two (Bonferroni).

    V is in [0, 1] and weighs both samples alike: ``V² = ½ Σ (p - q)² / (p + q)``. That equals the usual
    ``X² / (n + m)`` for samples of one size; the usual form sinks towards 0 as the reference grows, whatever the
    difference: 50:50 against 90:10 is 0.44 here, but 0.025 by the usual form with 100 rows against 100,000.

    It cannot see: two rare categories of one cell that trade places, and new categories where most are rare anyway.

    Source: Pearson (1900); Cochran (1954) for the fewest expected rows; Cramér (1946).
    """
    return Measurement(
        value=cramers_v(cells.reference, cells.window),
        p_value=p_value(cells),
        noise_limit=None,
    )


def cramers_v(reference_counts: Counts, window_counts: Counts) -> float:
    """Cramér's V of two samples' shares, each sample weighing the same.

    >>> round(cramers_v(np.array([50, 50]), np.array([90, 10])), 4)
    0.4364
    """
    window = window_counts / window_counts.sum()
    reference = reference_counts / reference_counts.sum()
    return math.sqrt(min(1.0, float(np.sum((window - reference) ** 2 / (window + reference))) / 2.0))


def statistic(reference_counts: Counts, window_counts: Counts) -> float:
    """Pearson's X² of a table with two rows; every cell holds at least one row of either sample."""
    n, m = int(window_counts.sum()), int(reference_counts.sum())
    shares: Floats = (window_counts + reference_counts) / (n + m)
    return float(np.sum((window_counts - n * shares) ** 2 / shares)) * (1.0 / n + 1.0 / m)


def p_value(cells: Cells) -> float:
    """Probability of tables at least this uneven without drift; 1 for a single cell."""
    if not cells.last_is_sparse:
        return _dense_p_value(cells.reference, cells.window)
    sparse = _sparse_p_value(cells)
    if cells.reference.size < 3:
        return sparse  # the other rows all lie in one cell, where nothing can differ
    return min(1.0, 2.0 * min(sparse, _dense_p_value(cells.reference[:-1], cells.window[:-1])))


def _dense_p_value(reference_counts: Counts, window_counts: Counts) -> float:
    if reference_counts.size < 2:
        return 1.0
    if min(reference_counts.sum(), window_counts.sum()) == 0:
        return 1.0  # one sample lies wholly in the sparse cell, which says it all
    return float(chdtrc(reference_counts.size - 1, statistic(reference_counts, window_counts)))


def _sparse_p_value(cells: Cells) -> float:
    """Probability that the smaller sample holds at least so many of the last cell's rows, by chance alone."""
    few, many = sorted((cells.window, cells.reference), key=np.sum)
    drawn, rest = int(few.sum()), int(many.sum())
    marked = int(few[-1] + many[-1])
    held = np.arange(max(int(few[-1]), marked - rest), min(marked, drawn) + 1)
    ways = _log_choose(drawn, held) + _log_choose(rest, marked - held)
    return min(1.0, float(np.sum(np.exp(ways - _log_choose(drawn + rest, np.array([marked]))))))


def _log_choose(rows: int, chosen: Counts) -> Floats:
    logarithm: Floats = gammaln(rows + 1) - gammaln(chosen + 1) - gammaln(rows - chosen + 1)
    return logarithm
