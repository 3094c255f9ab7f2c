"""River's detectors, made with their one calibrated parameter."""

import math
from typing import Protocol

from monitoring_pipeline.drift.streaming.settings import Detector

KSWIN_SEED = 20_130_101
KSWIN_WINDOW_ROWS = 200
KSWIN_RECENT_ROWS = 60

_DDM_EXPECTED_ONES = 10
"""DDM waits until so many are expected: judged sooner, a start without any makes the next one an alarm."""


class RiverDetector(Protocol):
    """What is used of river."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""

    def update(self, x: float) -> None:
        """Read one value."""


def make(detector: Detector, parameter: float, *, proportion: float = 0.5) -> RiverDetector:
    """One of river's detectors.

    Args:
        detector: ADWIN (checked at each value), KSWIN (the last 60 values against 60 drawn from the 140 before them),
            DDM, HDDM_A or HDDM_W.
        parameter: as :mod:`.calibrated` gives it.
        proportion: the expected share of ones, in (0, 1); only DDM's warm-up reads it.

    Raises:
        ValueError: for a detector that is not river's.

    Source: Bifet & Gavaldà (2007), ADWIN; Raab, Heusinger & Schleif (2020), KSWIN; Gama et al. (2004), DDM;
    Frías-Blanco et al. (2015), HDDM.
    """
    from river import drift  # heavy: only these detectors need it  # noqa: PLC0415

    match detector:
        case Detector.ADWIN:
            return drift.ADWIN(delta=parameter, clock=1)
        case Detector.KSWIN:
            return drift.KSWIN(
                alpha=parameter, window_size=KSWIN_WINDOW_ROWS, stat_size=KSWIN_RECENT_ROWS, seed=KSWIN_SEED
            )
        case Detector.DDM:
            return drift.binary.DDM(drift_threshold=parameter, warm_start=math.ceil(_DDM_EXPECTED_ONES / proportion))
        case Detector.HDDM_A:
            return drift.binary.HDDMA(drift_confidence=parameter)
        case Detector.HDDM_W:
            return drift.binary.HDDMW(drift_confidence=parameter)
        case _:
            raise ValueError(f"{detector} is not one of river's detectors")
