"""How two quantities of the same rows vary together, in a form that merges.

Kept as the sum of products of deviations from the means, exactly summed as in :mod:`.moments`: the difference of
two large sums (sum of products minus product of sums) would cancel to noise.

Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from monitoring_pipeline.performance.mergeable.moments import OVERFLOWED, Moments, exact_sum


@dataclass(frozen=True, kw_only=True, slots=True)
class Covariance:
    """Moments of two quantities over the rows that have both, and the spread that they share.

    Attributes:
        first: moments of the one quantity.
        second: moments of the other; as many values.
        shared: sum of (first - its mean) · (second - its mean); ``OVERFLOWED`` if it, or a mean, is beyond the doubles.
    """

    first: Moments = field(default_factory=Moments)
    second: Moments = field(default_factory=Moments)
    shared: float = 0.0

    @classmethod
    def of(cls, *, first: Moments, second: Moments, shared: float) -> Self:
        """In canonical form: without both means there are no deviations to multiply."""
        is_lost = OVERFLOWED in (first.total, second.total)
        return cls(first=first, second=second, shared=OVERFLOWED if is_lost else shared)

    @classmethod
    def merged(cls, parts: Sequence["Covariance"]) -> Self:
        """All parts together; the same bits for every order of the parts."""
        parts = [part for part in parts if part.count]
        first, second = Moments.merged([part.first for part in parts]), Moments.merged([part.second for part in parts])
        between = [part.count * (part.first.mean - first.mean) * (part.second.mean - second.mean) for part in parts]
        shared = exact_sum([part.shared for part in parts] + between)
        return cls.of(first=first, second=second, shared=shared)

    @property
    def count(self) -> int:
        """Rows that have both."""
        return self.first.count

    def to_json(self) -> list[object]:
        """``[]`` for no rows, else first, second, shared (or null)."""
        if self.count == 0:
            return []
        return [self.first.to_json(), self.second.to_json(), None if self.shared == OVERFLOWED else self.shared]

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""
        if not stored:
            return cls()
        first, second, shared = stored
        return cls(
            first=Moments.from_json(first),
            second=Moments.from_json(second),
            shared=OVERFLOWED if shared is None else float(shared),
        )
