"""Many p-values, one budget: the evidence of one feature, and of all features of a window."""

import math
from collections.abc import Sequence

import numpy as np

from monitoring_pipeline.drift.arrays import Floats


def combined_p_value(p_values: Sequence[float]) -> float:
    """One p-value from several that look at the same rows, however dependent.

    ``T = mean of max(0, cot(π p))`` against the Cauchy law: ``p ≈ 1 / (π T)`` for small ones. It is near the smallest
    of the p-values where they agree, and near their number times the smallest where only one speaks, as Bonferroni's
    would be. The part of the Cauchy statistic that is below zero is left out, because a conservative p-value near 1
    would otherwise outweigh the others.

    Returns:
        At most 0.5 if any speaks at all, and 1 if none does.

    >>> round(combined_p_value([0.001, 0.001, 0.001]), 6)
    0.001
    >>> round(combined_p_value([0.001, 1.0, 1.0]), 6)
    0.003

    Source: Liu & Xie (2020), "Cauchy combination test", Journal of the American Statistical Association 115; Fang,
    Chang, Park & Tseng (2023), Statistica Sinica, for leaving out the negative part.
    """
    if not p_values:
        return 1.0
    if min(p_values) <= 0.0:
        return 0.0
    total = sum(_half_cauchy(p) for p in p_values) / len(p_values)
    if total == 0.0:
        return 1.0
    return math.atan(1.0 / total) / math.pi


def _half_cauchy(p_value: float) -> float:
    return 0.0 if p_value >= 0.5 else 1.0 / math.tan(math.pi * p_value)


def false_discovery_rates(p_values: Sequence[float]) -> Floats:
    """Each test's q-value: the share of false alarms among all tests with a p-value at most as large as its own.

    Benjamini & Hochberg: ``q_(i) = min over j >= i of p_(j) · N / j``. Where nothing at all has changed, the
    probability that any q falls to alpha is at most alpha (for p-values that are independent or positively dependent):
    alpha is then the probability of a false alarm of the whole family.

    >>> false_discovery_rates([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]

    Source: Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57(1).
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * values.size / np.arange(1, values.size + 1)
    falling = np.minimum.accumulate(steps[::-1])[::-1]
    rates = np.empty_like(values)
    rates[order] = np.minimum(falling, 1.0)
    return rates
