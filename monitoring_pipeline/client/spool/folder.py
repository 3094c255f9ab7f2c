"""A folder of its own in the spool for each client, and the folders of processes that died.

Who holds the lock in a folder owns it. The lock is the system's (POSIX record locks): it ends with its process however
that ends, and a forked child does not have it. Making folders and taking over those of the dead happen under one more
lock on the whole spool, so that a folder is never seen between its making and its locking.

POSIX locks do not tell the clients of one process from each other; for that there is a list of their own.
"""

import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.client.spool.segments import segments_in, sync_folder

_LOCK = "lock"
_PREFIX = "client-"

_turn = threading.Lock()
_owned_here: set[Path] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFolder:
    """A folder that no other client writes to.

    Args:
        path: the folder.
        lock: descriptor of the lock that is held.
    """

    path: Path
    lock: int

    @classmethod
    def claim(cls, spool: Path) -> "OwnFolder":
        """Make one.

        Raises:
            OSError: if the spool does not take it.
        """
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool = spool.resolve()
        with _alone_in(spool):
            path = spool / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
            path.mkdir(mode=0o700)
            lock = _locked(path)
            _owned_here.add(path)
            sync_folder(spool)
        return cls(path=path, lock=lock)

    def adopt(self) -> list[Path]:
        """Move the segments of dead processes here; where they are now.

        Each is in one folder or the other, whenever this is interrupted.

        Raises:
            OSError: if the disk refuses.
        """
        moved: list[Path] = []
        with _alone_in(self.path.parent):
            for folder in sorted(self.path.parent.glob(f"{_PREFIX}*")):
                if folder not in _owned_here:
                    moved += self._move_from(folder)
        return moved

    def release(self) -> None:
        """Leave it: empty it is removed, else others may adopt what is in it."""
        with _alone_in(self.path.parent):
            if not any(segments_in(self.path)):
                _remove(self.path)
            self.disown()

    def disown(self) -> None:
        """Hold its lock no longer."""
        os.close(self.lock)
        _owned_here.discard(self.path)

    def _move_from(self, folder: Path) -> list[Path]:
        try:
            lock = _locked(folder)
        except BlockingIOError:
            return []  # its owner lives
        try:
            moved = [segment.rename(self.path / segment.name) for segment in segments_in(folder)]
            sync_folder(self.path)
            _remove(folder)
        finally:
            os.close(lock)
        return moved


def forget_after_fork() -> None:
    """In a child: what its parent owns is not its own, and nobody here holds the turn."""
    global _turn  # noqa: PLW0603  (a lock that another thread of the parent held can only be replaced)
    _turn = threading.Lock()
    _owned_here.clear()


def _locked(folder: Path) -> int:
    """The lock of a folder.

    Raises:
        BlockingIOError: if somebody holds it.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BlockingIOError(f"{folder.name} is in use") from error
    return descriptor


def _remove(folder: Path) -> None:
    (folder / _LOCK).unlink(missing_ok=True)
    folder.rmdir()


@contextmanager
def _alone_in(spool: Path) -> Iterator[None]:
    """Nobody else makes or adopts folders of the spool meanwhile."""
    with _turn:
        descriptor = os.open(spool / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
