"""Trying again while the store or the brokers are away, as a member of the group that takes no messages."""

from collections.abc import Callable
from typing import TypeVar

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.kafka.polling import Poller

_LONGEST_PAUSE_SECONDS = 30.0
_MOST_DOUBLINGS = 30  # a store that is away for a day must not end in a number beyond the doubles

Tell = Callable[[str], None]
T = TypeVar("T")


class Patience:
    """Tries what needs the store, until it works.

    Args:
        poller: lets the group know meanwhile that this member lives.
        tell: takes a sentence for people about each try that failed.
        first_pause_seconds: until the second try; each further pause is twice as long.
    """

    def __init__(self, poller: Poller, tell: Tell, *, first_pause_seconds: float) -> None:
        self._poller = poller
        self._tell = tell
        self._first_pause_seconds = first_pause_seconds

    def until_done(self, work: Callable[[], T], waiting: str, *, stop: Callable[[], bool]) -> T | None:
        """What ``work`` returns once it works; ``None`` if told to stop before.

        Args:
            work: raises :class:`MonitorError` as long as it cannot be done, and changes nothing then.
            waiting: what waits for it, for people.
            stop: asked all the time.
        """
        failures = 0
        while True:
            try:
                done = work()
                break
            except MonitorError as error:
                failures += 1
                seconds = pause_seconds(failures, first_seconds=self._first_pause_seconds)
                self._tell(f"{waiting} wait, reading is paused, next try in {seconds:g} s: {error}")
                if not self._poller.wait(seconds, stop):
                    return None
        if failures:
            self._poller.go_on()
            self._tell("the store is back; reading goes on")
        return done


def pause_seconds(failures: int, *, first_seconds: float) -> float:
    """How long to wait after so many failures in a row: twice as long each time, half a minute at most.

    >>> [pause_seconds(failures, first_seconds=1.0) for failures in (1, 2, 2_000)]
    [1.0, 2.0, 30.0]
    """
    return min(_LONGEST_PAUSE_SECONDS, first_seconds * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
