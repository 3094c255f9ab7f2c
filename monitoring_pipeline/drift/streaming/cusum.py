"""CUSUM: adds up what speaks for a change and forgets what speaks against it."""

from collections.abc import Iterator

import numpy as np

from monitoring_pipeline.drift.arrays import Floats

_FIRST_CHUNK = 1024
_LARGEST_CHUNK = 1 << 18


def statistics(increments: Floats, *, start: float = 0.0) -> Floats:
    """``s = max(0, s + increment)`` after each increment, from ``start`` on.

    Without a loop: with C the running sum, ``s = C + max(start, -min C)`` over the values so far.

    >>> statistics(np.array([1.0, -3.0, 2.0, 2.0]))
    array([1., 0., 2., 4.])
    """
    total = np.cumsum(increments)
    path: Floats = total + np.maximum(start, -np.minimum.accumulate(total))
    return path


def first_alarm(increments: Floats, limit: float) -> tuple[int | None, float]:
    """Where the statistic first reaches ``limit``, if it does, and the statistic there or at the end."""
    begin, chunk, statistic = 0, _FIRST_CHUNK, 0.0
    while begin < increments.size:
        path = statistics(increments[begin : begin + chunk], start=statistic)
        reached = path >= limit
        hit = int(np.argmax(reached))
        if reached[hit]:
            return begin + hit, float(path[hit])
        begin, chunk, statistic = begin + chunk, min(2 * chunk, _LARGEST_CHUNK), float(path[-1])
    return None, statistic


def episodes(increments: Floats, limit: float, *, rearm_rows: int | None) -> Iterator[tuple[int, float, int | None]]:
    """Each alarm's place, its statistic, and the place where it was seen to be over (``None``: not by the end).

    A change that lasts is one alarm: the side rests until the same sum of the *opposite* increments reaches the same
    limit. So an end needs the same evidence as a beginning, and a level between the two does not flicker. With
    ``rearm_rows`` the side listens again after that many values, whether the change is over or not.
    """
    begin = 0
    while begin < increments.size:
        place, statistic = first_alarm(increments[begin:], limit)
        if place is None:
            return
        alarm = begin + place
        resting = increments[alarm + 1 :] if rearm_rows is None else increments[alarm + 1 : alarm + 1 + rearm_rows]
        over, _ = first_alarm(-resting, limit)
        yield alarm, statistic, None if over is None else alarm + 1 + over
        if over is None and rearm_rows is None:
            return
        begin = alarm + 1 + (resting.size if over is None else over + 1)
