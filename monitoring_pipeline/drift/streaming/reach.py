"""How near a detector came to its limit within a part of a sequence."""

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.cusum import episodes, statistics
from monitoring_pipeline.drift.streaming.page_hinkley import centred
from monitoring_pipeline.drift.streaming.schemes import Side, sides
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings


def largest_reach(
    values: Floats, settings: DetectorSettings, *, baseline: Baseline, first: int, last: int
) -> float | None:
    """The largest statistic of ``values[first:last]`` in units of its limit: 1 or more with an alarm that is not over.

    All values are read, so what came before counts. While an alarm stands the statistic is the one that raised it.
    ``None`` for river's detectors, which do not tell.

    Args:
        values: all present, in the order of time.
        settings: what is wanted.
        baseline: what is normal.
        first: where the part begins.
        last: where it ends; at least one value lies between.

    >>> import numpy as np
    >>> errors = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 1] * 20 + [0, 1] * 20, dtype=np.float64)
    >>> settings = DetectorSettings(detector=Detector.CUSUM, run_length=1000)
    >>> baseline = Baseline(mean=0.1, std=0.3, rows=5000, binary=True)
    >>> [round(largest_reach(errors, settings, baseline=baseline, first=at, last=at + 100), 2) for at in (0, 140)]
    [0.19, 1.12]
    """
    if settings.detector not in (Detector.CUSUM, Detector.PAGE_HINKLEY):
        return None
    read = values if baseline.binary else baseline.deviations(values)
    if settings.detector is Detector.PAGE_HINKLEY:
        read = centred(read, mean=baseline.proportion if baseline.binary else 0.0, rows=baseline.rows)
    found = (_of_side(side, side.increments(read), settings, first, last) for side in sides(baseline, settings))
    return max(found)


def _of_side(side: Side, increments: Floats, settings: DetectorSettings, first: int, last: int) -> float:
    """The largest while the side listens, and what raised the alarms that stand between ``first`` and ``last``."""
    reached, begin = 0.0, 0
    for alarm, statistic, ended in episodes(increments, side.limit, rearm_rows=settings.rearm_rows):
        reached = max(reached, _listening(increments, begin, alarm, first, last))
        over = increments.size if ended is None else ended + 1
        if alarm < last and over > first:
            reached = max(reached, statistic)
        begin = over
    return max(reached, _listening(increments, begin, increments.size, first, last)) / side.limit


def _listening(increments: Floats, begin: int, end: int, first: int, last: int) -> float:
    if begin >= last or end <= first or begin >= end:
        return 0.0
    path = statistics(increments[begin : min(end, last)])
    return float(path[max(first - begin, 0) :].max())
