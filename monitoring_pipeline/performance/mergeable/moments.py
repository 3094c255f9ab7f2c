"""Count, total and spread of a quantity, in a form that merges: hours into days, days into any window.

Every total is *exactly* summed and rounded once (Shewchuk's algorithm, :func:`math.fsum`), so it does not
depend on the order of the rows or of the parts. The spread is kept as the sum of squared deviations from the
mean, the skewness as that of cubed ones; the difference of two large sums (sum of squares minus squared sum)
would cancel to noise.

Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983; P. Pébay,
"Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments", 2008.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

OVERFLOWED = math.inf
"""Stands for a sum beyond the largest double (1.8e308), whatever its sign; no metric is made of it."""

_SMALLEST_PARTS_PER_UNIT = 2**1074  # every finite double is a whole number of these parts


def exact_sum(values: Sequence[float]) -> float:
    """The sum, rounded once: the same bits for every order of ``values``; ``OVERFLOWED`` if it is no double.

    >>> exact_sum([1e16, 1.0, -1e16])
    1.0
    """
    try:
        total = math.fsum(values)
    except (OverflowError, ValueError):  # a partial sum overflowed, or +inf met -inf
        total = _exact_sum_in_integers(values)
    # Adding 0.0 turns -0.0 into 0.0, so that equal sums have equal bits.
    return total + 0.0 if math.isfinite(total) else OVERFLOWED


def _exact_sum_in_integers(values: Sequence[float]) -> float:
    # Whether fsum overflows half-way depends on the order; integers do not overflow.
    if not all(map(math.isfinite, values)):
        return OVERFLOWED
    ratios = (value.as_integer_ratio() for value in values)
    parts = sum(numerator * (_SMALLEST_PARTS_PER_UNIT // denominator) for numerator, denominator in ratios)
    try:
        return parts / _SMALLEST_PARTS_PER_UNIT
    except OverflowError:
        return OVERFLOWED


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """Count, total, spread, skewness and range of a quantity; the range tells constants from rounding noise.

    Attributes:
        count: how many values.
        total: their sum; ``OVERFLOWED`` if it is beyond the doubles (then ``m2`` is as well, and no range is kept).
        m2: sum of squared deviations from the mean; ``OVERFLOWED`` on its own if only the squares were too large.
        m3: sum of cubed deviations from the mean; ``OVERFLOWED`` with ``m2``, or on its own.
        lowest: the smallest value; +inf where there is none.
        highest: the largest value; -inf where there is none.
    """

    count: int = 0
    total: float = 0.0
    m2: float = 0.0
    m3: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf

    @classmethod
    def of(cls, *, count: int, total: float, m2: float, m3: float, lowest: float, highest: float) -> Self:
        """Moments in canonical form: an overflow, a zero bound and nothing at all each look one way only."""
        if count == 0:
            return cls()
        if total == OVERFLOWED:
            m2, lowest, highest = OVERFLOWED, -math.inf, math.inf
        if m2 == OVERFLOWED:
            m3 = OVERFLOWED
        # Which of 0.0 and -0.0 is the smaller depends on their order; adding 0.0 leaves only the first.
        return cls(count=count, total=total, m2=m2, m3=m3, lowest=lowest + 0.0, highest=highest + 0.0)

    @classmethod
    def merged(cls, parts: Sequence["Moments"]) -> Self:
        """The moments of all parts together; the same bits for every order of the parts."""
        parts = [part for part in parts if part.count]
        count = sum(part.count for part in parts)
        total = exact_sum([part.total for part in parts])
        lowest = min((part.lowest for part in parts), default=math.inf)
        highest = max((part.highest for part in parts), default=-math.inf)
        mean = mean_of(count=count, total=total, lowest=lowest, highest=highest)
        shifts = [part.mean - mean for part in parts]
        squares = [part.count * shift * shift for part, shift in zip(parts, shifts, strict=True)]
        cubes = [shift * (3 * part.m2 + square) for part, shift, square in zip(parts, shifts, squares, strict=True)]
        m2 = exact_sum([part.m2 for part in parts] + squares)
        m3 = exact_sum([part.m3 for part in parts] + cubes)
        return cls.of(count=count, total=total, m2=m2, m3=m3, lowest=lowest, highest=highest)

    @property
    def mean(self) -> float:
        """The arithmetic mean; ``OVERFLOWED`` with the total. 0.0 where there is no value: ask ``count`` first."""
        return mean_of(count=self.count, total=self.total, lowest=self.lowest, highest=self.highest)

    def to_json(self) -> list[int | float | None]:
        """``[]`` for no values, ``[count]`` for an overflow, else count, total, m2, m3 (or null), lowest, highest."""
        if self.count == 0:
            return []
        if self.total == OVERFLOWED:
            return [self.count]
        m2, m3 = (None if moment == OVERFLOWED else moment for moment in (self.m2, self.m3))
        return [self.count, self.total, m2, m3, self.lowest, self.highest]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""
        if not stored:
            return cls()
        if len(stored) == 1:
            return cls.of(count=int(stored[0]), total=OVERFLOWED, m2=OVERFLOWED, m3=OVERFLOWED, lowest=0.0, highest=0.0)
        count, total, m2, m3, lowest, highest = stored
        return cls(
            count=int(count),
            total=float(total),
            m2=OVERFLOWED if m2 is None else float(m2),
            m3=OVERFLOWED if m3 is None else float(m3),
            lowest=float(lowest),
            highest=float(highest),
        )


def mean_of(*, count: int, total: float, lowest: float, highest: float) -> float:
    """``total / count``, kept inside the range: the mean of a constant is that constant, not its neighbour.

    >>> mean_of(count=3, total=0.1 + 0.1 + 0.1, lowest=0.1, highest=0.1)
    0.1
    """
    if count == 0 or total == OVERFLOWED:
        return total
    return min(max(total / count, lowest), highest)
