"""Moments of a value up to the fourth, and of a weight that goes with it, in a form that merges.

What a ratio such as Σ weight / Σ (value - mean)² needs to know its own uncertainty. As in :mod:`.moments`, all sums
are of deviations from the mean, exact and rounded once, so the bits do not depend on the order of the parts.

Source: P. Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
moments", 2008.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from monitoring_pipeline.performance.mergeable.moments import OVERFLOWED, Moments, exact_sum


@dataclass(frozen=True, kw_only=True, slots=True)
class JointMoments:
    """Sums over rows with a value and a weight; d is the value's deviation from the mean of all values.

    Attributes:
        value: count, total, Σ d², Σ d³ and range of the values.
        m4: Σ d⁴; ``OVERFLOWED``, as the three below, if any of the four is beyond the doubles.
        weight: Σ weight.
        weight_d: Σ weight · d.
        weight_d2: Σ weight · d².
    """

    value: Moments = field(default_factory=Moments)
    m4: float = 0.0
    weight: float = 0.0
    weight_d: float = 0.0
    weight_d2: float = 0.0

    @classmethod
    def of(cls, *, value: Moments, m4: float, weight: float, weight_d: float, weight_d2: float) -> Self:
        """Joint moments in canonical form: an overflow looks one way only."""
        if not all(map(math.isfinite, (value.m3, m4, weight, weight_d, weight_d2))):
            m4 = weight = weight_d = weight_d2 = OVERFLOWED
        return cls(value=value, m4=m4, weight=weight, weight_d=weight_d, weight_d2=weight_d2)

    @classmethod
    def merged(cls, parts: Sequence["JointMoments"]) -> Self:
        """The moments of all parts together; the same bits for every order of the parts."""
        parts = [part for part in parts if part.value.count]
        value = Moments.merged([part.value for part in parts])
        shifted = [part._about(value.mean) for part in parts]  # noqa: SLF001  (of its own class)
        m4, weight, weight_d, weight_d2 = (exact_sum([row[at] for row in shifted]) for at in range(4))
        return cls.of(value=value, m4=m4, weight=weight, weight_d=weight_d, weight_d2=weight_d2)

    def _about(self, mean: float) -> tuple[float, float, float, float]:
        """The four sums with deviations from another mean; only whole, the sum over the parts makes sense."""
        own = self.value
        shift = own.mean - mean
        fourth = shift * (4 * own.m3 + shift * (6 * own.m2 + own.count * shift * shift))
        first = shift * self.weight
        second = shift * (2 * self.weight_d + first)
        return self.m4 + fourth, self.weight, self.weight_d + first, self.weight_d2 + second

    @property
    def is_known(self) -> bool:
        """Whether all sums are doubles."""
        return self.m4 != OVERFLOWED

    def to_json(self) -> list[Any]:
        """The value's moments, and then, unless they overflowed, the four sums."""
        sums = [self.m4, self.weight, self.weight_d, self.weight_d2] if self.is_known else []
        return [self.value.to_json(), *sums]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""
        value, *sums = stored
        m4, weight, weight_d, weight_d2 = map(float, sums or [OVERFLOWED] * 4)
        return cls(value=Moments.from_json(value), m4=m4, weight=weight, weight_d=weight_d, weight_d2=weight_d2)
