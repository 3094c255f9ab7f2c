"""Curves for people, and the exact areas of rows: from a histogram or, where the rows are at hand, from the rows."""

from dataclasses import dataclass

import numpy.typing as npt

from monitoring_pipeline.performance.binary.separation import (
    Levels,
    average_precision,
    average_precision_interval,
    roc_area,
    roc_area_interval,
)
from monitoring_pipeline.performance.intervals import proportion_interval
from monitoring_pipeline.performance.mergeable.reliability import BIN_COUNT, ReliabilityBins
from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram
from monitoring_pipeline.performance.values import Answer, Estimate, Interval, UndefinedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityPoint:
    """One bin of a reliability curve.

    Attributes:
        bin_start: lowest probability of the bin.
        bin_end: where the next bin starts; 1 for the last, which holds it.
        count: labelled rows in the bin, at least one.
        mean_probability: what the model promised.
        observed_share: share of the rows that turned out positive.
        interval: Wilson's 95 % interval of that share; None for a single row.
    """

    bin_start: float
    bin_end: float
    count: int
    mean_probability: float
    observed_share: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RocPoint:
    """What a threshold would have done: shares of the negatives and positives that get a yes."""

    false_positive_rate: float
    true_positive_rate: float


def reliability_curve(bins: ReliabilityBins) -> list[ReliabilityPoint]:
    """The bins that have rows, ascending. A calibrated model's points lie on the diagonal, within their intervals."""
    columns = zip(range(BIN_COUNT), bins.counts, bins.positives, bins.probability_sums(), strict=True)
    return [
        ReliabilityPoint(
            bin_start=number / BIN_COUNT,
            bin_end=(number + 1) / BIN_COUNT,
            count=count,
            mean_probability=promised / count,
            observed_share=positives / count,
            interval=proportion_interval(positives, count),
        )
        for number, count, positives, promised in columns
        if count
    ]


def roc_curve_of(scores: ScoreHistogram) -> list[RocPoint] | UndefinedReason:
    """The ROC curve from (0, 0) to (1, 1), one point per cell: exact at the cells' edges and at the threshold."""
    levels = Levels.of_histogram(scores)
    if reason := _one_class(levels):
        return reason
    true, false = (counts[::-1].tolist() for counts in levels.said_yes())
    return [RocPoint(false_positive_rate=0.0, true_positive_rate=0.0)] + [
        RocPoint(false_positive_rate=wrong / levels.negative_count, true_positive_rate=right / levels.positive_count)
        for right, wrong in zip(true, false, strict=True)
    ]


def roc_auc_of_rows(actual: npt.ArrayLike, score: npt.ArrayLike) -> Answer:
    """The exact area under the ROC curve; scikit-learn's ``roc_auc_score``.

    Args:
        actual: 0 or 1.
        score: any finite number; higher speaks for 1.

    Raises:
        ValueError: if an actual is neither 0 nor 1, a score is not finite, or the lengths differ.

    >>> roc_auc_of_rows([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
    0.75
    """
    levels = Levels.of_rows(actual, score)
    if reason := _one_class(levels):
        return reason
    return Estimate(value=roc_area(levels), interval=roc_area_interval(levels))


def average_precision_of_rows(actual: npt.ArrayLike, score: npt.ArrayLike) -> Answer:
    """The exact average precision; scikit-learn's ``average_precision_score``.

    Args:
        actual: 0 or 1.
        score: any finite number; higher speaks for 1.

    Raises:
        ValueError: if an actual is neither 0 nor 1, a score is not finite, or the lengths differ.

    >>> average_precision_of_rows([0, 1, 1], [0.1, 0.4, 0.3]).value
    1.0
    """
    levels = Levels.of_rows(actual, score)
    if reason := _one_class(levels):
        return reason
    return Estimate(value=average_precision(levels), interval=average_precision_interval(levels))


def _one_class(levels: Levels) -> UndefinedReason | None:
    if levels.positive_count + levels.negative_count == 0:
        return UndefinedReason.NO_LABELS
    if levels.positive_count == 0:
        return UndefinedReason.NO_ACTUAL_POSITIVES
    return UndefinedReason.NO_ACTUAL_NEGATIVES if levels.negative_count == 0 else None
