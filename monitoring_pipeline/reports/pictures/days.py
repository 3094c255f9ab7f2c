"""The horizontal axis that the pictures of days share, so that one day is above the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monitoring_pipeline.reports.pictures.svg import LEFT, RIGHT, WIDTH, text
from monitoring_pipeline.windows import DAY_MICROS, from_micros

MOST_LABELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Days side by side.

    Args:
        starts: of each day, microseconds UTC, the oldest first, without gaps.
        left: where the first one begins, pixels.
    """

    starts: Sequence[int]
    left: float = LEFT

    @property
    def width(self) -> float:
        """Of one day, pixels."""
        return (WIDTH - RIGHT - self.left) / max(len(self.starts), 1)

    def begin(self, day: int) -> float:
        """Where a day begins, pixels."""
        return round(self.left + (day - self.starts[0]) / DAY_MICROS * self.width, 1)

    def middle(self, day: int) -> float:
        """The middle of a day, pixels."""
        return round(self.begin(day) + self.width / 2, 1)

    def labels(self, y: float) -> Iterator[Markup]:
        """Dates under some of the days, the last one among them."""
        step = -(-len(self.starts) // MOST_LABELS)
        for day in reversed(self.starts[::-1][::step]):
            yield text(date(day), self.middle(day), y, anchor="middle")


def date(day: int) -> str:
    """Month and day.

    >>> date(1_772_452_800_000_000)
    '03-02'
    """
    return f"{from_micros(day):%m-%d}"
