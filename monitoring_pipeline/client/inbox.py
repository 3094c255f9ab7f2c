"""The queue between the caller's threads and ours: bounded in bytes, and never waited for by who puts something in."""

import threading
from collections.abc import Sequence

from monitoring_pipeline.client.events import Kind

# What Python keeps for a line beside its bytes: two objects and their place in a list.
LINE_OVERHEAD_BYTES = 120

Entry = tuple[Kind, bytes]


def weight_bytes(lines: Sequence[bytes]) -> int:
    """The memory that lines take."""
    return sum(map(len, lines)) + len(lines) * LINE_OVERHEAD_BYTES


class Inbox:
    """Lines that nobody has made safe yet.

    What was taken out counts as memory in use until it is released, so the bound holds wherever lines are.

    Args:
        most_bytes: of lines in memory; beyond it further ones are turned away.
        batch_bytes: from here on nobody waits for more before lines are made safe.
    """

    def __init__(self, *, most_bytes: int, batch_bytes: int) -> None:
        # Reentrant: a signal's handler may log while this very thread holds it.
        self._changed = threading.Condition(threading.RLock())
        self._most_bytes = most_bytes
        self._batch_bytes = batch_bytes
        self._entries: list[Entry] = []
        self._used_bytes = 0
        self._entry_bytes = 0
        self.put_count = 0
        self.turned_away_count = 0
        self._spooled_count = 0
        self._closed = False
        self._hurried = False

    def put(self, kind: Kind, line: bytes) -> bool:
        """Add a line; ``False`` if there is no room, or the inbox is closed."""
        size = len(line) + LINE_OVERHEAD_BYTES
        with self._changed:
            if self._closed or self._used_bytes + size > self._most_bytes:
                self.turned_away_count += 1
                return False
            self._entries.append((kind, line))
            self.put_count += 1
            self._used_bytes += size
            self._entry_bytes += size
            if len(self._entries) == 1 or self._entry_bytes - size < self._batch_bytes <= self._entry_bytes:
                self._changed.notify_all()
            return True

    def take(self, *, linger_seconds: float) -> list[Entry]:
        """All that is there, after waiting a little for more to come; nothing once the inbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._closed)
            self._changed.wait_for(self._is_enough, timeout=linger_seconds)
            entries, self._entries, self._entry_bytes = self._entries, [], 0
            self._hurried = False
            return entries

    def spooled(self, entry_count: int) -> None:
        """So many of the entries that were taken out are in the backlog now."""
        with self._changed:
            self._spooled_count += entry_count

    def has_spooled(self, entry_count: int) -> bool:
        """Whether so many entries have reached the backlog."""
        return self._spooled_count >= entry_count

    def release(self, entries_bytes: int) -> None:
        """What was taken is no longer in memory."""
        with self._changed:
            self._used_bytes -= entries_bytes

    def hurry(self) -> None:
        """Let what is there be taken without waiting for more."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more lines."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def used_bytes(self) -> int:
        """Memory in use."""
        return self._used_bytes

    def _is_enough(self) -> bool:
        return self._closed or self._hurried or self._entry_bytes >= self._batch_bytes
