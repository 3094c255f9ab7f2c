"""Instants and windows: UTC inside, integers where they are stored.

An instant is stored as whole microseconds since 1970-01-01 UTC: exact, ordered, the same on SQLite and
PostgreSQL, and free of time zones. A window is half-open, ``[start, end)``, so each event lies in exactly
one hour and one day, whatever the clocks of its producers did on the night of a daylight-saving change.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Grain(StrEnum):
    """The length of a window."""

    HOUR = "hour"
    DAY = "day"

    @property
    def micros(self) -> int:
        """The window's length in microseconds."""
        return HOUR_MICROS if self is Grain.HOUR else DAY_MICROS


class Period(StrEnum):
    """How hours are gathered: by the grains that are stored, or by longer ones that are merged when asked for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # from Monday, 00:00 UTC
    MONTH = "month"
    ALL = "all"  # the whole range that is asked for


SECOND_MICROS = 1_000_000
HOUR_MICROS = 3_600 * SECOND_MICROS
DAY_MICROS = 24 * HOUR_MICROS


def to_micros(instant: datetime) -> int:
    """Whole microseconds since the epoch.

    Raises:
        ValueError: if ``instant`` carries no time zone; a naive instant is a guess.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; give an aware instant")
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC instant that ``to_micros`` came from."""
    return EPOCH + timedelta(microseconds=micros)


@lru_cache(maxsize=65_536)  # thousands of rows are about the same few windows
def isoformat(micros: int) -> str:
    """ISO 8601 in UTC with a ``Z``, as replies and files write it."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def floor(micros: int, grain: Grain) -> int:
    """The start of the window of ``grain`` that holds the instant."""
    return micros - micros % grain.micros


def spans(starts: Iterable[int], grain: Grain) -> list[tuple[int, int]]:
    """Windows as the fewest half-open intervals ``[start, end)`` that hold just them, in order.

    >>> spans([0, 7_200_000_000, 3_600_000_000, 18_000_000_000], Grain.HOUR)
    [(0, 10800000000), (18000000000, 21600000000)]
    """
    found: list[tuple[int, int]] = []
    for start in sorted(set(starts)):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], start + grain.micros)
        else:
            found.append((start, start + grain.micros))
    return found


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One half-open window ``[start, end)`` of a grain, in microseconds UTC."""

    start: int
    grain: Grain

    @property
    def end(self) -> int:
        """The first instant after the window."""
        return self.start + self.grain.micros

    def hours(self) -> Iterator[int]:
        """The starts of the window's hours, in order."""
        return iter(range(self.start, self.end, HOUR_MICROS))

    def __str__(self) -> str:
        return f"{self.grain} {isoformat(self.start)}"
