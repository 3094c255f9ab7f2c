"""What a decomposition says: parts with intervals, segments in order of what they brought, or why there is none."""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.performance.values import Interval


class NotDecomposed(StrEnum):
    """Why a change has no decomposition. A number in its place would be read as a cause."""

    NO_ROWS_BEFORE = "no_rows_before"
    """No row of the earlier window can be judged by this metric."""
    NO_ROWS_AFTER = "no_rows_after"
    """No row of the later window can be judged by this metric."""
    INCOMPLETE_SPLIT = "incomplete_split"
    """The segments do not add up to the whole model: an hour had more values than ``max_segment_values``, or was
    measured before the segment was declared."""
    OVERFLOW = "overflow"
    """A sum or a part is beyond the largest double (1.8e308)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One addend of a change.

    Attributes:
        value: in the unit of the decomposed mean; rounded once from its exact value.
        interval: 95 %, or ``None`` where no window has two rows of one segment.
        significant: whether the part can be told from zero, after Holm's correction for the number of its like.
    """

    value: float
    interval: Interval | None
    significant: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one segment brought to the change. A mean is ``None`` in a window where the segment has no rows.

    Attributes:
        segment: its name.
        count_before: judged rows in the earlier window.
        count_after: judged rows in the later window.
        mean_before: mean of the decomposed quantity in the earlier window.
        mean_after: mean of the decomposed quantity in the later window.
        mix: the change that comes of the segment's share of the rows.
        within: the change that comes of the segment itself.
        total: both together; ``total.value`` is ``mix.value + within.value``.
    """

    segment: str
    count_before: int
    count_after: int
    mean_before: float | None
    mean_after: float | None
    mix: Part
    within: Part
    total: Part


@dataclass(frozen=True, kw_only=True, slots=True)
class Decomposition:
    """A change of a mean, by segment.

    Attributes:
        mean_before: mean of the decomposed quantity in the earlier window.
        mean_after: mean of the decomposed quantity in the later window.
        change: later minus earlier: ``math.fsum`` of the mix and within parts of all segments, to the last bit.
        interval: of the change, 95 %.
        mix: ``math.fsum`` of the mix parts.
        within: ``math.fsum`` of the within parts.
        contributions: the segments, those that brought most first.
        concentration: 0 … 1, how much more of the change falls on segments that can be told from zero than their
            share of the rows; 0 for a change that is spread like the rows, or that nothing can be told of.
    """

    mean_before: float
    mean_after: float
    change: float
    interval: Interval | None
    mix: float
    within: float
    contributions: tuple[Contribution, ...]
    concentration: float
