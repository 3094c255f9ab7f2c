"""Page-Hinkley: a CUSUM against the mean of all that was seen, instead of against the baseline alone."""

import numpy as np

from monitoring_pipeline.drift.arrays import Floats


def centred(values: Floats, *, mean: float, rows: int) -> Floats:
    """Each value less the running mean (that of ``rows`` baseline values and all values up to this one), plus ``mean``.

    So a baseline that was measured on few rows, or that the sequence leaves slowly, is corrected by what follows. The
    running mean includes the value itself, so deviations are a little smaller than a value's own (by
    ``sqrt(1 - 1/n)``) but independent of each other: for normal values the run length of the known mean is kept or
    exceeded, however few rows the baseline has.

    >>> centred(np.array([3.0, 3.0]), mean=0.0, rows=1)
    array([1.5, 1. ])

    Source: Page (1954), "Continuous inspection schemes", Biometrika 41; Hinkley (1971), Biometrika 58; Hawkins
    (1987), "Self-starting CUSUM charts for location and scale", The Statistician 36, for the estimated mean.
    """
    apart = values - mean
    learned = np.cumsum(apart) / (rows + np.arange(1, values.size + 1))
    centred_values: Floats = values - learned
    return centred_values
