"""How a model served: how fast, how much, how sure of itself, with what resources.

Over all predictions, with or without truth; what no row carries is absent.
"""

from collections.abc import Mapping
from functools import lru_cache

from monitoring_pipeline.performance.intervals import CONFIDENCE, mean_interval, proportion_interval
from monitoring_pipeline.performance.operations.sums import OperationsSums
from monitoring_pipeline.performance.quantiles import quantile_estimate
from monitoring_pipeline.performance.values import Answer, Estimate, Interval


def latency_mean_ms(sums: OperationsSums) -> Answer | None:
    """Mean latency: Σ latency / n, milliseconds. A few slow answers can rule it; few users see it."""
    sample = sums.latency_ms
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0)) if sample.count else None


def latency_p50_ms(sums: OperationsSums) -> Answer | None:
    """Median latency, milliseconds: half of the answers came no later. Blind to the slow half."""
    return _latency_quantile(sums, 0.50)


def latency_p95_ms(sums: OperationsSums) -> Answer | None:
    """Latency that 95 % of the answers did not exceed, milliseconds, within 1 %. Blind to how slow the rest were."""
    return _latency_quantile(sums, 0.95)


def latency_p99_ms(sums: OperationsSums) -> Answer | None:
    """Latency that 99 % of the answers did not exceed, milliseconds, within 1 %. No interval below 368 answers."""
    return _latency_quantile(sums, 0.99)


def predictions_per_second(sums: OperationsSums) -> Answer:
    """Throughput while in use: predictions / seconds of the hours in which the group predicted.

    Blind to idle hours, which have no sums: in a day it is the load of the hours in use, the same whether the day is
    over or not. Predictions / length of the day is the calendar's rate. Interval of a Poisson rate: it takes
    predictions to come one by one; where they come in bursts the true uncertainty is larger.
    """
    count, seconds = sums.prediction_count, sums.window_seconds
    expected = poisson_interval(count)
    interval = Interval(lower=expected.lower / seconds, upper=expected.upper / seconds)
    return Estimate(value=count / seconds, interval=interval)


def average_confidence(sums: OperationsSums) -> Answer | None:
    """Mean confidence, 0 … 1, over the rows that carry one. Says how sure the model is, not how right."""
    sample = sums.confidence
    if not sample.count:
        return None
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0, at_most=1.0))


def low_confidence_rate(sums: OperationsSums) -> Answer | None:
    """Share of the rows with a confidence whose confidence is below what the model declares as low."""
    low, count = sums.low_confidence_count, sums.confidence.count
    return Estimate(value=low / count, interval=proportion_interval(low, count)) if count else None


def resource_metrics(sums: OperationsSums) -> Mapping[str, Answer]:
    """For each resource the mean and the largest of its samples, in the unit of the events.

    Samples close in time are alike: the mean's true uncertainty is larger than its interval. A largest value is of
    this window alone and has none.
    """
    found: dict[str, Answer] = {}
    for name, sample in sums.resources.items:
        found[f"{name}_mean"] = Estimate(value=sample.mean, interval=mean_interval(sample))
        found[f"{name}_max"] = Estimate(value=sample.highest)
    return found


@lru_cache(maxsize=65_536)
def poisson_interval(count: int) -> Interval:
    """Exact interval of the mean of a Poisson count; holds in at least 95 % of windows, also for a count of 0.

    Half the 2.5 % quantile of chi² with 2 n degrees of freedom, and half the 97.5 % one with 2 n + 2.

    Source: F. Garwood, "Fiducial limits for the Poisson distribution", 1936.
    """
    from scipy.special import gammaincinv  # 0.2 s to import: only when a metric is computed  # noqa: PLC0415

    tail = (1 - CONFIDENCE) / 2
    lower = float(gammaincinv(count, tail)) if count else 0.0  # half a chi² of 2 n is a gamma of n
    return Interval(lower=lower, upper=float(gammaincinv(count + 1, 1 - tail)))


def _latency_quantile(sums: OperationsSums, probability: float) -> Answer | None:
    return quantile_estimate(sums.latency_histogram, probability) if sums.latency_histogram.count else None
