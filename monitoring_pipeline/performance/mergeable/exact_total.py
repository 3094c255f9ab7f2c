"""A sum that has not been rounded yet: parts of it merge, and whatever was put together how, the bits are the same.

:class:`.Moments` round each hour's total, so that hours merged into a day may differ in the last bit from the day's
rows summed at once. Where an answer mixes whole hours with single rows, and must not depend on which is which, the
total is kept exactly: as a few doubles whose sum it is.

Source: J. R. Shewchuk, "Adaptive precision floating-point arithmetic and fast robust geometric predicates", 1997.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.mergeable.moments import OVERFLOWED, exact_sum

# Values are summed exactly below this size, so that no partial sum of a million of them overflows.
_LARGEST = 2.0**960


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactTotal:
    """The exact sum of some numbers.

    Attributes:
        parts: doubles of falling size whose exact sum it is, none for zero; ``OVERFLOWED`` alone if a value, or the
            sum, is beyond 2**960.
    """

    parts: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: Iterable[float] | npt.NDArray[np.float64]) -> Self:
        """The sum of the values.

        >>> ExactTotal.of([1e-100, 1.0, 1e100]).parts
        (1e+100, 1.0, 1e-100)
        """
        found = values.tolist() if isinstance(values, np.ndarray) else list(values)
        if not all(map(_LARGEST.__ge__, map(abs, found))):  # NaN is not below anything
            return cls(parts=(OVERFLOWED,))
        parts: list[float] = []
        # Each round takes away what the rounds before have told: the sum's next 53 bits are left.
        while remainder := exact_sum([*found, *(-part for part in parts)]):
            parts.append(remainder)
            if len(parts) == 1 and not abs(remainder) <= _LARGEST:
                return cls(parts=(OVERFLOWED,))
        return cls(parts=tuple(parts))

    @classmethod
    def merged(cls, totals: Sequence["ExactTotal"]) -> Self:
        """The sum of all: the same as that of all their values."""
        return cls.of(chain.from_iterable(total.parts for total in totals))

    @property
    def is_known(self) -> bool:
        """Whether it did not overflow."""
        return self.parts != (OVERFLOWED,)

    @property
    def value(self) -> float:
        """The sum, rounded once; ``OVERFLOWED`` if there is none."""
        return exact_sum(self.parts)

    @property
    def fraction(self) -> Fraction:
        """The sum itself, not rounded; only of one that is known."""
        return sum(map(Fraction, self.parts), Fraction(0))

    def to_json(self) -> list[float] | None:
        """The parts, or null for an overflow."""
        return None if self.parts == (OVERFLOWED,) else list(self.parts)

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""
        return cls(parts=(OVERFLOWED,)) if stored is None else cls(parts=tuple(float(part) for part in stored))
