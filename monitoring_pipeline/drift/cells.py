"""Which categories are counted together, so that a test on them means what it says.

A category of which the smaller sample would hold less than five rows carries too few to be judged alone
(Cochran's rule). Such categories are counted together with those of similar size until a cell expects five rows.
What is left over, usually new or nearly vanished categories, stays a cell of its own, marked as sparse.

The grouping looks only at what both samples hold together and at the categories' names, never at which sample
holds them: so it cannot create a difference that is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts

FEWEST_EXPECTED_ROWS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Rows of both samples in the same cells.

    Attributes:
        reference: rows of the reference per cell.
        window: rows of the window per cell.
        last_is_sparse: whether the last cell expects fewer than five rows in the smaller sample.
    """

    reference: Counts
    window: Counts
    last_is_sparse: bool


def pool(reference: Mapping[str, int], window: Mapping[str, int]) -> Cells:
    """Group the categories of two samples into cells; without a row on one side there is no cell."""
    if not reference or not window:
        return Cells(reference=np.empty(0, np.int64), window=np.empty(0, np.int64), last_is_sparse=False)
    rows = {name: (reference.get(name, 0), window.get(name, 0)) for name in reference.keys() | window.keys()}
    names = sorted(rows, key=lambda name: (-sum(rows[name]), name))
    counts = np.array([rows[name] for name in names], dtype=np.int64)
    totals = counts.sum(axis=0)
    needed = FEWEST_EXPECTED_ROWS * int(totals.sum()) / int(totals.min())
    starts, sparse = _cell_starts(counts.sum(axis=1), needed)
    cells = np.add.reduceat(counts, starts, axis=0)
    return Cells(reference=cells[:, 0], window=cells[:, 1], last_is_sparse=sparse)


def _cell_starts(descending: Counts, needed: float) -> tuple[list[int], bool]:
    """Where each cell begins, and whether the last one stayed below ``needed`` rows."""
    starts, held = [0], 0
    for position, count in enumerate(descending.tolist()):
        if held >= needed:
            starts.append(position)
            held = 0
        held += count
    return starts, held < needed
