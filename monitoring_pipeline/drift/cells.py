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

from monitoring_pipeline.drift.arrays import Counts, Floats

FEWEST_EXPECTED_ROWS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Rows of both samples in the same cells.

    Attributes:
        reference: rows of the reference per cell; not whole if the reference was reweighted.
        window: rows of the window per cell.
        last_is_sparse: whether the last cell expects fewer than five rows in the smaller sample.
    """

    reference: Counts | Floats
    window: Counts | Floats
    last_is_sparse: bool


def pool(reference: Mapping[str, float], window: Mapping[str, int]) -> Cells:
    """Group the categories of two samples into cells; without a row on one side there is no cell.

    Args:
        reference: rows per category; not whole if the reference was reweighted.
        window: rows per category.

    >>> cells = pool({"a": 700.5, "b": 299.5}, {"b": 40, "a": 60})
    >>> cells.reference.tolist(), cells.window.tolist(), cells.last_is_sparse
    ([700.5, 299.5], [60, 40], False)
    """
    rows = {name: (reference.get(name, 0), window.get(name, 0)) for name in reference.keys() | window.keys()}
    names = sorted((name for name in rows if sum(rows[name]) > 0), key=lambda name: (-sum(rows[name]), name))
    of_reference = np.array([rows[name][0] for name in names])
    of_window = np.array([rows[name][1] for name in names], dtype=np.int64)
    fewer = min(float(of_reference.sum()), float(of_window.sum()))
    if fewer <= 0:
        return Cells(reference=np.empty(0, np.int64), window=np.empty(0, np.int64), last_is_sparse=False)
    together = of_reference + of_window
    needed = FEWEST_EXPECTED_ROWS * float(together.sum()) / fewer
    starts, sparse = _cell_starts(together.tolist(), needed)
    return Cells(
        reference=np.add.reduceat(of_reference, starts),
        window=np.add.reduceat(of_window, starts),
        last_is_sparse=sparse,
    )


def _cell_starts(descending: list[float], needed: float) -> tuple[list[int], bool]:
    """Where each cell begins, and whether the last one stayed below ``needed`` rows."""
    starts, held = [0], 0.0
    for position, count in enumerate(descending):
        if held >= needed:
            starts.append(position)
            held = 0.0
        held += count
    return starts, held < needed
