"""The rows of a reference by stratum, and what each counts when strata are weighed anew."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Floats, Strata

_STEP = math.log(4.0)  # of a stratum's weight, within which compositions share a law


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StratumRows:
    """Which stratum each row lies in.

    Attributes:
        lowest: the smallest stratum.
        steps: each row's stratum less the smallest.
        rows: rows of each stratum, from the smallest on; 0 for a number between that none has.
    """

    lowest: int
    steps: NDArray[np.integer]
    rows: Floats

    @classmethod
    def of(cls, row_strata: Strata) -> Self:
        """Count them; looked up for every composition, the steps take as few bytes as they can."""
        lowest = int(row_strata.min(initial=0))
        steps = row_strata - lowest
        rows = np.bincount(steps).astype(np.float64)
        return cls(lowest=lowest, steps=steps.astype(np.min_scalar_type(max(0, rows.size - 1))), rows=rows)

    def wanted(self, stratum_weights: Mapping[int, float]) -> Floats:
        """The share of the whole that each stratum shall have, those without rows passed over; 1 in total.

        Raises:
            ValueError: if a weight is negative or not finite, or no value has any.
        """
        if not all(math.isfinite(weight) and weight >= 0.0 for weight in stratum_weights.values()):
            raise ValueError(f"stratum_weights are {dict(stratum_weights)}; each must be a finite number, 0 or more")
        named = [stratum_weights.get(self.lowest + step, 0.0) for step in range(self.rows.size)]
        wanted = np.where(self.rows > 0.0, named, 0.0)
        if not np.any(wanted > 0.0):
            raise ValueError(f"none of the strata {sorted(stratum_weights)} has a weight and a value in the reference")
        unit = wanted / wanted.max()
        shares: Floats = unit / unit.sum()
        return shares

    def similar(self, shares: Floats) -> Mapping[int, float]:
        """Weights near these shares that many other shares have, too, by stratum.

        A stratum counts a power of four as much as its own rows would: so hours that bring about as much as they
        always did are together what they are in the reference.
        """
        used = np.flatnonzero(shares > 0.0)
        times = shares[used] / self.rows[used] * float(np.sum(self.rows[used]))
        near = self.rows[used] * np.exp(np.round(np.log(np.maximum(times, 1e-300)) / _STEP) * _STEP)
        return dict(zip((used + self.lowest).tolist(), near.tolist(), strict=True))
