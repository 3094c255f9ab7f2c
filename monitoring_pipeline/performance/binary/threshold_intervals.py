"""95 % intervals of what is told from the four counts at the threshold, beyond single shares."""

import math

from monitoring_pipeline.performance.delta import fisher_interval, stretched
from monitoring_pipeline.performance.intervals import proportion_interval
from monitoring_pipeline.performance.values import Interval


def f1_interval(true_positives: int, wrong: int) -> Interval | None:
    """F1 = 2J / (1 + J) rises with J = TP / (TP + FP + FN), a share: Wilson's interval of J, transformed.

    Args:
        true_positives: TP.
        wrong: FP + FN.
    """
    jaccard = proportion_interval(true_positives, true_positives + wrong)
    if jaccard is None:
        return None
    return Interval(lower=2 * jaccard.lower / (1 + jaccard.lower), upper=2 * jaccard.upper / (1 + jaccard.upper))


def mean_share_interval(first: tuple[int, int], second: tuple[int, int]) -> Interval | None:
    """The mean of two independent shares, from their Wilson intervals (MOVER: variances recovered from the limits).

    Args:
        first: successes and trials.
        second: successes and trials.

    Returns:
        ``None`` if a share has fewer than two trials.

    Source: G. Zou, A. Donner, "Construction of confidence limits about effect measures: a general approach", 2008.
    """
    a, b = proportion_interval(*first), proportion_interval(*second)
    if a is None or b is None:
        return None
    p, q = first[0] / first[1], second[0] / second[1]
    lower = (p + q - math.hypot(p - a.lower, q - b.lower)) / 2
    upper = (p + q + math.hypot(a.upper - p, b.upper - q)) / 2
    return Interval(lower=max(lower, 0.0), upper=min(upper, 1.0))


def correlation_interval(value: float, *, counts: tuple[int, int, int, int]) -> Interval | None:
    """The correlation of answer and truth: multinomial delta method on Fisher's z, reaching at least to the value.

    Half a row joins each of the four counts first (Haldane, Anscombe): counts of 0 are not proof of 0.

    Args:
        value: the correlation.
        counts: TP, FP, FN, TN.

    Returns:
        ``None`` for fewer than two rows.

    Source: A. Agresti, "Categorical data analysis", 3rd edition, 2013, section 16.1.
    """
    count = sum(counts)
    if count < 2:
        return None
    tp, fp, fn, tn = ((cell + 0.5) / (count + 2) for cell in counts)
    actual, predicted = tp + fn, tp + fp
    centre = (tp * tn - fp * fn) / (_spread(actual) * _spread(predicted))
    cells = ((1, 1, tp), (0, 1, fp), (1, 0, fn), (0, 0, tn))
    variance = math.fsum(
        share * _influence((is_ - actual) / _spread(actual), (says - predicted) / _spread(predicted), centre) ** 2
        for is_, says, share in cells
    )
    return stretched(fisher_interval(centre, math.sqrt(variance / count)), value)


def _spread(share: float) -> float:
    """The standard deviation of a column of 0 and 1."""
    return math.sqrt(share * (1 - share))


def _influence(x: float, y: float, correlation: float) -> float:
    """What one row does to a correlation, from its standardised values; zero on average."""
    return x * y - correlation * (x * x + y * y) / 2
