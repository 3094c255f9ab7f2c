"""How many values pass, on average, before a CUSUM raises an alarm; and which limit makes that a wanted number."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import splu
from scipy.special import ndtr

from monitoring_pipeline.drift.arrays import Floats

STATES = 200
"""Steps between 0 and the limit; 200 of them are within 0.1 % of the published run lengths."""

Distribution = Callable[[Floats], Floats]
"""A distribution function: probability of a value at or below each of the numbers."""


def run_length(distribution: Distribution, *, slack: float, limit: float, shift: float = 0.0) -> float:
    """Mean number of values until ``s = max(0, s + z - slack)``, started at 0, reaches ``limit``.

    A Markov chain on ``STATES`` levels of s: row i of P holds the probabilities to go from level i to each other,
    and the mean times to absorption solve ``(I - P) times = 1``.

    Args:
        distribution: of one value z while nothing has changed.
        slack: k, in the unit of z.
        limit: h, in the unit of z, above 0.
        shift: how far z has moved up.

    >>> round(run_length(ndtr, slack=0.5, limit=5.0))
    931
    >>> round(run_length(ndtr, slack=0.5, limit=5.0, shift=1.0), 1)
    10.4

    Source: Brook & Evans (1972), "An approach to the probability distribution of CUSUM run length", Biometrika 59.
    """
    width = 2.0 * limit / (2 * STATES - 1)  # level 0 is half as wide, as the sum is held there
    edges: Floats = np.arange(-STATES, STATES, dtype=np.float64) + 0.5
    below = distribution(edges * width + slack - shift)  # a step of at most j levels, for each j
    start, end = np.indices((STATES, STATES))
    moves = below[end - start + STATES] - below[end - start + STATES - 1]
    moves[:, 0] = below[STATES - np.arange(STATES)]
    return float(np.linalg.solve(np.eye(STATES) - moves, np.ones(STATES))[0])


def limit_for(distribution: Distribution, *, slack: float, wanted: float) -> float:
    """The smallest limit, to 0.001, at which the run length is at least ``wanted``.

    >>> round(limit_for(ndtr, slack=0.5, wanted=930.9), 1)
    5.0
    """
    low, high = 0.0, 1.0
    while run_length(distribution, slack=slack, limit=high) < wanted:
        low, high = high, 2.0 * high
    while high - low > 0.001:
        middle = (low + high) / 2.0
        if run_length(distribution, slack=slack, limit=middle) < wanted:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=256)
def normal_limit(*, slack: float, wanted: float) -> float:
    """The limit for normal values."""
    return limit_for(ndtr, slack=slack, wanted=wanted)


def empirical(ascending: Floats) -> Distribution:
    """The distribution function of a sample, with one value in a hundred normal: it has not shown all there is."""
    return lambda points: 0.99 * np.searchsorted(ascending, points, side="right") / ascending.size + 0.01 * ndtr(points)


def lattice_run_length(probability: float, *, up: int, down: int, limit: int) -> float:
    """The exact run length of a CUSUM that goes up by ``up`` with ``probability`` and else down by ``down``.

    The alarm comes when the sum is ``limit`` or more; all are whole numbers, so the Markov chain has no rounding.

    >>> lattice_run_length(0.5, up=1, down=1, limit=2)
    6.0

    Source: Reynolds & Stoumbos (1999), "A CUSUM chart for monitoring a proportion when inspecting continuously",
    Journal of Quality Technology 31.
    """
    levels = np.arange(limit)
    rising = levels[: max(0, limit - up)]
    rows = np.concatenate((rising, levels))
    columns = np.concatenate((rising + up, np.maximum(levels - down, 0)))
    moves = csc_array(
        (np.repeat((probability, 1.0 - probability), (rising.size, limit)), (rows, columns)), (limit, limit)
    )
    return float(splu((eye_array(limit) - moves).tocsc()).solve(np.ones(limit))[0])
