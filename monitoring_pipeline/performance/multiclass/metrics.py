"""Metrics of classifiers over named classes, from the confusion counts.

Averages run over the classes that occur in the window, as actual or as predicted; that is scikit-learn's rule.
A class that was never predicted has precision 0, one that never happened has recall 0 (``zero_division=0``):
over a window with rows the average is always defined, and a class that the model forgot pulls it down.
"""

from monitoring_pipeline.performance.intervals import mean_interval, proportion_interval
from monitoring_pipeline.performance.multiclass.averages import f1, macro, precision, recall, weighted
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.values import Answer, Estimate, UndefinedReason


def accuracy(sums: MulticlassSums) -> Answer:
    """Share of rows whose predicted class is the actual one. Blind to classes with few rows."""
    right, n = sums.confusion.correct_count, sums.confusion.count
    return Estimate(value=right / n, interval=proportion_interval(right, n))


def micro_precision(sums: MulticlassSums) -> Answer:
    """Precision over the answers of all classes together; equal to accuracy, as each row has one answer."""
    return accuracy(sums)


def micro_recall(sums: MulticlassSums) -> Answer:
    """Recall over the truths of all classes together; equal to accuracy, as each row has one class."""
    return accuracy(sums)


def micro_f1(sums: MulticlassSums) -> Answer:
    """Harmonic mean of micro precision and micro recall; equal to both, and to accuracy."""
    return accuracy(sums)


def macro_precision(sums: MulticlassSums) -> Answer:
    """Plain mean over classes of correct / predicted: each class counts the same, however rare."""
    return macro(sums.confusion, precision)


def macro_recall(sums: MulticlassSums) -> Answer:
    """Plain mean over classes of correct / actual."""
    return macro(sums.confusion, recall)


def macro_f1(sums: MulticlassSums) -> Answer:
    """Plain mean over classes of 2 · correct / (predicted + actual)."""
    return macro(sums.confusion, f1)


def weighted_precision(sums: MulticlassSums) -> Answer:
    """Mean of the classes' precision, weighted by their actual rows."""
    return weighted(sums.confusion, precision)


def weighted_recall(sums: MulticlassSums) -> Answer:
    """Mean of the classes' recall, weighted by their actual rows; equal to accuracy."""
    return accuracy(sums)


def weighted_f1(sums: MulticlassSums) -> Answer:
    """Mean of the classes' F1, weighted by their actual rows."""
    return weighted(sums.confusion, f1)


def log_loss(sums: MulticlassSums) -> Answer:
    """Mean of -ln(probability given to the actual class), clipped at 2.2e-16; over the rows with probabilities."""
    if sums.log_score.count == 0:
        return UndefinedReason.NO_PROBABILITIES
    return Estimate(value=sums.log_score.mean, interval=mean_interval(sums.log_score, at_least=0.0))
