"""The smallest change that a window of this size would have shown."""

import math

from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.values import Estimate

POWER_QUANTILE = 0.8416212335729143  # standard normal, at 0.80

_CHANGE_PER_HALF_WIDTH = (NORMAL_QUANTILE + POWER_QUANTILE) / NORMAL_QUANTILE


def detectable_change(estimate: Estimate) -> float | None:
    """The smallest true change that shows in 80 % of windows like this one, tested at 5 % two-sided.

    (z.975 + z.80) / z.975 · w with w the wider half of the interval, about 1.43 w: the interval's half is z.975
    standard errors, and a change must be z.975 + z.80 of them away. So silence of a small window is not health.

    What it cannot see: it takes the level compared with as known. Against another window of the same size the
    smallest visible change is √2 times larger. It shares the assumptions of the interval: independent rows.

    Returns:
        In the metric's unit, at least 0; None without an interval or beyond the doubles.

    Source: J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 2nd edition, 1988.

    >>> from monitoring_pipeline.performance.values import Interval
    >>> round(detectable_change(Estimate(value=10.0, interval=Interval(lower=9.0, upper=11.0))), 3)
    1.429
    """
    if estimate.interval is None:
        return None
    wider_half = max(estimate.interval.upper - estimate.value, estimate.value - estimate.interval.lower)
    change = _CHANGE_PER_HALF_WIDTH * wider_half
    return change if math.isfinite(change) else None
