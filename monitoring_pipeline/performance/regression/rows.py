"""From rows to the regression sums of many groups."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.rows.columns import arrived, floats
from monitoring_pipeline.performance.rows.grouping import Grouping


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
    known = arrived(labelled, ~np.isnan(y), order)
    predictions, unusable = grouping.counts(), grouping.only(known & ~usable).counts()

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
