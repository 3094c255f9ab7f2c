"""Population stability index: the symmetric Kullback-Leibler divergence of two binned samples."""

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.noise import DivergenceNoise

_NOISE = DivergenceNoise(scale=1.0, inflation=1.6)
_EMPTY_BIN_ROWS = 0.5


def measure(reference_counts: Counts, window_counts: Counts, *, alpha: float) -> Measurement:
    """PSI of two samples counted in the same bins, with its noise at these sizes.

    ``PSI = Σ (p - q) ln(p / q)`` over bins, p the window's and q the reference's shares; unit nat, from 0 up. The
    common reading "0.1 watch, 0.2 act" ignores size: with 100 rows in 10 bins noise alone is about 0.1 on average.
    So drift needs the noise limit to be passed too (:mod:`.noise`): false alarms in simulation are 0.3 to 1.5 times
    alpha from 100 rows up, at alpha 0.01 and 0.001.

    It cannot see: what happens inside a bin, and values beyond the outermost edges of the reference's deciles count
    like those just inside.

    Args:
        reference_counts: rows per bin, at least one in total.
        window_counts: rows per bin, at least one in total.
        alpha: false-alarm probability of this test, in (0, 1).

    Source: Siddiqi (2006), "Credit Risk Scorecards"; Yurdakul & Naranjo (2020) for its law.
    """
    value = index(reference_counts, window_counts)
    return Measurement(
        value=value,
        p_value=_NOISE.p_value(value, reference_counts, window_counts),
        noise_limit=_NOISE.limit(alpha, reference_counts, window_counts),
    )


def index(reference_counts: Counts, window_counts: Counts) -> float:
    """The index itself, finite also with empty bins.

    A bin empty on one side counts as half a row there, or as the rows both samples together let expect if that is
    less: a rare category that a small window happens to miss says nothing, a new one that fills it says much.

    >>> round(index(np.array([50, 50]), np.array([80, 20])), 4)
    0.4159
    """
    expected = (reference_counts + window_counts) / (reference_counts.sum() + window_counts.sum())
    window, reference = _shares(window_counts, expected), _shares(reference_counts, expected)
    return float(np.sum((window - reference) * np.log(window / reference)))


def _shares(counts: Counts, expected: Floats) -> Floats:
    total = int(counts.sum())
    return np.where(counts > 0, counts, np.minimum(_EMPTY_BIN_ROWS, expected * total)) / total
