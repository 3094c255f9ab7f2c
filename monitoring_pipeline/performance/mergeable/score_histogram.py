"""How many rows a yes/no model gave each probability, and what became of them, in a form that merges.

Probabilities are counted in cells: 32 of equal width between any two powers of two of the distance to the nearer of
0 and 1, so a cell is at most 1/32 of that distance wide: fine where models of rare events live, and 1/128 wide in
the middle. Exactly 0, one half and 1 have cells of their own; the cells next to 0 and 1 end at 2⁻⁵³, the distance of
the last double before 1. Each cell is split at the model's threshold. Counts are whole numbers: merging is exact.

What it cannot see: the order of rows within a cell. A metric of it states how far that can put it off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring_pipeline.performance.rows.grouping import Booleans, Floats, Integers

CELLS_PER_OCTAVE = 32
SMALLEST_DISTANCE_EXPONENT = -53
# 0, what is below 2⁻⁵³, the cells of the octaves up to one half, one half.
MIDDLE_CELL = 2 + (-SMALLEST_DISTANCE_EXPONENT - 1) * CELLS_PER_OCTAVE
LAST_CELL = 2 * MIDDLE_CELL
CELL_COUNT = LAST_CELL + 1

# Of a double, 52 bits are fraction, and five of them tell 32 cells apart; its exponent is stored with 1023 added.
BITS_BELOW_A_CELL = 52 - 5
FIRST_OCTAVE = (1023 + SMALLEST_DISTANCE_EXPONENT) * CELLS_PER_OCTAVE

UNLABELLED, NEGATIVE, POSITIVE = 0, 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreHistogram:
    """Counts by cell and answer; ascending in probability, only cells that have rows. One column per field.

    Attributes:
        cells: numbers of cells, see :func:`cell_of`; a cell that the threshold splits occurs twice, no first.
        said_yes: 1 if the model said yes to these rows, 0 if no.
        unlabelled: rows without truth.
        negatives: rows that turned out negative.
        positives: rows that turned out positive.
    """

    cells: tuple[int, ...] = ()
    said_yes: tuple[int, ...] = ()
    unlabelled: tuple[int, ...] = ()
    negatives: tuple[int, ...] = ()
    positives: tuple[int, ...] = ()

    @classmethod
    def of_groups(
        cls, groups: Integers, group_count: int, *, probability: Floats, said_yes: Booleans, outcome: Integers
    ) -> list[Self]:
        """Each group's histogram.

        Args:
            groups: each row's group, 0 … ``group_count - 1``, in any order.
            group_count: how many groups; one without rows gets a histogram of nothing.
            probability: 0 … 1, never NaN.
            said_yes: whether the model said yes.
            outcome: ``UNLABELLED``, ``NEGATIVE`` or ``POSITIVE``.
        """
        keys, counts = _counted(groups * (2 * CELL_COUNT) + 2 * cell_of(probability) + said_yes, outcome)
        starts = np.searchsorted(keys, np.arange(group_count + 1) * (2 * CELL_COUNT))
        keys %= 2 * CELL_COUNT
        bounds = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        return [cls._of(keys[start:end], counts[start:end]) for start, end in bounds]

    @classmethod
    def merged(cls, parts: Sequence["ScoreHistogram"]) -> Self:
        """The counts of all parts together; exact, in any order."""
        keys = np.concatenate([2 * part.column("cells") + part.column("said_yes") for part in parts])
        counts = np.concatenate([_beside(part) for part in parts])
        merged, place = np.unique(keys, return_inverse=True)
        totals = np.zeros((len(merged), 3), dtype=np.int64)
        np.add.at(totals, place, counts)
        return cls._of(merged, totals)

    @classmethod
    def _of(cls, keys: Integers, counts: Integers) -> Self:
        return cls(
            cells=tuple((keys // 2).tolist()),
            said_yes=tuple((keys % 2).tolist()),
            unlabelled=tuple(counts[:, UNLABELLED].tolist()),
            negatives=tuple(counts[:, NEGATIVE].tolist()),
            positives=tuple(counts[:, POSITIVE].tolist()),
        )

    @property
    def labelled_count(self) -> int:
        """Rows with a probability whose truth is known."""
        return sum(self.negatives) + sum(self.positives)

    def column(self, name: str) -> Integers:
        """One of the fields as an array."""
        return np.array(getattr(self, name), dtype=np.int64)

    def probability(self) -> Floats:
        """The probability that stands for each cell; see :func:`probability_of_cell`."""
        return probability_of_cell(self.column("cells"))

    def to_json(self) -> list[list[int]]:
        """``[cells, said_yes, unlabelled, negatives, positives]``, each a list."""
        columns = (self.cells, self.said_yes, self.unlabelled, self.negatives, self.positives)
        return [list(column) for column in columns]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote."""
        cells, said_yes, unlabelled, negatives, positives = (tuple(map(int, column)) for column in stored)
        return cls(cells=cells, said_yes=said_yes, unlabelled=unlabelled, negatives=negatives, positives=positives)


