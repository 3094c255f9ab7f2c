"""New categories: rows of the window in categories that the reference never saw."""

import math
from collections.abc import Mapping

import numpy as np

from monitoring_pipeline.drift.laws.absence import Absence
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Z_POWER, Sizes


def measure(reference: Mapping[str, float], window: Mapping[str, int], *, sizes: Sizes, alpha: float) -> Measurement:
    """The share of the window's rows in categories without a row in the reference, and whether chance explains it.

    In [0, 1]. Names, airports and the like have a long tail, of which every window brings a few that the reference
    happened not to hold. The p-value (:mod:`..laws.absence`) bounds the probability of so many such rows, or of so
    large a single new category; it is valid however rare the categories are, and cautious: on Zipf-distributed
    categories, 20 to 10,000 of them, false alarms in simulation are 0 to 0.9 times alpha from 30 rows up.

    It cannot see a category that is known but has become frequent: the other measures do.

    Args:
        reference: rows per category; not whole if the reference was reweighted.
        window: rows per category.
        sizes: how many independent rows both are worth; below the rows if they come in clusters.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> launch = measure({"a": 600, "b": 400}, {"a": 95, "c": 5}, sizes=Sizes(reference=1000, window=100), alpha=0.001)
    >>> launch.value, launch.p_value < 0.001
    (0.05, True)
    """
    n, m = sum(window.values()), sum(reference.values())
    if min(n, m) <= 0:
        return Measurement(value=0.0, p_value=1.0, noise_limit=0.0, detectable=None)
    names = reference.keys() | window.keys()
    together = np.array([count for name in names if (count := reference.get(name, 0) + window.get(name, 0)) > 0])
    new = [count for name, count in window.items() if reference.get(name, 0) <= 0]
    worth = (sizes.reference + sizes.window) / (n + m)
    absence = Absence.of(together, worth=worth, share=sizes.window / (sizes.reference + sizes.window))
    limit = absence.limit(sizes.level(alpha))
    return Measurement(
        value=sum(new) / n,
        p_value=sizes.p_value(absence.p_value(sum(new) * worth, max(new, default=0) * worth)),
        noise_limit=limit / worth / n,
        detectable=_detectable(limit / worth * (sizes.window / n), sizes.window),
    )


def _detectable(rows: float, window_rows: float) -> float | None:
    """The share that brings at least so many rows, a Poisson number, in 80 % of windows."""
    share = ((Z_POWER + math.sqrt(Z_POWER**2 + 4.0 * rows)) / 2.0) ** 2 / window_rows
    return share if share < 1.0 else None
