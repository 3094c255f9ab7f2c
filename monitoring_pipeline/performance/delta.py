"""95 % intervals of smooth functions of a confusion table, from the first-order effect of its cells.

The counts of a table with n rows are multinomial; a function g of the cells' shares π has, for large n, the variance
(Σ π h² - (Σ π h)²) / n, where h is the derivative of g by each share (the delta method). Two things make this hold
for few rows too. The interval is made where g is closest to normal (logit of a share, Fisher's z of a correlation) and
brought back. And pseudo-rows join the table first, so that zero errors in ten rows do not pass for certainty: what
Wilson's interval does to a share. The interval is then stretched to hold the value itself.

Sources: A. Agresti, "Categorical data analysis", 3rd edition, 2013, section 16.1 (delta method); A. Agresti,
B. Coull, "Approximate is better than 'exact' for interval estimation of binomial proportions", 1998 (pseudo-rows).
"""

import math

from monitoring_pipeline.performance.intervals import NORMAL_QUANTILE
from monitoring_pipeline.performance.values import Interval


def drawn_to(share: float, other: float, *, count: int, pseudo_rows: float) -> float:
    """The share after ``pseudo_rows`` with the other share have joined the ``count`` rows."""
    return (count * share + pseudo_rows * other) / (count + pseudo_rows)


def logit_interval(centre: float, standard_error: float, *, quantile: float = NORMAL_QUANTILE) -> Interval:
    """centre ± quantile · se on the scale of ln(x / (1 - x)), brought back.

    Args:
        centre: between 0 and 1, both excluded.
        standard_error: of the centre.
        quantile: of the standard normal or of Student's t, at 97.5 %.
    """
    logit = math.log(centre / (1 - centre))
    half_width = quantile * standard_error / (centre * (1 - centre))
    return Interval(lower=_logistic(logit - half_width), upper=_logistic(logit + half_width))


def fisher_interval(centre: float, standard_error: float) -> Interval:
    """centre ± z · se on the scale of artanh x, brought back; for what lies between -1 and 1, both excluded."""
    half_width = NORMAL_QUANTILE * standard_error / (1 - centre * centre)
    z = math.atanh(centre)
    return Interval(lower=math.tanh(z - half_width), upper=math.tanh(z + half_width))


def stretched(interval: Interval, value: float) -> Interval:
    """The interval, reaching at least to the value."""
    return Interval(lower=min(interval.lower, value), upper=max(interval.upper, value))


def _logistic(x: float) -> float:
    # Of a large number, exp would overflow; 1e-304 is as good as 0 here.
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
