"""A lock between processes, for stores that break when several processes make them at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# Making a fresh store takes seconds; whoever waits longer than this has met a dead disk.
LOCK_TIMEOUT_SECONDS = 60


@contextmanager
def alone(file: Path, *, timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
    """Hold the lock of this name while the block runs; whoever else asks for it waits.

    The lock is SQLite's own, so it works on every system and is released if the process dies. It is not
    reentrant.

    Args:
        file: the lock; it and its folder are made, and it stays behind, empty.
        timeout_seconds: longest wait for another holder.

    Raises:
        OSError: if the file cannot be made, or the time is over.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = sqlite3.connect(file, timeout=timeout_seconds, isolation_level=None)
    except sqlite3.Error as error:
        raise _unusable(file, error) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise _unusable(file, error) from error
        yield


def _unusable(file: Path, error: sqlite3.Error) -> OSError:
    return OSError(f"the lock {file} cannot be had: {error}; end what holds it, or make its folder writable")
