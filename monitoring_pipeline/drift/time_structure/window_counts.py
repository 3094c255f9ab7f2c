"""A feature counted per window and cell: all that is needed to see how alike the rows of a window are."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.time_structure.clusters import Clusters

MOST_CATEGORIES = 20
"""Categories with a cell of their own; the others share one. More cells say little more and each needs rows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowCounts:
    """Rows per window and cell.

    Attributes:
        clusters: the windows that hold rows of this feature, and how many.
        cells: windows × cells; no cell is empty over all windows.
        ordered: whether neighbouring cells are neighbouring values: bins of a number, not categories.
    """

    clusters: Clusters
    cells: Counts
    ordered: bool


def count_numbers(values: Floats, windows: Counts, edges: Floats) -> WindowCounts:
    """Count a numeric feature in the bins ``edges[i-1] < x <= edges[i]``, open-ended outside.

    Args:
        values: one per row, in any order; NaN is missing and not counted.
        windows: the window number of each row.
        edges: inner bin edges, ascending and distinct, as in :attr:`.NumericReference.edges`.

    >>> count_numbers(np.array([1.0, 2.0, 3.0]), np.array([5, 5, 6]), np.array([2.0])).cells.tolist()
    [[2, 0], [0, 1]]
    """
    present = ~np.isnan(values)
    return _count(np.searchsorted(edges, values[present], side="left"), windows[present], ordered=True)


def count_codes(codes: Counts, windows: Counts) -> WindowCounts:
    """Count a categorical feature; categories with less than a row per window, or beyond the 20 largest, share a cell.

    Args:
        codes: the category of each row as a number, in any order; negative is missing and not counted.
        windows: the window number of each row.

    >>> count_codes(np.array([0, 0, 1, -1]), np.array([5, 6, 6, 6])).cells.tolist()
    [[0, 1], [1, 1]]
    """
    present = codes >= 0
    codes, windows = codes[present], windows[present]
    categories, totals = np.unique(codes, return_counts=True)
    largest_first = np.lexsort((categories, -totals))[:MOST_CATEGORIES]
    kept = categories[largest_first[totals[largest_first] >= np.unique(windows).size]]
    # Pooled before they are counted: a column of a million different texts must not make a million cells.
    return _count(np.where(np.isin(codes, kept), codes, -1), windows, ordered=False)


def _count(cells_of_rows: Counts, windows_of_rows: Counts, *, ordered: bool) -> WindowCounts:
    clusters = Clusters.from_windows(windows_of_rows)
    present, cells = np.unique(cells_of_rows, return_inverse=True)
    at = np.searchsorted(clusters.windows, windows_of_rows) * present.size + cells
    counts = np.bincount(at, minlength=clusters.windows.size * present.size)
    return WindowCounts(
        clusters=clusters, cells=counts.reshape(clusters.windows.size, present.size).astype(np.int64), ordered=ordered
    )
