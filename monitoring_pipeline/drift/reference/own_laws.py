"""What two samples of a reference's own distribution differ by: computed at the first question, then kept."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws.bridge_law import SMALLEST_SHARE, BridgeLaw
from monitoring_pipeline.drift.laws.tied_moments import tied_moments
from monitoring_pipeline.drift.reference.distribution import share_of_first


# Without slots, so that what is computed can be kept.
@dataclass(frozen=True, kw_only=True, eq=False)
class OwnLaws:
    """The laws that only some measures ask for.

    Attributes:
        values: ascending.
        shares: their cumulative weights; ``None`` if all count the same.
        std: their standard deviation.
        similar_area_law: where a composition takes its area law from; ``None`` to compute it.
    """

    values: Floats
    shares: Floats | None
    std: float
    similar_area_law: Callable[[], BridgeLaw] | None = None

    @cached_property
    def area(self) -> BridgeLaw:
        """The law of the area between two samples of this distribution, in standard deviations; not of a constant.

        A composition takes that of one like it, in which each stratum counts within a factor of two as much: the
        probabilities then differ by 6 % at most in simulation, and hardly ever must a law be computed.
        """
        return self.computed_area() if self.similar_area_law is None else self.similar_area_law()

    def computed_area(self) -> BridgeLaw:
        """The same law, computed for this very distribution."""
        gaps = (self.values[self._rises] - self.values[self._rises - 1]) / self.std
        return BridgeLaw.of(share_of_first(self._rises, self.values.size, self.shares), gaps)

    @cached_property
    def gap_moments(self) -> tuple[float, float] | None:
        """Mean and deviation of the mean square gap of two samples with these ties.

        ``None`` if there are no ties, or nothing but one.
        """
        if self._tie_shares is None:
            return None
        return tied_moments(self._tie_shares, np.diff(self._tie_shares, prepend=0.0))

    @cached_property
    def gap_moments_in_noise(self) -> tuple[float, float] | None:
        """The same of the square gap divided by its variance at each share u, ``u (1 - u)``."""
        if self._tie_shares is None:
            return None
        noise = self._tie_shares * (1.0 - self._tie_shares)
        return tied_moments(self._tie_shares, np.diff(self._tie_shares, prepend=0.0) / noise)

    @cached_property
    def _tie_shares(self) -> Floats | None:
        if self.values.size < 3 or self.std == 0 or not np.any(self.values[1:] == self.values[:-1]):
            return None
        shares = share_of_first(self._rises, self.values.size, self.shares)
        return np.clip(shares, SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)

    @property
    def _rises(self) -> Counts:
        """How many values lie below each distinct one but the smallest; not kept, as it may be as long as they are."""
        return np.flatnonzero(self.values[1:] > self.values[:-1]) + 1
