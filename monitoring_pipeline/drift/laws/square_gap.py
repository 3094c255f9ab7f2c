"""What a mean square gap between two distribution functions is when nothing has changed.

At every size its law has almost the shape of its limit (:mod:`.quadratic_law`); mean and deviation differ, by the rows
of both samples and by ties. So the limit is used, brought to the moments that the two samples at hand have.
"""

import math
from dataclasses import dataclass

from monitoring_pipeline.drift.laws.quadratic_law import QuadraticLaw
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareGap:
    """The law of ``n m / (n + m)`` times a mean square gap.

    Attributes:
        limit_law: what it tends to without ties.
        mean: its own mean.
        deviation: its own standard deviation, above 0.
        sizes: how many independent rows both samples are worth.
    """

    limit_law: QuadraticLaw
    mean: float
    deviation: float
    sizes: Sizes

    def measurement(self, distance: float, *, alpha: float, largest: float) -> Measurement:
        """What a measure reports that is the square root of the mean square gap.

        Args:
            distance: the measure's value.
            alpha: false-alarm probability of the test, in (0, 1).
            largest: the distance of two large samples that do not overlap.
        """
        limit = self._limit(alpha)
        return Measurement(
            value=distance,
            p_value=self._p_value((self.sizes.root * distance) ** 2),
            noise_limit=math.sqrt(limit) / self.sizes.root,
            detectable=self._detectable(limit, largest),
        )

    def _p_value(self, statistic: float) -> float:
        law = self.limit_law
        standard = law.mean + (statistic - self.mean) * (law.deviation / self.deviation)
        return self.sizes.p_value(law.survival(standard))

    def _limit(self, alpha: float) -> float:
        law = self.limit_law
        beyond_mean = law.quantile(self.sizes.level(alpha)) - law.mean
        return max(0.0, self.mean + beyond_mean * (self.deviation / law.deviation))

    def _detectable(self, limit: float, largest: float) -> float | None:
        """A smooth shift adds to the law's first term only; the others stay at their mean."""
        weight = self.limit_law.first_weight
        rest = self.limit_law.mean - weight
        needed = math.sqrt(max(0.0, limit - rest) / weight) + Z_POWER
        distance = needed * math.sqrt(weight) / self.sizes.root
        return distance if distance <= largest else None
