"""One answer that anybody may ask for, and that may cost much: computed by one thread, and not again at once."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from monitoring_pipeline.api.present.latest import REST_RATIO, SHORT_SECONDS

T = TypeVar("T")


class Spared(Generic[T]):
    """The last answer to one question; threads may share it.

    Args:
        timer: seconds that only grow.
    """

    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._last: T | None = None
        self._rests_until = 0.0

    def answer(self, compute: Callable[[], T]) -> T:
        """A new answer, or the last one while another thread is at it, or has just been for long.

        Args:
            compute: gives the answer, which is never ``None``.
        """
        last = self._last
        if not self._lock.acquire(blocking=last is None):
            assert last is not None, "whoever has none waits for the lock"
            return last
        try:
            if self._last is None or self._timer() >= self._rests_until:
                self._last = self._computed(compute)
            return self._last
        finally:
            self._lock.release()

    def _computed(self, compute: Callable[[], T]) -> T:
        began = self._timer()
        found = compute()
        ended = self._timer()
        took = ended - began
        self._rests_until = ended + (REST_RATIO * took if took > SHORT_SECONDS else 0.0)
        return found
