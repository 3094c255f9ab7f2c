"""The usual tests and distances, written with numpy and scipy apart from this program, over many windows at once.

Windows are matrices: one row per window. Each function returns one number per window, or NaN where nothing is present.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.special import chdtrc
from scipy.stats import kstwo, wasserstein_distance

from benchmarks.detection.streams import COLUMNS, Values

EMPTY_SHARE = 1e-4  # what an empty bin counts as in PSI, the customary value
BIN_COUNT = 10


class Distance(Protocol):
    """How far windows are from a reference."""

    def __call__(self, reference: Values, windows: Values, *, categorical: bool) -> Values:
        """One distance for each window."""


def p_values(name: str, reference: Values, windows: Values) -> Values:
    """Two-sample Kolmogorov-Smirnov for numbers, chi² of homogeneity for categories."""
    test = _chi2 if COLUMNS[name].categorical else _kolmogorov_smirnov
    return test(reference[~np.isnan(reference)], windows)


def _kolmogorov_smirnov(reference: Values, windows: Values) -> Values:
    ascending, rows = np.sort(windows, axis=1), np.count_nonzero(~np.isnan(windows), axis=1)
    ordered, m = np.sort(reference), reference.size
    ranks = np.arange(windows.shape[1])[None, :]
    present = ranks < rows[:, None]
    n = rows[:, None]
    above = np.where(present, (ranks + 1) / n - np.searchsorted(ordered, ascending, side="right") / m, 0.0)
    below = np.where(present, np.searchsorted(ordered, ascending, side="left") / m - ranks / n, 0.0)
    gaps = np.maximum(above.max(axis=1), below.max(axis=1))
    # As scipy.stats.ks_2samp(method="asymp").
    return np.asarray(kstwo.sf(gaps, np.round(m * rows / (m + rows))), dtype=np.float64)


def _chi2(reference: Values, windows: Values) -> Values:
    ours, theirs = _category_counts(reference, windows)
    n, m = theirs.sum(axis=1, keepdims=True), float(ours.sum())
    shares = (theirs + ours) / (n + m)
    occupied = shares > 0
    squares = np.where(occupied, (theirs - n * shares) ** 2 / np.where(occupied, shares, 1.0), 0.0)
    statistic = squares.sum(axis=1) * (1.0 / n[:, 0] + 1.0 / m)
    return np.asarray(chdtrc(occupied.sum(axis=1) - 1, statistic), dtype=np.float64)


def psi(reference: Values, windows: Values, *, categorical: bool) -> Values:
    """Population stability index on the reference's deciles, or on categories."""
    p, q = (np.maximum(shares, EMPTY_SHARE) for shares in _shares(reference, windows, categorical=categorical))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=1), dtype=np.float64)


def jensen_shannon(reference: Values, windows: Values, *, categorical: bool) -> Values:
    """Jensen-Shannon distance, base 2, on the reference's deciles, or on categories."""
    p, q = _shares(reference, windows, categorical=categorical)
    return np.asarray(jensenshannon(np.broadcast_to(p, q.shape), q, base=2, axis=1), dtype=np.float64)


def wasserstein(reference: Values, windows: Values, *, categorical: bool) -> Values:
    """Wasserstein distance in standard deviations of the reference; of numbers only."""
    assert not categorical, "categories have no order to move along"
    present = np.sort(reference[~np.isnan(reference)])
    distances = [wasserstein_distance(present, window[~np.isnan(window)]) for window in windows]
    return np.array(distances, dtype=np.float64) / float(present.std())


DISTANCES: Mapping[str, Distance] = {"PSI": psi, "Jensen-Shannon": jensen_shannon, "Wasserstein": wasserstein}


def _shares(reference: Values, windows: Values, *, categorical: bool) -> tuple[Values, Values]:
    count = _category_counts if categorical else _bin_counts
    p, q = count(reference[~np.isnan(reference)], windows)
    return p / p.sum(), q / q.sum(axis=1, keepdims=True)


def _bin_counts(reference: Values, windows: Values) -> tuple[Values, Values]:
    edges = np.unique(np.quantile(reference, np.arange(1, BIN_COUNT) / BIN_COUNT))
    rows = np.where(np.isnan(windows), edges.size + 1, np.searchsorted(edges, windows))
    return np.bincount(np.searchsorted(edges, reference), minlength=edges.size + 1).astype(float), _tally(
        rows, edges.size + 2
    )[:, :-1]


def _category_counts(reference: Values, windows: Values) -> tuple[Values, Values]:
    codes = np.union1d(reference, windows[~np.isnan(windows)])
    rows = np.where(np.isnan(windows), codes.size, np.searchsorted(codes, windows))
    return np.bincount(np.searchsorted(codes, reference), minlength=codes.size).astype(float), _tally(
        rows, codes.size + 1
    )[:, :-1]


def _tally(rows: Values, count: int) -> Values:
    """How often each whole number below ``count`` occurs in each row of a matrix."""
    window = np.arange(rows.shape[0])[:, None] * count
    return (
        np.bincount((rows + window).ravel().astype(np.int64), minlength=rows.shape[0] * count)
        .reshape(-1, count)
        .astype(float)
    )
