"""From rows to the label sums of many groups."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.labels.history import SECOND_MICROS
from monitoring_pipeline.performance.labels.sums import LabelSums
from monitoring_pipeline.performance.rows.grouping import Grouping
from monitoring_pipeline.performance.rows.log_cells import log_histograms

NEVER = -1


def label_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    predicted_at: npt.ArrayLike,
    first_known_at: npt.ArrayLike,
    corrected: npt.ArrayLike,
    retracted: npt.ArrayLike,
) -> list[LabelSums]:
    """Each group's label sums.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        predicted_at: event times of the predictions, microseconds UTC.
        first_known_at: when the truth of each row was first known, microseconds UTC; -1 or masked where it never was.
            Truth that was there before its prediction has no delay.
        corrected: rows whose truth changed its value after the first.
        retracted: rows whose truth was taken back and not given again.

    Raises:
        ValueError: if a row names a group that does not exist.
    """
    grouping, order = Grouping.sorting(codes, group_count)
    made = np.asarray(predicted_at, dtype=np.int64)[order]
    known = np.asarray(np.ma.filled(first_known_at, NEVER), dtype=np.int64)[order]
    changed, taken_back = (np.asarray(flags, dtype=np.bool_)[order] for flags in (corrected, retracted))
    ever = known >= 0
    labelled = grouping.only(ever)
    delays = log_histograms(labelled, np.maximum(known[ever] - made[ever], 0) / SECOND_MICROS)
    predictions, corrections = grouping.counts(), grouping.only(ever & changed).counts()
    retractions = grouping.only(ever & taken_back).counts()
    return [
        LabelSums(
            prediction_count=predictions[group],
            unusable_count=0,
            delay_seconds=delays[group],
            corrected_count=corrections[group],
            retracted_count=retractions[group],
        )
        for group in range(group_count)
    ]
