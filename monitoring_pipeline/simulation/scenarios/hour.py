"""The hours of a simulation, counted from the start of monitoring."""

from dataclasses import dataclass

HOURS_PER_DAY = 24
NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4, 5})


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the simulation: 0 is the first that is monitored, -1 the last of the reference; days are UTC.

    >>> Hour(-1, onset=0.0).weekday, Hour(-1, onset=0.0).of_day
    (6, 23)
    >>> Hour(11, onset=0.0).progress(over_days=1.0)
    0.5
    """

    index: int
    onset: float  # hours, from hour 0

    @property
    def after_onset(self) -> bool:
        """Whether the scenario has begun when the hour starts."""
        return self.index >= self.onset

    @property
    def of_day(self) -> int:
        """0 … 23."""
        return self.index % HOURS_PER_DAY

    @property
    def weekday(self) -> int:
        """0 is Monday, on which monitoring starts."""
        return self.index // HOURS_PER_DAY % 7

    def progress(self, over_days: float) -> float:
        """How much of ``over_days`` since the onset has passed when the hour ends: 0 … 1."""
        if not self.after_onset:
            return 0.0
        passed = (self.index + 1 - self.onset) / HOURS_PER_DAY
        return min(passed / over_days, 1.0) if over_days > 0 else 1.0
