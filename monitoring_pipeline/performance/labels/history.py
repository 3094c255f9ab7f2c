"""Past hours with the delays of their labels: what curves are learned from and present arrivals compared with.

A label's delay is kept in histogram cells, an hour's predictions only by their number. So within an hour rows are
taken as made at its middle where an instant is needed (half an hour off at most), and as young as its end where a
delay must have been observed for certain.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

HOUR_SECONDS = 3_600
SECOND_MICROS = 1_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class HourDelays:
    """What is known of the labels of one hour's predictions.

    Attributes:
        window_start: the hour, microseconds UTC.
        prediction_count: rows of the hour, labelled or not.
        delays: cells ``(upper bound in seconds, labels)`` of the seconds from prediction to first knowledge of truth.
        observed_until: labels that were known by this instant are counted, microseconds UTC.
    """

    window_start: int
    prediction_count: int
    delays: Sequence[tuple[float, int]]
    observed_until: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DelayHistory:
    """Hours in order, their labels counted by delay.

    Attributes:
        starts: each hour's start, microseconds UTC, ascending.
        prediction_counts: each hour's rows.
        observed_until: see :class:`HourDelays`.
        bounds_seconds: the upper bounds of all cells, ascending.
        arrived: labels of hour h with a delay of at most ``bounds_seconds[b - 1]`` in ``arrived[h, b]``; column 0 is 0.
    """

    starts: Integers
    prediction_counts: Integers
    observed_until: Integers
    bounds_seconds: Floats
    arrived: Integers

    @classmethod
    def of(cls, hours: Iterable[HourDelays]) -> Self:
        """The history of these hours; several groups of one hour are added up."""
        together = [_added(groups) for _, groups in sorted(_by_hour(hours).items())]
        bounds = np.array(sorted({bound for hour in together for bound, _ in hour.delays}), dtype=np.float64)
        counts = np.zeros((len(together), len(bounds) + 1), dtype=np.int64)
        column = {bound: index + 1 for index, bound in enumerate(bounds.tolist())}
        for row, hour in enumerate(together):
            for bound, count in hour.delays:
                counts[row, column[bound]] = count
        return cls(
            starts=np.array([hour.window_start for hour in together], dtype=np.int64),
            prediction_counts=np.array([hour.prediction_count for hour in together], dtype=np.int64),
            observed_until=np.array([hour.observed_until for hour in together], dtype=np.int64),
            bounds_seconds=bounds,
            arrived=counts.cumsum(axis=1),
        )

    @property
    def label_count(self) -> int:
        """All labels of the history."""
        return int(self.arrived[:, -1].sum()) if len(self.starts) else 0

    def ends(self) -> Integers:
        """Each hour's end, microseconds UTC."""
        return self.starts + HOUR_SECONDS * SECOND_MICROS

    def middles(self) -> Integers:
        """Each hour's middle, microseconds UTC: where its rows are taken to be."""
        return self.starts + HOUR_SECONDS * SECOND_MICROS // 2

    def ages_seconds(self, at: int) -> Floats:
        """How old the youngest row of each hour was when the hour was last looked at, but not after ``at``."""
        return (np.minimum(self.observed_until, at) - self.ends()) / SECOND_MICROS

    def last_arrival(self) -> int | None:
        """About when the last label became known, microseconds UTC; ``None`` without labels."""
        labelled = self.arrived[:, -1] > 0
        if not labelled.any():
            return None
        # The first cell that counts all labels of its hour is the one of the slowest.
        slowest = (self.arrived[labelled] < self.arrived[labelled, -1:]).sum(axis=1) - 1
        delays = (self.bounds_seconds[slowest] * SECOND_MICROS).astype(np.int64)
        return int((self.middles()[labelled] + delays).max())

    def before(self, at: int) -> "DelayHistory":
        """The hours that had begun by an instant."""
        known = self.starts < at
        return DelayHistory(
            starts=self.starts[known],
            prediction_counts=self.prediction_counts[known],
            observed_until=self.observed_until[known],
            bounds_seconds=self.bounds_seconds,
            arrived=self.arrived[known],
        )

    def cells_within(self, seconds: npt.ArrayLike) -> Integers:
        """How many cells lie wholly within a delay: the column of ``arrived`` that counts its labels."""
        return np.searchsorted(self.bounds_seconds, np.asarray(seconds, dtype=np.float64), side="right").astype(
            np.int64
        )


def _by_hour(hours: Iterable[HourDelays]) -> dict[int, list[HourDelays]]:
    found: dict[int, list[HourDelays]] = {}
    for hour in hours:
        found.setdefault(hour.window_start, []).append(hour)
    return found


def _added(groups: Sequence[HourDelays]) -> HourDelays:
    if len(groups) == 1:
        return groups[0]
    cells: Counter[float] = Counter()
    for group in groups:
        for bound, count in group.delays:
            cells[bound] += count
    return HourDelays(
        window_start=groups[0].window_start,
        prediction_count=sum(group.prediction_count for group in groups),
        delays=sorted(cells.items()),
        observed_until=min(group.observed_until for group in groups),
    )
