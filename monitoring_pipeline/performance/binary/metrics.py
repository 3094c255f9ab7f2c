"""Metrics of yes/no models: TP, FP, TN, FN are true and false positives and negatives at the model's threshold.

Where a ratio has nothing below its line the answer is a reason; libraries often answer 0 there, which would be
read, and alerted on, as the worst possible model.
"""

import math

from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.intervals import mean_interval, proportion_interval
from monitoring_pipeline.performance.values import Answer, Estimate, UndefinedReason


def accuracy(sums: BinarySums) -> Answer:
    """Share of right answers: (TP + TN) / n. Blind to imbalance: always "no" scores 0.99 on a 1 % event."""
    return _share(sums.true_positives + sums.true_negatives, sums.labelled_count)


def balanced_accuracy(sums: BinarySums) -> Answer:
    """Mean of recall and specificity; 0.5 is guessing, whatever the imbalance."""
    if reason := _one_class(sums):
        return reason
    recalled = sums.true_positives / _actual_positives(sums)
    rejected = sums.true_negatives / _actual_negatives(sums)
    return Estimate(value=(recalled + rejected) / 2)


def precision(sums: BinarySums) -> Answer:
    """Share of yes that is right: TP / (TP + FP). Blind to what the model misses."""
    said_yes = _predicted_positives(sums)
    return _share(sums.true_positives, said_yes) if said_yes else UndefinedReason.NO_POSITIVES_PREDICTED


def recall(sums: BinarySums) -> Answer:
    """Share of positives that is found: TP / (TP + FN). Blind to false alarms."""
    positives = _actual_positives(sums)
    return _share(sums.true_positives, positives) if positives else UndefinedReason.NO_ACTUAL_POSITIVES


def specificity(sums: BinarySums) -> Answer:
    """Share of negatives that is left in peace: TN / (TN + FP)."""
    negatives = _actual_negatives(sums)
    return _share(sums.true_negatives, negatives) if negatives else UndefinedReason.NO_ACTUAL_NEGATIVES


def f1(sums: BinarySums) -> Answer:
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN). Blind to true negatives."""
    below = 2 * sums.true_positives + sums.false_positives + sums.false_negatives
    return Estimate(value=2 * sums.true_positives / below) if below else UndefinedReason.NO_ACTUAL_POSITIVES


def mcc(sums: BinarySums) -> Answer:
    """Matthews correlation of prediction and truth: -1 … 1, 0 is guessing; uses all four counts.

    (TP · TN - FP · FN) / √((TP + FP) (TP + FN) (TN + FP) (TN + FN)); undefined if one of the four is zero.

    Source: B. W. Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme", 1975.
    """
    if reason := _one_class(sums) or _one_answer(sums):
        return reason
    above = sums.true_positives * sums.true_negatives - sums.false_positives * sums.false_negatives
    truth = math.sqrt(_actual_positives(sums) * _actual_negatives(sums))
    answers = math.sqrt(_predicted_positives(sums) * (sums.labelled_count - _predicted_positives(sums)))
    return Estimate(value=max(-1.0, min(1.0, above / truth / answers)))


def log_loss(sums: BinarySums) -> Answer:
    """Mean of -ln(probability given to what happened), clipped at 2.2e-16 like scikit-learn's; 0 is perfect.

    Over the rows with a probability. One confident mistake weighs as much as dozens of doubtful rows.
    """
    if sums.log_score.count == 0:
        return UndefinedReason.NO_PROBABILITIES
    return Estimate(value=sums.log_score.mean, interval=mean_interval(sums.log_score, at_least=0.0))


def brier(sums: BinarySums) -> Answer:
    """Brier score: mean of (probability - actual)², 0 … 1, 0 is perfect. Over the rows with a probability.

    Source: G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    if sums.squared_score.count == 0:
        return UndefinedReason.NO_PROBABILITIES
    interval = mean_interval(sums.squared_score, at_least=0.0, at_most=1.0)
    return Estimate(value=sums.squared_score.mean, interval=interval)


def _share(successes: int, trials: int) -> Estimate:
    return Estimate(value=successes / trials, interval=proportion_interval(successes, trials))


def _actual_positives(sums: BinarySums) -> int:
    return sums.true_positives + sums.false_negatives


def _actual_negatives(sums: BinarySums) -> int:
    return sums.true_negatives + sums.false_positives


def _predicted_positives(sums: BinarySums) -> int:
    return sums.true_positives + sums.false_positives


def _one_class(sums: BinarySums) -> UndefinedReason | None:
    if _actual_positives(sums) == 0:
        return UndefinedReason.NO_ACTUAL_POSITIVES
    return UndefinedReason.NO_ACTUAL_NEGATIVES if _actual_negatives(sums) == 0 else None


def _one_answer(sums: BinarySums) -> UndefinedReason | None:
    if _predicted_positives(sums) == 0:
        return UndefinedReason.NO_POSITIVES_PREDICTED
    return UndefinedReason.NO_NEGATIVES_PREDICTED if _predicted_positives(sums) == sums.labelled_count else None
