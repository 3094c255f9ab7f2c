"""Confusion matrices and reliability curves of any period: what classifiers confuse, and what their scores mean."""

from monitoring_pipeline.performance.binary.curves import reliability_curve
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.confusion_matrix import confusion_matrix
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums
from monitoring_pipeline.stages.measuring.periods import Asked, PeriodRow, group_of, merged_periods
from monitoring_pipeline.stages.pipeline import Pipeline


def confusion_rows(pipeline: Pipeline, asked: Asked) -> list[PeriodRow]:
    """The confusion matrix over time: one row per period, group, actual and predicted class.

    Returns:
        ``share`` is the cell's part of the rows of its actual class, ``None`` where there are none. Models that are
        no classifiers have no rows.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    rows: list[PeriodRow] = []
    for merged in merged_periods(pipeline, asked):
        for key, sums in merged.sums.items():
            if not isinstance(sums, BinarySums | MulticlassSums):
                continue
            matrix = confusion_matrix(sums)
            for actual, counts, shares in zip(matrix.classes, matrix.counts, matrix.row_shares(), strict=True):
                rows += [
                    {
                        **group_of(merged, asked.period, key),
                        "actual": actual,
                        "predicted": predicted,
                        "count": count,
                        "share": share,
                    }
                    for predicted, count, share in zip(matrix.classes, counts, shares, strict=True)
                ]
    return rows


def reliability_rows(pipeline: Pipeline, asked: Asked) -> list[PeriodRow]:
    """The reliability curve of yes/no models: for each tenth of the scores, what was promised and what happened.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    return [
        {
            **group_of(merged, asked.period, key),
            "score_from": point.bin_start,
            "score_to": point.bin_end,
            "count": point.count,
            "mean_score": point.mean_probability,
            "observed_share": point.observed_share,
            "lower": point.interval.lower if point.interval else None,
            "upper": point.interval.upper if point.interval else None,
        }
        for merged in merged_periods(pipeline, asked)
        for key, sums in merged.sums.items()
        if isinstance(sums, BinarySums)
        for point in reliability_curve(sums.reliability)
    ]
