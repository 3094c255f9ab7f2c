"""How many values fall into each cell of a logarithmic scale: quantiles with a guaranteed relative error that merge.

Each octave (from one power of two to the next) is cut into equally wide steps of the logarithm. So a value's cell
follows from its binary exponent and a table of ``CELLS_PER_OCTAVE`` edges by comparisons alone: the same cell on every
machine, which a computed logarithm does not promise.

Source: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", 2019.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import accumulate, pairwise
from typing import Any, Self

RELATIVE_ACCURACY = 0.01
"""How far a quantile can be from the row that it stands for, as a share of either of the two."""

CELLS_PER_OCTAVE = 36
"""The fewest that keep the promise. From edge to edge is g = 2^(1/36), and the cell's value is (g - 1) / (g + 1) =
0.963 % from either edge as a share of the edge, 0.972 % as a share of the value; 35 cells would leave 1.00007 %."""

INFINITE_CELL = CELLS_PER_OCTAVE * 1025
"""Where values beyond the largest double (1.8e308) are counted: just above its own cell."""

_DIGITS = Context(prec=40)
_EDGES = [float(_DIGITS.power(2, Decimal(step) / CELLS_PER_OCTAVE - 1)) for step in range(CELLS_PER_OCTAVE + 1)]

OCTAVE_EDGES = tuple(_EDGES[:-1])
"""Lower edges of the cells between 0.5 and 1: the mantissas of :func:`math.frexp`."""

_OCTAVE_VALUES = [2 * low * high / (low + high) for low, high in pairwise(_EDGES)]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogHistogram:
    """Counts of values that are at least 0.

    Attributes:
        zero_count: how many values are 0, which no logarithmic cell holds.
        cells: ``(cell, count)``, ascending, only counts above zero. Cell ``36 e + i`` holds the values m · 2^e with m
            in the step i of 0.5 … 1; ``INFINITE_CELL`` those beyond the doubles.
    """

    zero_count: int = 0
    cells: tuple[tuple[int, int], ...] = ()

    @classmethod
    def merged(cls, parts: Sequence["LogHistogram"]) -> Self:
        """The counts of all parts together; exact, in any order and grouping."""
        counts: Counter[int] = Counter()
        for part in parts:
            for cell, n in part.cells:
                counts[cell] += n
        return cls(zero_count=sum(part.zero_count for part in parts), cells=tuple(sorted(counts.items())))

    @property
    def count(self) -> int:
        """All values."""
        return self.zero_count + sum(n for _, n in self.cells)

    def quantile(self, probability: float) -> float:
        """The smallest value that at least this share of the values does not exceed, within ``RELATIVE_ACCURACY``.

        numpy calls this rule ``inverted_cdf``: no value between two rows is made up, the median of an even count is
        the lower of the two in the middle.

        Args:
            probability: 0 … 1.

        Raises:
            ValueError: if there is no value, or no such probability.
        """
        if not 0 <= probability <= 1:
            raise ValueError(f"a quantile's probability is between 0 and 1, not {probability}")
        return self.at_rank(max(math.ceil(probability * self.count), 1))

    def at_rank(self, rank: int) -> float:
        """The value with this rank (1 is the smallest), within ``RELATIVE_ACCURACY``; +inf beyond the doubles.

        Below the smallest normal double (2.2e-308) values are further apart than that; then it is the nearest double.

        Raises:
            ValueError: if there is no such rank.
        """
        return self.at_ranks([rank])[0]

    def at_ranks(self, ranks: Sequence[int]) -> list[float]:
        """The values with these ranks; see :meth:`at_rank`. Several at once cost hardly more than one."""
        reached = list(accumulate((n for _, n in self.cells), initial=self.zero_count))
        if bad := [rank for rank in ranks if not 1 <= rank <= reached[-1]]:
            raise ValueError(f"there are {reached[-1]} values, none with the rank {bad[0]}")
        # Place 0 is that of the zeros, place 1 that of the first cell.
        places = [bisect_left(reached, rank) for rank in ranks]
        return [value_of(self.cells[place - 1][0]) if place else 0.0 for place in places]

    def to_json(self) -> list[Any]:
        """``[zero_count, [[cell, count], …]]``."""
        return [self.zero_count, [list(cell) for cell in self.cells]]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote."""
        zero_count, cells = stored
        return cls(zero_count=zero_count, cells=tuple(map(tuple, cells)))  # a year of hours has millions of cells


def value_of(cell: int) -> float:
    """What stands for the values of a cell: the harmonic mean of its edges, equally far from both in their own terms.

    >>> round(value_of(36), 4)  # of 1.0 … 1.0194
    1.0096
    """
    if cell == INFINITE_CELL:
        return math.inf
    exponent, step = divmod(cell, CELLS_PER_OCTAVE)
    return math.ldexp(_OCTAVE_VALUES[step], exponent)