def cell_of(probability: Floats) -> Integers:
    """The cell of each probability: 0 for 0, ``MIDDLE_CELL`` for one half, ``LAST_CELL`` for 1, ascending.

    A cell is closed at the end that is nearer to 0 or 1. Exact: no rounding can move a probability.

    >>> cell_of(np.array([0.0, 0.25, 0.2578125, 0.5, 0.75, 1.0])).tolist()
    [0, 1634, 1635, 1666, 1698, 3332]
    """
    high = probability > 0.5
    distance = np.where(high, 1 - probability, probability) + 0.0  # without the sign of -0.0
    # A double's bits are its exponent and then its fraction: the leading ones number the cells of all octaves.
    cell = (distance.view(np.int64) >> BITS_BELOW_A_CELL) - FIRST_OCTAVE + 2
    cell = np.where(distance == 0, 0, np.maximum(cell, 1))
    cells: Integers = np.where(high, LAST_CELL - cell, cell)
    return cells


def probability_of_cell(cells: Integers) -> Floats:
    """The middle of each cell; off a row's own probability by at most 1/64 of its distance to the nearer of 0 and 1.

    >>> probability_of_cell(np.array([0, 1634, 1666, 1698, 3332])).tolist()
    [0.0, 0.25390625, 0.5, 0.74609375, 1.0]
    """
    cell = np.minimum(cells, LAST_CELL - cells)
    octave, within = np.divmod(cell - 2, CELLS_PER_OCTAVE)
    middle = np.ldexp(1 + (within + 0.5) / CELLS_PER_OCTAVE, octave + SMALLEST_DISTANCE_EXPONENT)
    middle = np.where(cell == MIDDLE_CELL, 0.5, middle)
    middle = np.where(cell < 2, cell * 2.0 ** (SMALLEST_DISTANCE_EXPONENT - 1), middle)
    probability: Floats = np.where(cells > MIDDLE_CELL, 1 - middle, middle)
    return probability


def is_one_probability(cells: Integers) -> Booleans:
    """Whether all rows of the cell have the same probability: exactly 0, one half or 1."""
    return np.isin(cells, (0, MIDDLE_CELL, LAST_CELL))


def _counted(keys: Integers, outcome: Integers) -> tuple[Integers, Integers]:
    """The distinct keys, ascending, and how many of their rows have each outcome."""
    found, rows = np.unique(keys * 3 + outcome, return_counts=True)
    distinct, place = np.unique(found // 3, return_inverse=True)
    counts = np.zeros((len(distinct), 3), dtype=np.int64)
    counts[place, found % 3] = rows
    return distinct, counts


def _beside(part: ScoreHistogram) -> Integers:
    return np.column_stack([part.column(name) for name in ("unlabelled", "negatives", "positives")])
