"""What a sequence looks like while all is well: known from the reference, so no detector needs a warm-up."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Floats

FARTHEST_DEVIATIONS = 4.0
"""A value farther from the baseline counts as this far: one odd row, even an infinite one, is no change of level."""

RAREST_PROPORTION = 0.001
"""A baseline of 0/1 without any (or with nearly no) ones, or zeros, is taken as one that has them this often."""

SMALLEST_SPREAD_RATIO = 0.01
"""A baseline without spread is taken to spread by this share of its mean (of 1 if its mean is 0)."""

LARGEST_SHAPE = 10_000

_TINIEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Level and spread of the reference.

    A constant reference has no noise to measure a change in: every change would be infinitely many deviations. So its
    spread is declared (``SMALLEST_SPREAD_RATIO``), and proportions are kept off 0 and 1 (``RAREST_PROPORTION``).

    Attributes:
        mean: mean of the reference; of 0/1 values the share of ones, in [0, 1].
        std: its standard deviation, 0 or more; not read for 0/1 values, whose mean says it.
        rows: present values behind them, 1 or more. CUSUM takes the mean for known however few they are.
        binary: the values are 0 and 1.
        shape: the reference's values in deviations, ascending: with it the run length holds for skewed and
            heavy-tailed values too; without it they are taken as normal.
    """

    mean: float
    std: float
    rows: int
    binary: bool = False
    shape: Floats | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and np.isfinite(self.std) and self.std >= 0.0):
            raise ValueError(f"mean {self.mean} and std {self.std} must be finite, std not negative")
        if self.rows < 1:
            raise ValueError(f"rows is {self.rows}; a baseline needs at least 1")
        if self.binary and not 0.0 <= self.mean <= 1.0:
            raise ValueError(f"mean is {self.mean}; the share of ones lies in [0, 1]")

    @classmethod
    def from_values(cls, values: Floats, *, binary: bool = False) -> "Baseline":
        """The baseline of a reference's values, in any order; NaN is missing, infinite values are the largest ones.

        Raises:
            ValueError: if no value is present.

        >>> baseline = Baseline.from_values(np.array([1.0, 3.0]))
        >>> baseline.mean, baseline.std
        (2.0, 1.0)
        """
        present = np.sort(values[~np.isnan(values)])
        if present.size == 0:
            raise ValueError("the reference holds no present value; a baseline needs at least 1")
        finite = np.clip(present, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE)
        unit = max(1.0, float(np.max(np.abs(finite))))
        scaled = finite / unit  # its squares stay finite
        mean, std = float(scaled.mean()) * unit, float(scaled.std()) * unit
        plain = cls(mean=mean, std=std, rows=present.size, binary=binary)
        if binary or plain.constant:
            return plain
        shape = plain.deviations(present)
        if shape.size > LARGEST_SHAPE:
            shape = shape[np.linspace(0, shape.size - 1, LARGEST_SHAPE).round().astype(np.int64)]
        return cls(mean=mean, std=std, rows=present.size, shape=shape)

    @property
    def constant(self) -> bool:
        """No spread, or one below the rounding of the mean."""
        return self.std <= max(1e-12 * abs(self.mean), _TINIEST)

    @property
    def proportion(self) -> float:
        """Share of ones, kept off 0 and 1."""
        return min(max(self.mean, RAREST_PROPORTION), 1.0 - RAREST_PROPORTION)

    @property
    def spread(self) -> float:
        """Standard deviation, above 0 also for constants."""
        if self.binary:
            return float(np.sqrt(self.proportion * (1.0 - self.proportion)))
        if self.constant:
            return max(SMALLEST_SPREAD_RATIO * (abs(self.mean) or 1.0), _TINIEST)
        return self.std

    def deviations(self, values: Floats) -> Floats:
        """Values in standard deviations from the mean, each within ±``FARTHEST_DEVIATIONS``."""
        finite = np.clip(values, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE)
        with np.errstate(over="ignore"):
            half: Floats = (finite / 2.0 - self.mean / 2.0) / self.spread  # halves, as their difference stays finite
        return 2.0 * np.clip(half, -FARTHEST_DEVIATIONS / 2.0, FARTHEST_DEVIATIONS / 2.0)
