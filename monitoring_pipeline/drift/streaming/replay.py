"""One sequence through one detector."""

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming import adaptive
from monitoring_pipeline.drift.streaming.alarms import Alarm, Replay, StreamReason
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.calibrated import LONGEST_RUN_LENGTH
from monitoring_pipeline.drift.streaming.cusum import episodes
from monitoring_pipeline.drift.streaming.page_hinkley import centred
from monitoring_pipeline.drift.streaming.schemes import sides
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings

_OWN = frozenset({Detector.CUSUM, Detector.PAGE_HINKLEY})


def replay(values: Floats, settings: DetectorSettings, *, baseline: Baseline, before: Floats | None = None) -> Replay:
    """Every change of level in a sequence, from its start: the same sequence gives the same alarms.

    Run lengths hold for values that are independent of each other and come from the baseline. What cannot be seen:
    changes that leave the mean alone (only KSWIN reads the whole distribution), changes that go away within a few
    rows, and, where values follow each other (hour after hour), which changes are more than the usual swing: there
    alarms come more often than ``run_length`` says.

    Args:
        values: in the order of time; NaN is missing and passed over, infinite values are very large ones.
        settings: what is wanted.
        baseline: what is normal.
        before: values that river's detectors read first, without alarms, say the last of the reference. Without them
            0/1 values are preceded by rows in the baseline's proportion, and for other values ADWIN and KSWIN are
            blind for their first rows. CUSUM and Page-Hinkley start from the baseline and do not read them.

    Errors that rise from 1 in 10 to 1 in 2:

    >>> errors = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 1] * 20 + [0, 1] * 20, dtype=np.float64)
    >>> settings = DetectorSettings(detector=Detector.CUSUM, run_length=1000)
    >>> [alarm] = replay(errors, settings, baseline=Baseline(mean=0.1, std=0.3, rows=5000, binary=True)).alarms
    >>> alarm.position, alarm.direction.value, alarm.ended_position
    (211, 'up', None)
    """
    places = np.flatnonzero(~np.isnan(values))
    present = values[places]
    reason = _why_not(present, settings, baseline)
    if reason is not None:
        return Replay(alarms=(), present_count=present.size, reason=reason)
    found = (
        _own(present, settings, baseline)
        if settings.detector in _OWN
        else adaptive.alarms(present, settings, baseline=baseline, before=before)
    )
    return Replay(alarms=tuple(_placed(alarm, places) for alarm in found), present_count=present.size)


def _why_not(present: Floats, settings: DetectorSettings, baseline: Baseline) -> StreamReason | None:
    if present.size == 0:
        return StreamReason.NO_VALUES
    only_binary = settings.detector in adaptive.ONLY_BINARY
    if (only_binary and not baseline.binary) or (baseline.binary and bool(np.any((present != 0) & (present != 1)))):
        return StreamReason.NOT_BINARY
    if settings.detector not in _OWN and settings.run_length > LONGEST_RUN_LENGTH:
        return StreamReason.RUN_LENGTH_NOT_CALIBRATED
    return None


def _own(present: Floats, settings: DetectorSettings, baseline: Baseline) -> list[Alarm]:
    read = present if baseline.binary else baseline.deviations(present)
    if settings.detector is Detector.PAGE_HINKLEY:
        read = centred(read, mean=baseline.proportion if baseline.binary else 0.0, rows=baseline.rows)
    found = [
        Alarm(
            position=position,
            direction=side.direction,
            statistic=statistic / side.unit,
            limit=side.limit / side.unit,
            ended_position=ended,
        )
        for side in sides(baseline, settings)
        for position, statistic, ended in episodes(side.increments(read), side.limit, rearm_rows=settings.rearm_rows)
    ]
    return sorted(found, key=lambda alarm: (alarm.position, alarm.direction))


def _placed(alarm: Alarm, places: NDArray[np.intp]) -> Alarm:
    """The alarm with its positions in the sequence as given."""
    ended = alarm.ended_position
    return Alarm(
        position=int(places[alarm.position]),
        direction=alarm.direction,
        statistic=alarm.statistic,
        limit=alarm.limit,
        ended_position=None if ended is None else int(places[ended]),
    )
