"""Which detector, in which direction, and how rarely it may be wrong."""

from dataclasses import dataclass
from enum import StrEnum

LARGEST_RUN_LENGTH = 10_000_000


class Detector(StrEnum):
    """The detectors this package knows."""

    CUSUM = "cusum"
    PAGE_HINKLEY = "page_hinkley"
    ADWIN = "adwin"
    KSWIN = "kswin"
    DDM = "ddm"
    HDDM_A = "hddm_a"
    HDDM_W = "hddm_w"


class Direction(StrEnum):
    """Which way a level moves: of an alarm ``up`` or ``down``, of a wish also ``both``."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"

    @property
    def sides(self) -> tuple["Direction", ...]:
        """The single directions in it."""
        return (Direction.UP, Direction.DOWN) if self is Direction.BOTH else (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSettings:
    """What is wanted of a detector; its own parameters follow from it.

    Attributes:
        detector: which one.
        run_length: mean number of present values between false alarms while nothing changes (ARL0), 20 or more. It is
            shared by both sides. River's detectors know only the run lengths of their table and take the next larger.
        direction: which movements of the values raise an alarm; a fall of accuracy is ``down``, of errors ``up``.
        smallest_change: the change of level that must be seen soon, in standard deviations of the baseline, 0.05
            to 5. CUSUM and Page-Hinkley are tuned to it, and overlook lasting changes of less than half of
            it on purpose. The others ignore it.
        rearm_rows: a change that lasts is reported once. With a number here it is reported again whenever it has
            lasted that many present values since the last alarm and is then found again. CUSUM and Page-Hinkley only.
    """

    detector: Detector
    run_length: int = 10_000
    direction: Direction = Direction.BOTH
    smallest_change: float = 0.5
    rearm_rows: int | None = None

    def __post_init__(self) -> None:
        if not 20 <= self.run_length <= LARGEST_RUN_LENGTH:
            raise ValueError(f"run_length is {self.run_length}; allowed are 20 to {LARGEST_RUN_LENGTH} values")
        if not 0.05 <= self.smallest_change <= 5.0:
            raise ValueError(f"smallest_change is {self.smallest_change}; allowed are 0.05 to 5 standard deviations")
        if self.rearm_rows is not None and self.rearm_rows < 1:
            raise ValueError(f"rearm_rows is {self.rearm_rows}; give at least 1, or None for no repetition")
