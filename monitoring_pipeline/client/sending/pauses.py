"""How long to wait before trying again: exponential with full jitter, and never less than the server asks for."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

Jitter = Callable[[float], float]
"""Draws a pause between 0 and the given seconds."""

# A server that asks for more is asked again after this; it will say so once more if it means it.
MOST_RETRY_AFTER_SECONDS = 3_600.0
_MOST_DOUBLINGS = 30


def system_jitter(ceiling_seconds: float) -> float:
    """A uniform draw from the operating system's randomness: processes forked from one draw differently."""
    return random.SystemRandom().uniform(0, ceiling_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Pauses between attempts: a uniform draw below a ceiling that doubles each time.

    Source: M. Brooker, "Exponential Backoff And Jitter", 2015: with a full draw, clients that failed together part.

    >>> longest = Pauses(first_seconds=0.5, most_seconds=60, jitter=lambda ceiling: ceiling)
    >>> [longest.seconds(failures) for failures in (1, 2, 3, 50)]
    [0.5, 1.0, 2.0, 60.0]
    >>> longest.seconds(1, retry_after_seconds=7)
    7.5
    """

    first_seconds: float = 0.5
    most_seconds: float = 60.0
    jitter: Jitter = system_jitter

    def seconds(self, failures: int, *, retry_after_seconds: float | None = None) -> float:
        """The pause after so many failures in a row; what the server asked for comes before it."""
        ceiling = min(self.most_seconds, self.first_seconds * 2 ** min(failures - 1, _MOST_DOUBLINGS))
        asked = min(max(retry_after_seconds or 0.0, 0.0), MOST_RETRY_AFTER_SECONDS)
        return asked + self.jitter(ceiling)


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """What a ``Retry-After`` header asks for, in seconds or as a date; ``None`` if it says nothing.

    >>> retry_after_seconds("120", now=datetime(2026, 3, 2, tzinfo=UTC))
    120.0
    >>> retry_after_seconds("Mon, 02 Mar 2026 00:00:30 GMT", now=datetime(2026, 3, 2, tzinfo=UTC))
    30.0
    """
    written = (header or "").strip()
    if written.isascii() and written.isdigit():
        return float(written[:9])
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
