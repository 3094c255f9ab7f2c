"""How far the difference of two samples' means is from normal, and what that does to its tails."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri, stdtr

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.sizes import Sizes

_NEGLIGIBLE = 1e-3  # of skewness or excess kurtosis: moves no limit by a thousandth, but would be divided by
_FARTHEST_SCORE = 37.0  # of a normal variable, beyond which its probability is 0 as a double
_MOST_SKEWNESS = 4.0  # beyond which the cube root no longer describes the gamma law; the rest counts as kurtosis
_MOST_STRETCH = 8.0  # the gamma law of that skewness and Student's t of freedom 4 reach 1e-6 within it


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanShape:
    """Skewness and excess kurtosis of the difference of the means of a reference and a window.

    The tails are those of a gamma law with that skewness, by the cube root of Wilson & Hilferty (1931); what excess
    kurtosis the gamma law does not have itself is that of Student's t.

    Attributes:
        skewness: its size; which of the two means it favours does not matter to a distance.
        kurtosis: excess over the normal and the gamma law, not negative.
    """

    skewness: float
    kurtosis: float

    @classmethod
    def of(cls, *, skewness: float, kurtosis: float, sizes: Sizes) -> Self:
        """From skewness and excess kurtosis of single rows: the cumulants of means add up."""
        n, m = sizes.window, sizes.reference
        of_mean = min(_MOST_SKEWNESS, abs(skewness) * abs(1.0 / n**2 - 1.0 / m**2) * sizes.root**3)
        excess = kurtosis * (1.0 / n**3 + 1.0 / m**3) * sizes.root**4
        return cls(skewness=of_mean, kurtosis=max(0.0, excess - 1.5 * of_mean**2))

    @property
    def is_normal(self) -> bool:
        """Whether the difference is as good as normal."""
        return self.skewness < _NEGLIGIBLE and self.kurtosis < _NEGLIGIBLE

    @property
    def stretch(self) -> float:
        """How much farther than a normal variable's tail this one's is worth looking at."""
        return min(_MOST_STRETCH, 1.0 + self.skewness + self.kurtosis)

    def normal_scores(self, deviations: Floats) -> tuple[Floats, Floats]:
        """What upward and downward deviations would be for a normal variable with the same tails.

        >>> up, down = MeanShape(skewness=1.0, kurtosis=0.0).normal_scores(np.array([3.0]))
        >>> round(float(up[0]), 2), float(down[0])
        (2.31, 37.0)
        """
        if self.kurtosis >= _NEGLIGIBLE:
            deviations = self._without_kurtosis(deviations)
        if self.skewness < _NEGLIGIBLE:
            return deviations, deviations
        step = self.skewness / 6.0
        up = (np.cbrt(1.0 + 3.0 * step * deviations) - 1.0 + step**2) / step
        down = (1.0 - step**2 - np.cbrt(np.maximum(0.0, 1.0 - 3.0 * step * deviations))) / step
        beyond = 3.0 * step * deviations >= 1.0  # the gamma law ends there
        return np.maximum(0.0, up), np.where(beyond, _FARTHEST_SCORE, np.maximum(0.0, down))

    def _without_kurtosis(self, deviations: Floats) -> Floats:
        freedom = 4.0 + 6.0 / self.kurtosis
        unit = math.sqrt(freedom / (freedom - 2.0))
        return np.minimum(-ndtri(stdtr(freedom, -deviations * unit)), _FARTHEST_SCORE)
