"""Which rows are of a kind: leaves of a small tree that was learned from the reference's errors."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.concept.labelled import LabelledRows

LEAF_COUNTS = (2, 4, 8, 16)
ROWS_PER_LEAF = 25
"""Labelled rows of the window per leaf: with fewer, the leaves would be too thin to show anything."""

MOST_KINDS = 64
FEWEST_ROWS_OF_KIND = 20
MOST_ROWS_LEARNED = 50_000  # more rows make the same tree, later

SEED = 0  # scikit-learn shuffles columns before it looks for a split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorStrata:
    """A reference in kinds of rows, prepared once.

    A tree that is judged on the rows it was learned from flatters itself: so one half of the rows teaches, the other
    is compared with. Alternate rows, in the order of their contents, make the halves.

    Attributes:
        taught_by: the half that the trees were learned from.
        compared: the half that windows are compared with.
        kinds: the tree of up to 64 kinds: rows of one kind are alike enough to be exchanged.
        leaves: trees of 2, 4, 8 and 16 leaves, by their number: what is told to people, and tested one by one.
    """

    taught_by: LabelledRows
    compared: LabelledRows
    kinds: Any  # sklearn.tree.DecisionTreeRegressor; None without rows
    leaves: dict[int, Any]

    @classmethod
    def learn(cls, reference: LabelledRows) -> Self:
        """Split the reference and learn its kinds; the order of the rows does not matter.

        >>> inputs = np.random.default_rng(1).normal(size=(1000, 2))
        >>> strata = ErrorStrata.learn(LabelledRows.from_arrays(inputs, inputs[:, 0] ** 2))
        >>> strata.taught_by.row_count, strata.compared.row_count
        (500, 500)
        """
        # The first key of lexsort is the last.
        order = np.lexsort((reference.errors, *reference.inputs.T[::-1]))
        taught_by, compared = (
            LabelledRows(inputs=reference.inputs[half], errors=reference.errors[half])
            for half in (order[::2], order[1::2])
        )
        if not taught_by.row_count:
            return cls(taught_by=taught_by, compared=compared, kinds=None, leaves={})
        leaves = {count: _fit(taught_by, count) for count in LEAF_COUNTS}
        return cls(taught_by=taught_by, compared=compared, kinds=_fit(taught_by, MOST_KINDS), leaves=leaves)

    @property
    def row_count(self) -> int:
        """Labelled rows of the reference, both halves."""
        return self.taught_by.row_count + self.compared.row_count

    def leaves_for(self, window_rows: int) -> Any:
        """The tree with the most leaves of which each expects 25 rows of the window; the smallest at the least."""
        fitting = [count for count in LEAF_COUNTS if count * ROWS_PER_LEAF <= window_rows]
        return self.leaves[max(fitting, default=LEAF_COUNTS[0])]

    def kinds_of(self, rows: LabelledRows) -> Counts:
        """The kind of each row."""
        return leaves_of(self.kinds, rows)


def leaves_of(tree: Any, rows: LabelledRows) -> Counts:
    """The leaf of each row, as the number of the tree's node."""
    leaves: Counts = np.asarray(tree.apply(rows.inputs), dtype=np.int64) if rows.row_count else np.empty(0, np.int64)
    return leaves


def _fit(rows: LabelledRows, leaf_count: int) -> Any:
    from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415 - 1 s to import

    step = -(-rows.row_count // MOST_ROWS_LEARNED)
    inputs, errors = rows.inputs[::step], rows.errors[::step]
    smallest = max(FEWEST_ROWS_OF_KIND, errors.size // 500)
    tree = DecisionTreeRegressor(max_leaf_nodes=leaf_count, min_samples_leaf=smallest, random_state=SEED)
    return tree.fit(inputs, _mean_and_spread(errors))


def _mean_and_spread(errors: Floats) -> Floats:
    """Kinds must be alike in how far errors scatter, too: the tree looks at errors and at their distance from usual.

    Both as ranks: one huge error must not spend all leaves.
    """
    distance = np.abs(errors - np.median(errors))
    return np.column_stack([_mid_ranks(errors), _mid_ranks(distance)])


def _mid_ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = ((np.cumsum(counts) - (counts - 1) / 2.0) / values.size)[inverse]
    return ranks
