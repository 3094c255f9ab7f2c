"""Where a window's rows lie among a reference's: found once for all measures that look at the same window."""

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats


class Placing:
    """Counts rows of one ascending sample below those of another, and keeps the last answer.

    One answer, since the measures of a window are computed one after the other; more would hold on to windows of a
    million rows that nobody asks for again.
    """

    def __init__(self) -> None:
        self._last: tuple[Floats, Floats, Counts] | None = None

    def rows_below(self, values: Floats, window: Floats) -> Counts:
        """How many of the values are less than each of the window's rows; both ascend, neither may be changed later.

        >>> Placing().rows_below(np.array([1.0, 2.0, 2.0, 3.0]), np.array([2.0, 2.5])).tolist()
        [1, 3]
        """
        last = self._last
        if last is not None and last[0] is values and last[1] is window:
            return last[2]
        below = _rows_below(values, window)
        self._last = (values, window, below)
        return below


PLACING = Placing()


def rows_up_to(values: Floats, points: Floats, below: Counts) -> Counts:
    """How many of the values are at most each point, from how many are below it.

    >>> rows_up_to(np.array([1.0, 2.0, 2.0, 3.0]), np.array([2.0, 2.5]), np.array([1, 3])).tolist()
    [3, 3]
    """
    tied = np.flatnonzero(values[np.minimum(below, values.size - 1)] == points)
    if not tied.size:  # no row of either sample equals one of the other
        return below
    up_to = below.copy()
    up_to[tied] = np.searchsorted(values, points[tied], side="right")
    return up_to


def _rows_below(values: Floats, window: Floats) -> Counts:
    if window.size <= values.size:
        return np.searchsorted(values, window)
    # The fewer are looked up among the more: each value is below the rows from its own place on.
    places = np.searchsorted(window, values, side="right")
    below: Counts = np.cumsum(np.bincount(places, minlength=window.size + 1))[:-1]
    return below
