"""How typical of the window each row's inputs are: rows alike in that can be exchanged between the samples."""

import numpy as np
from scipy.special import ndtri

from monitoring_pipeline.drift.arrays import Counts, Floats

FEWEST_BANDS, MOST_BANDS = 4, 10
WINDOW_ROWS_PER_BAND = 100

# Columns that say the same leave no unique answer; a little ridge picks the smallest.
_RIDGE = 1e-6


def bands(reference: Floats, window: Floats) -> Counts:
    """The band of each row by how typical of the window its inputs are, reference rows first.

    Within a leaf, inputs may still have moved, and errors with them. Rosenbaum & Rubin (1983): among rows with an
    equal probability to be of the window, inputs are distributed alike in both samples, so that errors differ only
    if their relation to the inputs does. Here that probability is ordered by Fisher's linear discriminant of normal
    scores and their squares, and cut at the window's quantiles: 4 bands, with more rows up to 10. Errors play no part.

    It cannot see: inputs that move only together, each alone keeping its distribution.

    Args:
        reference: rows × columns, NaN where missing.
        window: the same columns; at least one row.
    """
    m, n = reference.shape[0], window.shape[0]
    scores = np.column_stack([_scores(column) for column in np.concatenate((reference, window)).T])
    design = np.column_stack((scores, scores**2))
    sides = design[:m], design[m:]
    difference = sides[1].mean(axis=0) - sides[0].mean(axis=0)
    within = sum((side - side.mean(axis=0)).T @ (side - side.mean(axis=0)) / len(side) for side in sides)
    index = design @ np.linalg.solve(within + _RIDGE * np.eye(design.shape[1]), difference)
    count = min(max(n // WINDOW_ROWS_PER_BAND, FEWEST_BANDS), MOST_BANDS)
    edges = np.unique(np.quantile(index[m:], np.arange(1, count) / count))
    return np.searchsorted(edges, index, side="right").astype(np.int64)


def _scores(column: Floats) -> Floats:
    """Normal scores of the values present, ties alike; 0 where missing."""
    present = ~np.isnan(column)
    scores = np.zeros(column.size)
    if present.any():
        _, inverse, counts = np.unique(column[present], return_inverse=True, return_counts=True)
        ranks = np.cumsum(counts) - counts / 2.0
        scores[present] = ndtri(ranks / inverse.size)[inverse]
    return scores
