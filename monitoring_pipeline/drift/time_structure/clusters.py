"""Rows per window: a sample seen as the few hours or days that it came in."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Counts

_WIDEST_SPAN = 100_000  # windows, eleven years of hours, up to which counting is cheaper than sorting


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """How many rows each hour or day brought.

    Attributes:
        windows: window numbers, ascending and distinct; an hour's number is its start divided by an hour.
        rows: rows of each window, above 0.
    """

    windows: Counts
    rows: Counts

    @classmethod
    def from_windows(cls, windows_of_rows: Counts) -> Self:
        """Count rows by the number of the window that each lies in; their order does not matter.

        >>> Clusters.from_windows(np.array([7, 5, 7])).rows.tolist()
        [1, 2]
        """
        if windows_of_rows.size == 0:
            return cls(windows=np.empty(0, np.int64), rows=np.empty(0, np.int64))
        lowest = int(windows_of_rows.min())
        if int(windows_of_rows.max()) - lowest > _WIDEST_SPAN:
            windows, rows = np.unique(windows_of_rows, return_counts=True)
            return cls(windows=windows, rows=rows)
        counts = np.bincount(windows_of_rows - lowest)
        present = np.flatnonzero(counts)
        return cls(windows=present + lowest, rows=counts[present])

    @property
    def row_count(self) -> int:
        """Rows of all windows."""
        return int(self.rows.sum())
