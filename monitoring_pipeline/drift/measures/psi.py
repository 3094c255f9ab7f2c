"""Population stability index: the symmetric Kullback-Leibler divergence of two binned samples."""

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws.noise import DivergenceNoise
from monitoring_pipeline.drift.laws.urn import effective
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Sizes

_EMPTY_BIN_ROWS = 0.5


def measure(
    reference_counts: Counts | Floats, window_counts: Counts | Floats, *, sizes: Sizes, alpha: float
) -> Measurement:
    """PSI of two samples counted in the same bins, with its noise at these sizes.

    ``PSI = Σ (p - q) ln(p / q)`` over bins, p the window's and q the reference's shares; unit nat, from 0 up. The
    common reading "0.1 watch, 0.2 act" ignores size: with 100 rows in 10 bins noise alone is about 0.1 on average. So
    drift needs evidence too (:mod:`..laws.noise`): false alarms in simulation are 0.2 to 1.4 times alpha from 30 rows
    up, at alpha 0.05, 0.01 and 0.001.

    It cannot see: what happens inside a bin, and values beyond the outermost edges of the reference's deciles count
    like those just inside.

    Args:
        reference_counts: rows per bin, at least one in total; not whole if the reference was reweighted.
        window_counts: rows per bin, at least one in total.
        sizes: how many independent rows both are worth; below the counts' totals if rows come in clusters.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> sizes = Sizes(reference=1000, window=100)
    >>> measured = measure(np.array([500, 500]), np.array([80, 20]), sizes=sizes, alpha=0.01)
    >>> round(measured.value, 3), round(measured.noise_limit, 3), measured.p_value < 1e-8
    (0.416, 0.079, True)

    Source: Siddiqi (2006), "Credit Risk Scorecards"; Yurdakul & Naranjo (2020) for its law.
    """
    noise = _NOISE.of(reference_counts, window_counts, sizes)
    # An empty bin counts as half a row; where rows are worth less than one, as half of an effective one.
    divergence = index(effective(reference_counts, sizes.reference), effective(window_counts, sizes.window))
    return Measurement(
        value=index(reference_counts, window_counts),
        p_value=noise.p_value(divergence),
        noise_limit=noise.limit(alpha),
        detectable=noise.detectable(alpha),
    )


def index(reference_counts: Counts | Floats, window_counts: Counts | Floats) -> float:
    """The index itself, finite also with empty bins.

    A bin empty on one side counts as half a row there, or as the rows both samples together let expect if that is
    less: a rare category that a small window happens to miss says nothing, a new one that fills it says much.

    >>> round(index(np.array([50, 50]), np.array([80, 20])), 4)
    0.4159
    """
    held = reference_counts + window_counts > 0
    reference, window = reference_counts.astype(np.float64), window_counts.astype(np.float64)
    return float(np.sum(_part(reference[held], window[held], float(reference.sum()), float(window.sum()))))


def _part(first: Floats, second: Floats, first_rows: float, second_rows: float) -> Floats:
    expected = (first + second) / (first_rows + second_rows)
    one, other = _shares(first, expected, first_rows), _shares(second, expected, second_rows)
    part: Floats = (one - other) * np.log(one / other)
    return part


def _shares(counts: Floats, expected: Floats, rows: float) -> Floats:
    return np.where(counts > 0, counts, np.minimum(_EMPTY_BIN_ROWS, expected * rows)) / rows


_NOISE = DivergenceNoise(part=_part, unit=lambda urn: urn.variance)
