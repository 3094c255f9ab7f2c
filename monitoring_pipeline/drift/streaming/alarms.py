"""What a detector reports."""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.drift.streaming.settings import Direction


class StreamReason(StrEnum):
    """Why a sequence has no answer."""

    NO_VALUES = "no_values"  # empty, or every value is missing
    NOT_BINARY = "not_binary"  # the detector or the baseline is for 0 and 1, and there are other values
    RUN_LENGTH_NOT_CALIBRATED = "run_length_not_calibrated"  # longer than the longest in the detector's table


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A change of level.

    Attributes:
        position: index into the sequence as given, missing values counted, of the value that raised the alarm; the
            change itself lies before it.
        direction: where the level went, up or down.
        statistic: what reached the limit. CUSUM and Page-Hinkley: the sum of excesses, in baseline deviations, or in
            rows for 0/1 values. ADWIN and KSWIN: the step of the mean where it is clearest, in the values' unit, each
            value within 4 deviations of the baseline. ``None``: DDM and HDDM do not say.
        limit: what the statistic was compared with; ``None`` where the detector compares something of its own.
        ended_position: index of the value at which CUSUM or Page-Hinkley saw the change to be over. ``None``: it
            lasts, or the detector is one that takes the new level as normal from then on (all the others).
    """

    position: int
    direction: Direction
    statistic: float | None
    limit: float | None
    ended_position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A detector's answer to a whole sequence.

    Attributes:
        alarms: ascending by position.
        present_count: values that were not missing.
        reason: why nothing could be said; ``None`` if it could. No alarms and no reason: no change was seen.
    """

    alarms: tuple[Alarm, ...]
    present_count: int
    reason: StreamReason | None = None
