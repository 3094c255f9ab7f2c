"""From rows to the regression sums of many groups."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.regression.sums import RegressionSums
from monitoring_pipeline.performance.rows.columns import arrived, floats
from monitoring_pipeline.performance.rows.grouping import Floats, Grouping
from monitoring_pipeline.performance.rows.log_cells import log_histograms


def regression_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    predicted: npt.ArrayLike,
    actual: npt.ArrayLike,
    labelled: npt.ArrayLike | None = None,
    quantile: float | None = None,
) -> list[RegressionSums]:
    """Each group's regression sums.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        predicted: predicted values; NaN where the model logged no number.
        actual: actual values; NaN where the truth has not arrived.
        labelled: rows whose truth has arrived; by default those whose actual is there. Truth of the wrong kind (a
            class name for a number) is no actual here, but it is not missing either: it counts as unusable.
        quantile: the probability, between 0 and 1, whose quantile the model says it predicts; None if it does not.

    Raises:
        ValueError: if there is no such probability, or a row names a group that does not exist.
    """
    if quantile is not None and not 0 < quantile < 1:
        raise ValueError(f"the quantile that a model predicts is between 0 and 1, not {quantile}")
    grouping, order = Grouping.sorting(codes, group_count)
    p, y = floats(predicted)[order], floats(actual)[order]
    usable = np.isfinite(p) & np.isfinite(y)
    known = arrived(labelled, ~np.isnan(y), order)
    predictions, unusable = grouping.counts(), grouping.only(known & ~usable).counts()

    judged, p, y = grouping.only(usable), p[usable], y[usable]
    nonzero = y != 0
    with np.errstate(over="ignore"):  # an overflow becomes "undefined: overflow"
        error = p - y
        size, squared = np.abs(error), error * error
        percentage = np.abs(error[nonzero] / y[nonzero])
    errors, absolutes, squares = judged.moments(error), judged.moments(size), judged.moments(squared)
    percentages = judged.only(nonzero).moments(percentage)
    symmetric = judged.moments(_symmetric_errors(p, y))
    losses = [Moments()] * group_count if quantile is None else judged.moments(_pinball_losses(error, quantile))
    sizes, joint = log_histograms(judged, size), judged.joint_moments(y, squared)
    zeros = judged.only(~nonzero).counts()
    return [
        RegressionSums(
            prediction_count=predictions[group],
            unusable_count=unusable[group],
            error=errors[group],
            absolute_error=absolutes[group],
            squared_error=squares[group],
            percentage_error=percentages[group],
            symmetric_error=symmetric[group],
            pinball_loss=losses[group],
            error_sizes=sizes[group],
            joint=joint[group],
            zero_actual_count=zeros[group],
            quantile_count=0 if quantile is None else predictions[group],
        )
        for group in range(group_count)
    ]


def _symmetric_errors(p: Floats, y: Floats) -> Floats:
    """2 abs(p - y) / (abs(p) + abs(y)), 0 … 2; 0 where both are 0."""
    # Sums of numbers near the largest double overflow, a power of two smaller they do not, and lose no bit that counts.
    scale = np.where(np.maximum(np.abs(p), np.abs(y)) > 2.0**1000, 2.0**-10, 1.0)
    p, y = p * scale, y * scale
    together = np.abs(p) + np.abs(y)
    errors: Floats = 2 * (np.abs(p - y) / np.where(together > 0, together, 1.0))
    return errors


def _pinball_losses(error: Floats, quantile: float) -> Floats:
    with np.errstate(over="ignore"):
        losses: Floats = np.maximum((1 - quantile) * error, -quantile * error)
    return losses
