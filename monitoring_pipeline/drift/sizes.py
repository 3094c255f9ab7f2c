"""How many rows two samples are worth: fewer than they hold, if rows that come together are alike."""

import math
from dataclasses import dataclass

from scipy.special import ndtr, ndtri, stdtr, stdtrit

POWER = 0.8
"""How often a window shows the smallest difference that it is said to be able to show."""

Z_POWER = float(ndtri(POWER))

# With few degrees of freedom, or shared by many tests, a small alpha is worth less than any double above 0.
_SMALLEST_LEVEL = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The effective rows of a reference and a window, and how well they are known.

    Rows of one hour or day share its weather: a window of n rows with intraclass correlation ρ is worth
    ``n / (1 + (n - 1) ρ)`` independent ones (Kish 1965). Every measure takes its noise from these numbers instead
    of from the rows; for independent rows both are the same.

    Attributes:
        reference: effective rows of the reference, above 0.
        window: effective rows of the window, above 0.
        freedom: degrees of freedom that the intraclass correlation was estimated with; infinite where it is known
            to be zero, because rows are taken as independent.
    """

    reference: float
    window: float
    freedom: float = math.inf

    @property
    def variance(self) -> float:
        """``1/n + 1/m``: the variance of a difference of two means, in units of one row's variance."""
        return 1.0 / self.reference + 1.0 / self.window

    @property
    def root(self) -> float:
        """``sqrt(n m / (n + m))``: what a gap between two distribution functions is multiplied with."""
        return math.sqrt(1.0 / self.variance)

    def p_value(self, p_value: float) -> float:
        """A p-value of normal theory, widened for what is unknown about the effective rows (Student's t for z)."""
        if math.isinf(self.freedom) or not 0.0 < p_value < 1.0:
            return p_value
        return float(stdtr(self.freedom, float(ndtri(p_value))))

    def level(self, alpha: float) -> float:
        """The level of normal theory that is worth ``alpha`` after widening: the inverse of :meth:`p_value`."""
        if math.isinf(self.freedom):
            return max(_SMALLEST_LEVEL, alpha)
        return max(_SMALLEST_LEVEL, float(ndtr(float(stdtrit(self.freedom, alpha)))))
