"""How many windows a stage takes together."""

from collections.abc import Iterable

# Windows of one chunk are read and computed together: enough to amortise each query and each vectorised
# call, few enough that a chunk of a busy model fits in memory.
WINDOWS_PER_CHUNK = 24


def chunks(starts: Iterable[int], size: int = WINDOWS_PER_CHUNK) -> list[list[int]]:
    """Windows in ascending order, split into runs of at most ``size``."""
    ordered = sorted(set(starts))
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]
