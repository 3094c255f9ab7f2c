"""From rows to sums, for many groups in one call.

A row belongs to one group per call; callers ask once for whole models and once per segment column. Neither the
order of the rows nor the company of other groups changes a bit of a group's sums.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.columns import floats, is_probability, is_text, is_yes_or_no, log_score
from monitoring_pipeline.performance.confusion import Confusion
from monitoring_pipeline.performance.grouping import Booleans, Grouping, Integers
from monitoring_pipeline.performance.sums import BinarySums, MulticlassSums, RegressionSums


def regression_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    predicted: npt.ArrayLike,
    actual: npt.ArrayLike,
    labelled: npt.ArrayLike | None = None,
) -> list[RegressionSums]:
    """Each group's regression sums.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        predicted: predicted values; NaN where the model logged no number.
        actual: actual values; NaN where the truth has not arrived.
        labelled: rows whose truth has arrived; by default those whose actual is there. Truth of the wrong kind (a
            class name for a number) is no actual here, but it is not missing either: it counts as unusable.

    Raises:
        ValueError: if a row names a group that does not exist.
    """
    grouping, order = Grouping.sorting(codes, group_count)
    p, y = floats(predicted)[order], floats(actual)[order]
    usable = np.isfinite(p) & np.isfinite(y)
    arrived = _arrived(labelled, ~np.isnan(y), order)
    predictions, unusable = grouping.counts(), grouping.only(arrived & ~usable).counts()

    judged, p, y = grouping.only(usable), p[usable], y[usable]
    nonzero = y != 0
    with np.errstate(over="ignore"):  # an overflow becomes "undefined: overflow"
        error = p - y
        squared = error * error
        percentage = np.abs(error[nonzero] / y[nonzero])
    errors, absolutes, squares = judged.moments(error), judged.moments(np.abs(error)), judged.moments(squared)
    percentages, actuals = judged.only(nonzero).moments(percentage), judged.moments(y)
    zeros = judged.only(~nonzero).counts()
    return [
        RegressionSums(
            prediction_count=predictions[group],
            unusable_count=unusable[group],
            error=errors[group],
            absolute_error=absolutes[group],
            squared_error=squares[group],
            percentage_error=percentages[group],
            actual=actuals[group],
            zero_actual_count=zeros[group],
        )
        for group in range(group_count)
    ]


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
    arrived = _arrived(labelled, ~np.isnan(y), order)
    usable = is_yes_or_no(y) & is_yes_or_no(said) & (~scored | is_probability(probability))
    predictions, unusable = grouping.counts(), grouping.only(arrived & ~usable).counts()

    tp, fp, tn, fn = (
        grouping.only(usable & (said == says) & (y == is_)).counts() for says, is_ in ((1, 1), (1, 0), (0, 0), (0, 1))
    )
    judged = usable & scored
    probability, y = probability[judged], y[judged]
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
        )
        for group in range(group_count)
    ]


def multiclass_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    predicted: Sequence[str | None] | npt.NDArray[np.object_],
    actual: Sequence[str | None] | npt.NDArray[np.object_],
    actual_probability: npt.ArrayLike,
    labelled: npt.ArrayLike | None = None,
) -> list[MulticlassSums]:
    """Each group's multiclass sums.

    A labelled row is unusable if it has no predicted class, or a probability outside 0 … 1.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        predicted: class names; None (or anything but a string) where the model logged none.
        actual: class names; None (or anything but a string) where the truth has not arrived.
        actual_probability: the probability that the model gave to the actual class (see
            :func:`.columns.probability_of_actual`); NaN where it logged none.
        labelled: rows whose truth has arrived; by default those whose actual is there. Truth of the wrong kind (a
            class name for a number) is no actual here, but it is not missing either: it counts as unusable.

    Raises:
        ValueError: if a row names a group that does not exist.
    """
    grouping, order = Grouping.sorting(codes, group_count)
    said, true = np.asarray(predicted, dtype=np.object_)[order], np.asarray(actual, dtype=np.object_)[order]
    probability = floats(actual_probability)[order]
    scored = ~np.isnan(probability)
    usable = is_text(true) & is_text(said) & (~scored | is_probability(probability))
    arrived = _arrived(labelled, is_text(true), order)
    predictions, unusable = grouping.counts(), grouping.only(arrived & ~usable).counts()

    judged = grouping.only(usable).codes.tolist()
    counts: list[Counter[tuple[str, str]]] = [Counter() for _ in range(group_count)]
    for (group, is_, says), n in Counter(zip(judged, true[usable], said[usable], strict=True)).items():
        counts[group][is_, says] = n
    log_scores = grouping.only(usable & scored).moments(log_score(probability[usable & scored]))
    return [
        MulticlassSums(
            prediction_count=predictions[group],
            unusable_count=unusable[group],
            confusion=Confusion.of(counts[group]),
            log_score=log_scores[group],
        )
        for group in range(group_count)
    ]


def _arrived(labelled: npt.ArrayLike | None, has_actual: Booleans, order: Integers) -> Booleans:
    """Rows whose truth has arrived, in the order of the groups."""
    return has_actual if labelled is None else np.asarray(labelled, dtype=np.bool_)[order] | has_actual
