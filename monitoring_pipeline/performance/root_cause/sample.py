"""What the decomposition needs to know of a segment's rows in one window."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from monitoring_pipeline.performance.mergeable.moments import Moments


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Values of a quantity.

    Attributes:
        count: how many, at least one.
        mean: their exact mean.
        squares: sum of squared deviations from the mean; infinite if it is beyond the doubles.
    """

    count: int
    mean: Fraction
    squares: float

    @classmethod
    def of(cls, moments: Moments) -> Self | None:
        """From stored moments; ``None`` where there are no rows.

        Raises:
            OverflowError: if their sum is beyond the doubles.
        """
        if not moments.count:
            return None
        if not math.isfinite(moments.total):
            raise OverflowError("the sum is beyond the largest double")
        # The stored total of a constant is rounded; a neighbour of that constant would look like a change.
        constant = moments.lowest == moments.highest
        mean = Fraction(moments.lowest) if constant else Fraction(moments.total) / moments.count
        return cls(count=moments.count, mean=mean, squares=moments.m2)

    @classmethod
    def of_share(cls, successes: int, trials: int) -> Self | None:
        """From counts: each row is 0 or 1. ``None`` for no trials.

        The spread is that of two further successes and two further failures: with ten right answers of ten, the plain
        one would call the share certain.

        Source: A. Agresti, B. A. Coull, "Approximate is better than 'exact' for interval estimation of binomial
        proportions", 1998.
        """
        if not trials:
            return None
        share = (successes + 2) / (trials + 4)
        return cls(count=trials, mean=Fraction(successes, trials), squares=trials * share * (1 - share))
