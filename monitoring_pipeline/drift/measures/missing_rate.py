"""Missing rate: whether values are missing more or less often than in the reference."""

import numpy as np

from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.measures import total_variation
from monitoring_pipeline.drift.sizes import Sizes


def measure(
    *,
    reference_missing: float,
    reference_rows: float,
    window_missing: int,
    window_rows: int,
    sizes: Sizes,
    alpha: float,
) -> Measurement:
    """The difference between two samples' shares of missing values, with its noise at these sizes.

    ``|a/n - b/m|``, in [0, 1]: 0.05 means that values are missing in five more, or five fewer, rows of a hundred.
    The p-value is exact: with independent rows the missing ones of the window are hypergeometric, and it is the
    probability of a difference at least as large to either side; false alarms never exceed alpha (simulated: 0.3 to
    1.0 times alpha, less where only few counts are possible).

    It cannot see which rows are missing their values: a rate that stays the same may hide a new cause.

    Args:
        reference_missing: rows of the reference without a value; not whole if the reference was reweighted.
        reference_rows: all rows of the reference, at least one.
        window_missing: rows of the window without a value.
        window_rows: all rows of the window, at least one.
        sizes: how many independent rows both are worth; below the rows if they come in clusters.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> outage = measure(
    ...     reference_missing=10, reference_rows=1000, window_missing=9, window_rows=100,
    ...     sizes=Sizes(reference=1000, window=100), alpha=0.001,
    ... )
    >>> round(outage.value, 2), outage.p_value < 0.001, round(outage.noise_limit, 3)
    (0.08, True, 0.058)

    Source: Fisher (1934), "Statistical Methods for Research Workers"; Agresti (2013), chapter 3.
    """
    return total_variation.measure(
        np.array([reference_missing, reference_rows - reference_missing]),
        np.array([window_missing, window_rows - window_missing]),
        sizes=sizes,
        alpha=alpha,
    )
