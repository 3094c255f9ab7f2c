"""River's detectors: they compare recent values with earlier ones of the sequence, and take a new level as normal."""

from collections.abc import Iterator

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming.alarms import Alarm
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.calibrated import parameter_for
from monitoring_pipeline.drift.streaming.river_detectors import KSWIN_WINDOW_ROWS, RiverDetector, make
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings, Direction

ONLY_BINARY = frozenset({Detector.DDM, Detector.HDDM_A, Detector.HDDM_W})
"""They see a rising share of ones only; a falling one is found by a second copy that reads zeros as ones."""

LARGEST_WARM_UP = 1000
"""Rows of the baseline that a detector of 0/1 values is made to read first."""

_SMALLEST_BINARY_SCALE = 0.3
"""Spread of one in ten: rarer ones, in their own spread, would lie so far out that ADWIN takes a few for a change."""


def alarms(
    values: Floats, settings: DetectorSettings, *, baseline: Baseline, before: Floats | None = None
) -> list[Alarm]:
    """The alarms of a sequence without missing values, ascending; positions count from its start.

    River's detectors start anew after each alarm, from the next value on: a lasting change is reported once, and its
    end is a change of its own, in the other direction.

    Args:
        values: present; only 0 and 1 if the baseline is of such.
        settings: of one of river's detectors.
        baseline: gives numbers their scale.
        before: what is read first, without alarms; missing values in it are passed over.
    """
    first = _warm_up(baseline) if before is None else before[~np.isnan(before)]
    fed = np.concatenate((first, values))
    if settings.detector in ONLY_BINARY:
        found = [alarm for side in settings.direction.sides for alarm in _one_sided(fed, side, settings, baseline)]
    else:
        found = list(_two_sided(fed, settings, baseline))
    kept = [
        Alarm(position=alarm.position - first.size, direction=alarm.direction, statistic=alarm.statistic, limit=None)
        for alarm in found
        if alarm.position >= first.size and alarm.direction in settings.direction.sides
    ]
    return sorted(kept, key=lambda alarm: (alarm.position, alarm.direction))


def _warm_up(baseline: Baseline) -> Floats:
    """Rows of 0 and 1 in the baseline's proportion, evenly spread; of other values the order is not known."""
    if not baseline.binary:
        return np.empty(0)
    counts = np.floor(np.arange(min(baseline.rows, LARGEST_WARM_UP) + 1) * baseline.proportion + 0.5)
    return np.diff(counts)


def _one_sided(fed: Floats, side: Direction, settings: DetectorSettings, baseline: Baseline) -> Iterator[Alarm]:
    proportion = baseline.proportion if side is Direction.UP else 1.0 - baseline.proportion
    # Rates of false alarms add up, so each of two sides gets twice the run length.
    wanted = settings.run_length * len(settings.direction.sides)
    parameter = parameter_for(settings.detector, run_length=wanted, proportion=proportion)
    read = fed if side is Direction.UP else 1.0 - fed
    for position in _positions(read, make(settings.detector, parameter, proportion=proportion)):
        yield Alarm(position=position, direction=side, statistic=None, limit=None)


def _two_sided(fed: Floats, settings: DetectorSettings, baseline: Baseline) -> Iterator[Alarm]:
    # ADWIN's bound is for numbers whose range is not far above 1; KSWIN reads ranks, which no scale changes.
    scale = max(baseline.spread, _SMALLEST_BINARY_SCALE) if baseline.binary else baseline.spread
    read = fed / scale if baseline.binary else baseline.deviations(fed)
    parameter = parameter_for(settings.detector, run_length=settings.run_length, proportion=baseline.proportion)
    detector, start = make(settings.detector, parameter), 0
    for position in _positions(read, detector):
        # KSWIN knows no more than its window; ADWIN may hold all since its last alarm.
        known = KSWIN_WINDOW_ROWS if settings.detector is Detector.KSWIN else position + 1
        moved = _largest_step(read[max(start, position + 1 - known) : position + 1]) * scale
        direction = Direction.UP if moved >= 0.0 else Direction.DOWN
        yield Alarm(position=position, direction=direction, statistic=abs(moved), limit=None)
        start = position + 1


def _largest_step(values: Floats) -> float:
    """Mean after less mean before the place where the two differ most, in standard errors."""
    before = np.arange(1, values.size)
    after = values.size - before
    sums = np.cumsum(values)
    steps = (sums[-1] - sums[:-1]) / after - sums[:-1] / before
    clearest = int(np.argmax(np.abs(steps) * np.sqrt(before * after)))
    return float(steps[clearest])


def _positions(read: Floats, detector: RiverDetector) -> Iterator[int]:
    for position, value in enumerate(read.tolist()):
        detector.update(value)
        if detector.drift_detected:
            yield position
