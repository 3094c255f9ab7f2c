"""From the values of rows to the business sums of many groups."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.business.sums import BusinessSums
from monitoring_pipeline.performance.mergeable.covariance import Covariance
from monitoring_pipeline.performance.rows.columns import arrived, floats
from monitoring_pipeline.performance.rows.grouping import Floats, Grouping


def business_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    value: npt.ArrayLike,
    labelled: npt.ArrayLike | None = None,
    satisfaction: npt.ArrayLike | None = None,
    baseline: float = 0.0,
) -> list[BusinessSums]:
    """Each group's business sums.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        value: what each row was worth (see :mod:`.values`, :mod:`.ranking`); NaN where it is not judged. An infinite
            value stands for one beyond the doubles.
        labelled: rows whose truth has arrived; by default those with a value. A labelled row without a value counts
            as unusable.
        satisfaction: what the value is correlated with; NaN where it was not given. ``None`` if it is not declared.
        baseline: what one row would be worth without the model.

    Raises:
        ValueError: if a row names a group that does not exist.
    """
    grouping, order = Grouping.sorting(codes, group_count)
    worth = floats(value)[order]
    judged = ~np.isnan(worth)
    known = arrived(labelled, judged, order)
    predictions, unusable = grouping.counts(), grouping.only(known & ~judged).counts()
    with np.errstate(over="ignore"):  # an overflow becomes "undefined: overflow"
        saved = worth[judged] - baseline
    values, savings = grouping.only(judged).moments(worth[judged]), grouping.only(judged).moments(saved)
    pleased = np.full(len(worth), np.nan) if satisfaction is None else floats(satisfaction)[order]
    carried, both = grouping.only(np.isfinite(pleased)).counts(), np.isfinite(worth) & np.isfinite(pleased)
    pairs = _covariances(grouping.only(both), worth[both], pleased[both])
    return [
        BusinessSums(
            prediction_count=predictions[group],
            unusable_count=unusable[group],
            value=values[group],
            saving=savings[group],
            satisfaction=pairs[group],
            satisfaction_count=carried[group],
        )
        for group in range(group_count)
    ]


def _covariances(grouping: Grouping, first: Floats, second: Floats) -> list[Covariance]:
    """Each group's covariance of two columns of finite numbers."""
    firsts, seconds = grouping.moments(first), grouping.moments(second)
    mean_of_first, mean_of_second = (np.array([each.mean for each in moments]) for moments in (firsts, seconds))
    with np.errstate(over="ignore", invalid="ignore"):
        products = (first - mean_of_first[grouping.codes]) * (second - mean_of_second[grouping.codes])
    columns = zip(firsts, seconds, grouping.totals(products), strict=True)
    return [Covariance.of(first=x, second=y, shared=shared) for x, y, shared in columns]
