"""Metrics of classifiers over named classes, from the confusion counts.

Averages run over the classes that occur in the window, as actual or as predicted; that is scikit-learn's rule.
A class that was never predicted has precision 0, one that never happened has recall 0 (``zero_division=0``):
over a window with rows the average is always defined, and a class that the model forgot pulls it down.
"""

import math
from collections.abc import Callable

from monitoring_pipeline.performance.intervals import mean_interval, proportion_interval
from monitoring_pipeline.performance.mergeable.confusion import ClassCounts
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.values import Answer, Estimate, UndefinedReason

ClassScore = Callable[[ClassCounts], float]


def accuracy(sums: MulticlassSums) -> Answer:
    """Share of rows whose predicted class is the actual one. Blind to classes with few rows."""
    right, n = sums.confusion.correct_count, sums.confusion.count
    return Estimate(value=right / n, interval=proportion_interval(right, n))


def macro_precision(sums: MulticlassSums) -> Answer:
    """Plain mean over classes of correct / predicted: each class counts the same, however rare."""
    return _macro(sums, _precision)


def macro_recall(sums: MulticlassSums) -> Answer:
    """Plain mean over classes of correct / actual."""
    return _macro(sums, _recall)


def macro_f1(sums: MulticlassSums) -> Answer:
    """Plain mean over classes of 2 · correct / (predicted + actual)."""
    return _macro(sums, _f1)


def weighted_precision(sums: MulticlassSums) -> Answer:
    """Mean of the classes' precision, weighted by their actual rows."""
    return _weighted(sums, _precision)


def weighted_recall(sums: MulticlassSums) -> Answer:
    """Mean of the classes' recall, weighted by their actual rows; equal to accuracy."""
    return _weighted(sums, _recall)


def weighted_f1(sums: MulticlassSums) -> Answer:
    """Mean of the classes' F1, weighted by their actual rows."""
    return _weighted(sums, _f1)


def log_loss(sums: MulticlassSums) -> Answer:
    """Mean of -ln(probability given to the actual class), clipped at 2.2e-16; over the rows with probabilities."""
    if sums.log_score.count == 0:
        return UndefinedReason.NO_PROBABILITIES
    return Estimate(value=sums.log_score.mean, interval=mean_interval(sums.log_score, at_least=0.0))


def _macro(sums: MulticlassSums, score: ClassScore) -> Estimate:
    scores = [score(counts) for counts in sums.confusion.by_class()]
    return Estimate(value=math.fsum(scores) / len(scores))


def _weighted(sums: MulticlassSums, score: ClassScore) -> Estimate:
    weighted = [counts.actual * score(counts) for counts in sums.confusion.by_class()]
    return Estimate(value=math.fsum(weighted) / sums.confusion.count)


def _precision(counts: ClassCounts) -> float:
    return counts.correct / counts.predicted if counts.predicted else 0.0


def _recall(counts: ClassCounts) -> float:
    return counts.correct / counts.actual if counts.actual else 0.0


def _f1(counts: ClassCounts) -> float:
    return 2 * counts.correct / (counts.predicted + counts.actual)
