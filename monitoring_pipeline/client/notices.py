"""Saying what is wrong once, not for every event: and never from the caller's thread, for logging may write to disk."""

import logging
import threading

_LOG = logging.getLogger("monitoring_pipeline.client")


class Notices:
    """Troubles under way, each told when it begins and, if it can end, when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._untold: list[tuple[int, str]] = []
        self._under_way: set[str] = set()

    def trouble(self, name: str, text: str) -> bool:
        """Something is wrong; told once until it is :meth:`over`. Whether this is the first time."""
        with self._lock:
            if name in self._under_way:
                return False
            self._under_way.add(name)
            self._untold.append((logging.WARNING, text))
            return True

    def over(self, name: str, text: str) -> None:
        """It is right again."""
        with self._lock:
            if name in self._under_way:
                self._under_way.remove(name)
                self._untold.append((logging.INFO, text))

    def tell(self) -> None:
        """Log what is untold; only the client's own threads call this, and who closes the client."""
        with self._lock:
            untold, self._untold = self._untold, []
        for level, text in untold:
            _LOG.log(level, "%s", text)
