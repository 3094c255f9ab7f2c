"""The exact law of a distance over few cells: every way the rows may fall, and how probable it is."""

import math

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.laws.tail import Tail
from monitoring_pipeline.drift.laws.urn import Contribution, Urn

_WAYS = 50_000
# Of one cell against the rest. Where counts must be skipped so many are left that the law is as good as continuous.
_POINTS = 4_000
# Sums of equal terms in another order differ by rounding; they are one value.
_SAME = 1e-9
# Steps of the table: a probability is given from above, by at most this share of itself.
_RESOLUTION = 0.02


def tail(urn: Urn, part: Contribution, unit: float, *, points: int = _POINTS) -> Tail | None:
    """The law of ``Σ part / unit``, or ``None`` where there are too many ways to write them all down."""
    counts, weights = urn.grid(points)
    reachable = np.isfinite(weights)
    if math.prod(np.sum(reachable[:-1], axis=1).tolist()) > _WAYS:
        return None
    terms = urn.contributions(part, counts)
    held, logarithms, sums = np.zeros(1), np.zeros(1), np.zeros(1)
    for cell in range(counts.shape[0] - 1):  # the last cell, the largest, gets what is left
        own = reachable[cell]
        held, logarithms, sums = (
            np.add.outer(before, row[cell, own]).ravel()
            for before, row in ((held, counts), (logarithms, weights), (sums, terms))
        )
    rest = urn.drawn - held
    possible = (rest > -0.5) & (rest < urn.totals[-1] + 0.5)
    last = np.clip(rest[possible], 0.0, urn.totals[-1])
    logarithms = logarithms[possible] + urn.weights(last, urn.totals[-1])
    sums = sums[possible] + part(last, urn.totals[-1] - last, urn.drawn, urn.left)
    return _table(sums / unit, logarithms)


def _table(values: Floats, logarithms: Floats) -> Tail:
    order = np.argsort(values, kind="stable")
    ascending, chances = values[order], np.exp(logarithms[order] - np.max(logarithms))
    reached = np.cumsum(chances[::-1])[::-1]
    starts = np.flatnonzero(np.diff(ascending, prepend=-1.0) > _SAME * ascending)
    starts = starts[reached[starts] > 0.0]
    log_reached = np.log(reached[starts] / reached[0])
    kept = _spaced(log_reached)
    return Tail(
        values=ascending[starts][kept] * (1.0 - _SAME), log_probabilities=log_reached[kept], steps=True, slope=0.5
    )


def _spaced(descending: Floats) -> Counts:
    """Positions of the first of all values that share a step of the table, and of the last value."""
    levels = np.floor(descending / -_RESOLUTION)
    return np.union1d(np.flatnonzero(np.diff(levels, prepend=-1.0) > 0), [descending.size - 1])
