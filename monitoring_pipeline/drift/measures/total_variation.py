"""Total variation: which share of rows would have to change bins to turn one sample's shares into the other's."""

import math

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws.noise import DivergenceNoise
from monitoring_pipeline.drift.laws.urn import Urn
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Sizes


def measure(
    reference_counts: Counts | Floats, window_counts: Counts | Floats, *, sizes: Sizes, alpha: float
) -> Measurement:
    """Total variation distance of two samples counted in the same bins, with its noise at these sizes.

    ``½ Σ |p - q|``, p the window's and q the reference's shares: in [0, 1] and read as a share of rows: 0.1 means
    that one row in ten lies elsewhere. Noise alone is about 0.13 with 100 rows in 10 bins. It is a sum of gaps, not
    of squares, so its law is not χ² at any size; :mod:`..laws.noise` has it: false alarms in simulation are 0.4 to 1.6
    times alpha from 30 rows up, at alpha 0.05, 0.01 and 0.001.

    It cannot see what happens inside a bin or beyond the reference's outermost deciles.

    Args:
        reference_counts: rows per bin, at least one in total; not whole if the reference was reweighted.
        window_counts: rows per bin, at least one in total.
        sizes: how many independent rows both are worth; below the counts' totals if rows come in clusters.
        alpha: false-alarm probability of this test, in (0, 1).

    Source: Levin, Peres & Wilmer (2009), "Markov Chains and Mixing Times", chapter 4.
    """
    noise = NOISE.of(reference_counts, window_counts, sizes)
    return noise.measurement(distance(reference_counts, window_counts), alpha=alpha)


def distance(reference_counts: Counts | Floats, window_counts: Counts | Floats) -> float:
    """The distance itself.

    >>> round(distance(np.array([50, 50]), np.array([80, 20])), 4)
    0.3
    """
    reference, window = reference_counts.astype(np.float64), window_counts.astype(np.float64)
    return min(1.0, float(np.sum(_part(reference, window, float(reference.sum()), float(window.sum())))))


def _part(first: Floats, second: Floats, first_rows: float, second_rows: float) -> Floats:
    part: Floats = np.abs(first / first_rows - second / second_rows) / 2.0
    return part


def _unit(urn: Urn) -> float:
    """The distance's mean without drift in large samples: ``½ Σ sqrt(2/π · p (1 - p) · (1/n + 1/m))``."""
    shares = np.array(urn.totals) / (urn.drawn + urn.left)
    gaps = float(np.sum(np.array(urn.repeats) * np.sqrt(shares * np.maximum(0.0, 1.0 - shares))))
    return gaps / 2.0 * math.sqrt(2.0 / math.pi * urn.variance)


NOISE = DivergenceNoise(part=_part, unit=_unit, largest=1.0, kinked=True)
"""Also the noise of any difference of two shares: two cells are one share and the rest."""
