"""From rows to the multiclass sums of many groups."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.mergeable.confusion import Confusion
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.performance.rows.columns import arrived, floats, is_probability, is_text, log_score
from monitoring_pipeline.performance.rows.grouping import Grouping


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
            :func:`~monitoring_pipeline.performance.rows.columns.probability_of_actual`); NaN where it logged none.
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
    known = arrived(labelled, is_text(true), order)
    predictions, unusable = grouping.counts(), grouping.only(known & ~usable).counts()

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
