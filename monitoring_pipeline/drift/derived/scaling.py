"""Columns of different units made comparable, whatever their outliers."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Floats, present_sorted

CLIP = 5.0
"""Deviations beyond which a value counts no more: one wild row must not turn all the axes towards it."""

# The distance of a normal distribution's quartiles and its mean absolute deviation, in standard deviations.
_NORMAL_QUARTILES = 1.3489795
_NORMAL_MEAN_DEVIATION = 0.79788456


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """Where each column's middle is and how wide it spreads.

    Attributes:
        centre: median per column, in the column's unit; 0 for a column without a value.
        scale: spread per column, above 0: the distance of the quartiles, or where these coincide the mean
            absolute deviation, as standard deviations of a normal distribution; for a constant its size, or 1.
    """

    centre: Floats
    scale: Floats

    @classmethod
    def fit(cls, matrix: Floats) -> Self:
        """Learn from rows × columns; NaN means missing."""
        pairs = [_centre_and_scale(present_sorted(column)) for column in matrix.T]
        centre, scale = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
        return cls(centre=centre, scale=scale)

    def apply(self, matrix: Floats) -> Floats:
        """Deviations from the centre, within ±``CLIP``; a missing value lies in the centre."""
        bounded = np.clip(matrix, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE)
        with np.errstate(over="ignore"):  # clipped at once
            scaled = np.clip((bounded - self.centre) / self.scale, -CLIP, CLIP)
        return np.where(np.isnan(scaled), 0.0, scaled)


def _centre_and_scale(ascending: Floats) -> tuple[float, float]:
    if ascending.size == 0:
        return 0.0, 1.0
    centre = float(ascending[ascending.size // 2])
    if ascending[0] == ascending[-1]:
        return centre, abs(centre) or 1.0
    quartiles = ascending[[ascending.size // 4, 3 * ascending.size // 4]]
    spread = float(quartiles[1] - quartiles[0]) / _NORMAL_QUARTILES
    if spread == 0:
        # Each part is divided before it is summed: the sum of many large numbers is infinite.
        spread = float(np.sum(np.abs(ascending - centre) / ascending.size)) / _NORMAL_MEAN_DEVIATION
    return centre, min(max(spread, float(np.finfo(np.float64).smallest_subnormal)), LARGEST_MAGNITUDE)
