"""From rows to the binary sums of many groups."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.mergeable.reliability import ReliabilityBins
from monitoring_pipeline.performance.mergeable.score_histogram import NEGATIVE, POSITIVE, UNLABELLED, ScoreHistogram
from monitoring_pipeline.performance.rows.columns import arrived, floats, is_probability, is_yes_or_no, log_score
from monitoring_pipeline.performance.rows.grouping import Grouping


def binary_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    predicted: npt.ArrayLike,
    proba: npt.ArrayLike,
    actual: npt.ArrayLike,
    threshold: float,
    labelled: npt.ArrayLike | None = None,
) -> list[BinarySums]:
    """Each group's binary sums.

    A row says yes if its probability is at least ``threshold``; without a probability its predicted value speaks.
    A labelled row is unusable if its actual, or the predicted value it needs, is neither 0 nor 1, or its probability
    is outside 0 … 1.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        predicted: 0 or 1; NaN where the model logged none.
        proba: probability of the positive class, 0 … 1; NaN where the model logged none.
        actual: 0 or 1; NaN where the truth has not arrived.
        threshold: probability at which the model says yes.
        labelled: rows whose truth has arrived; by default those whose actual is there. Truth of the wrong kind (a
            class name for a number) is no actual here, but it is not missing either: it counts as unusable.

    Raises:
        ValueError: if a row names a group that does not exist.
    """
    grouping, order = Grouping.sorting(codes, group_count)
    value, probability, y = floats(predicted)[order], floats(proba)[order], floats(actual)[order]
    scored = ~np.isnan(probability)
    said = np.where(scored, probability >= threshold, value)
    known = arrived(labelled, ~np.isnan(y), order)
    usable = is_yes_or_no(y) & is_yes_or_no(said) & (~scored | is_probability(probability))
    predictions, unusable = grouping.counts(), grouping.only(known & ~usable).counts()

    tp, fp, tn, fn = (
        grouping.only(usable & (said == says) & (y == is_)).counts() for says, is_ in ((1, 1), (1, 0), (0, 0), (0, 1))
    )
    judged = usable & scored
    counted = judged | (~known & is_probability(probability))
    outcome = np.where(y == 1, POSITIVE, np.where(y == 0, NEGATIVE, UNLABELLED))
    histograms = ScoreHistogram.of_groups(
        grouping.codes[counted],
        group_count,
        probability=probability[counted],
        said_yes=said[counted] == 1,
        outcome=outcome[counted],
    )
    probability, y = probability[judged], y[judged]
    bins = ReliabilityBins.of_groups(grouping.codes[judged], group_count, probability=probability, is_positive=y == 1)
    squared_scores = grouping.only(judged).moments((probability - y) * (probability - y))
    log_scores = grouping.only(judged).moments(log_score(np.where(y == 1, probability, 1 - probability)))
    return [
        BinarySums(
            prediction_count=predictions[group],
            unusable_count=unusable[group],
            true_positives=tp[group],
            false_positives=fp[group],
            true_negatives=tn[group],
            false_negatives=fn[group],
            squared_score=squared_scores[group],
            log_score=log_scores[group],
            scores=histograms[group],
            reliability=bins[group],
        )
        for group in range(group_count)
    ]
