"""Forks and the interpreter's end: what a client must do when its process is copied, or is about to be gone."""

import atexit
import multiprocessing
import os
import sys
import weakref
from typing import Protocol

from monitoring_pipeline.client.spool.folder import forget_after_fork


class Ending(Protocol):
    """Something with threads and files."""

    def after_fork(self) -> None:
        """Begin anew in a child."""

    def at_exit(self) -> None:
        """Save what is unsaved, in bounded time."""


_living: "weakref.WeakSet[Ending]" = weakref.WeakSet()


def look_after(client: Ending) -> None:
    """Tell it of forks and of the interpreter's end."""
    _living.add(client)


def look_after_worker() -> None:
    """In a process that multiprocessing forked: it ends without the interpreter's own end, but runs finalizers."""
    if "multiprocessing.util" in sys.modules and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize  # noqa: PLC0415  (only where it is loaded anyway)

        Finalize(None, _at_exit, exitpriority=0)


def _after_fork() -> None:
    forget_after_fork()
    for client in list(_living):
        client.after_fork()


def _at_exit() -> None:
    for client in list(_living):
        client.at_exit()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
