"""One thread for linear algebra and trees."""

from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any


def one_thread() -> AbstractContextManager[object]:
    """A context in which numeric libraries use one thread: another split of a sum is another last digit."""
    limits: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limits


@cache
def _libraries() -> Any:
    # The limit holds for libraries that are loaded already, so scikit-learn is imported before, late: it takes 1 s.
    # Its companion threadpoolctl comes with it. Looking for them takes 10 ms, so it is done once.
    import_module("sklearn.ensemble")
    return import_module("threadpoolctl").ThreadpoolController()
