"""How often chance reaches each value of a distance without drift: as a table, or as χ² where that is near enough."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri

from monitoring_pipeline.drift.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tail:
    """The probability of reaching each of some values, and what lies between and beyond them.

    Attributes:
        values: ascending, without repetition, at least one.
        log_probabilities: natural logarithm of the probability of at least that value, descending.
        steps: whether the law knows only these values; else probabilities between them are interpolated.
        slope: how fast the logarithm falls beyond the last value; above 0.
    """

    values: Floats
    log_probabilities: Floats
    steps: bool
    slope: float

    def p_value(self, value: float) -> float:
        """Probability of at least ``value``, in [0, 1]."""
        if value <= 0.0:
            return 1.0
        last = float(self.values[-1])
        if value > last:
            return math.exp(float(self.log_probabilities[-1]) - self.slope * (value - last))
        if self.steps:
            reached = int(np.searchsorted(self.values, value, side="right")) - 1
            return math.exp(float(self.log_probabilities[reached])) if reached >= 0 else 1.0
        return math.exp(min(0.0, float(np.interp(value, self.values, self.log_probabilities))))

    def limit(self, alpha: float) -> float:
        """The smallest value that chance reaches with a probability of at most ``alpha``."""
        wanted, lowest = math.log(alpha), float(self.log_probabilities[-1])
        if wanted < lowest:
            return float(self.values[-1]) + (lowest - wanted) / self.slope
        if self.steps:
            return float(self.values[int(np.searchsorted(-self.log_probabilities, -wanted))])
        return float(np.interp(-wanted, -self.log_probabilities, self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquareLaw:
    """``χ²`` with ``freedom`` degrees of freedom."""

    freedom: int

    def p_value(self, value: float) -> float:
        """Probability of at least ``value``."""
        return float(chdtrc(self.freedom, value))

    def limit(self, alpha: float) -> float:
        """What is reached with probability ``alpha``."""
        return float(chdtri(self.freedom, alpha))
