"""Whether labels have stopped: those that came lately against those that should have.

What should have come follows from the curve and the predictions. How far a healthy look-back strays from it is not
Poisson's alone: labels come in batches, not at night, not at weekends. So the history says how quiet it ever was. A
silence counts only if it is a third longer than any that the history shows.

What it cannot see: a silence that comes once a month, in a history of one month; a stop older than half of the history,
which has become the history.
"""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.performance.labels.curve import DelayCurve, learn_curve
from monitoring_pipeline.performance.labels.history import HOUR_SECONDS, SECOND_MICROS, DelayHistory, Floats, Integers

LOOK_BACK_HOURS = (2, 4, 8, 16, 24, 40, 64, 104, 168, 240)
"""Tried from the shortest: a stop is told as soon as the labels' own rhythm allows. 40 h tell a daily batch, 104 h one
that rests at weekends, 240 h a weekly one."""

SILENCES = (0.02, 0.2)
"""Besides, the longest look-back is tried of which at most this share of the expected labels came: so the past that it
is compared with ends where the silence began."""

REFERENCE_SHARE = 0.75
"""The history is asked about look-backs this much shorter: if even those were never so quiet, jitter of the batches is
no explanation. 40 hours are compared with 30, so a daily batch may be six hours late."""

MIN_REFERENCE_HOURS = 7 * 24
"""The history holds a weekend before its quietest hours are trusted."""

STOPPED_BELOW = 0.2
"""Fewer than this share of the expected labels is a stop, if it is also less than half of the quietest look-back."""

STOPPED_P_VALUE = 1e-6
"""Judged every hour for a hundred models, that is about one false alarm a year from chance alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrivals:
    """Labels of one look-back.

    Attributes:
        look_back_seconds: up to the instant of judgement.
        expected: labels that should have become known in it, by the curve as it was learned before.
        seen: labels that did.
        quietest_ratio: the smallest seen / expected of any earlier, somewhat shorter look-back.
        dispersion: variance of seen over its expectation, at least 1: how much more than Poisson's it scatters.
        p_value: of so few labels, if they came as before: Poisson's lower tail at seen / dispersion.
    """

    look_back_seconds: int
    expected: float
    seen: int
    quietest_ratio: float
    dispersion: float
    p_value: float

    @property
    def stopped(self) -> bool:
        """Whether so few labels are both impossible and few."""
        ratio = self.seen / self.expected
        return ratio < min(STOPPED_BELOW, self.quietest_ratio / 2) and self.p_value < STOPPED_P_VALUE


def recent_arrivals(history: DelayHistory, *, at: int) -> Arrivals | None:
    """A look-back in which labels stopped, else the shortest that could have shown a stop.

    Args:
        history: hours with their delays.
        at: the instant of judgement, microseconds UTC.

    Returns:
        ``None`` if no look-back can tell: too little history, too few labels, or none that is due.
    """
    lattice = _Lattice.of(history, at=at)
    tried = {hours: _judged(lattice, hours, at=at) for hours in (*LOOK_BACK_HOURS, *_silences(lattice, at=at))}
    told = [arrivals for _, arrivals in sorted(tried.items()) if arrivals is not None]
    return next((arrivals for arrivals in told if arrivals.stopped), told[0] if told else None)


def _judged(lattice: "_Lattice", hours: int, *, at: int) -> Arrivals | None:
    curve = learn_curve(lattice.history, at=at - hours * HOUR_SECONDS * SECOND_MICROS)
    return _arrivals(lattice, curve, hours) if isinstance(curve, DelayCurve) else None


def _silences(lattice: "_Lattice", *, at: int) -> list[int]:
    """The hours of the longest look-backs, up to the longest that is tried, of which nearly nothing came."""
    curve = learn_curve(lattice.history, at=at)
    if not isinstance(curve, DelayCurve):
        return []
    known, longest = lattice.expected(curve), LOOK_BACK_HOURS[-1]
    expected, seen = (series[-1] - series[-1 - longest : -1][::-1] for series in (known, lattice.seen))
    quiet = [np.flatnonzero(seen < share * expected) for share in SILENCES]
    return [int(hours[-1]) + 1 for hours in quiet if hours.size]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Lattice:
    """Whole hours before the judgement, the last one at it, and how far each hour's labels could have come by then."""

    history: DelayHistory
    rows: Floats  # [instant, cell]: predictions whose labels could have come by then if their delay is within the cell
    seen: Integers  # labels known by each instant

    @classmethod
    def of(cls, history: DelayHistory, *, at: int) -> "_Lattice":
        hour = HOUR_SECONDS * SECOND_MICROS
        steps = int((at - history.starts[0]) // hour) if len(history.starts) else 0
        instants = at - hour * np.arange(steps, -1, -1)
        # An hour that was not looked at since is neither expected to have gained labels nor seen to.
        looked = np.minimum(instants[:, None], history.observed_until[None, :])
        cells = history.cells_within((looked - history.middles()[None, :]) / SECOND_MICROS)
        seen = np.take_along_axis(history.arrived.T, cells, axis=0).sum(axis=1)
        # Rows added up by cell, once: then what each of a dozen curves expects is one small product.
        shape = (len(instants), len(history.bounds_seconds) + 1)
        flat = (cells + np.arange(shape[0])[:, None] * shape[1]).ravel()
        weights = np.broadcast_to(history.prediction_counts, cells.shape).ravel()
        rows = np.bincount(flat, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        return cls(history=history, rows=rows.astype(np.float64), seen=seen)

    def expected(self, curve: DelayCurve) -> Floats:
        """Labels that the curve expects to be known by each instant."""
        known = np.concatenate([[0.0], curve.coverages])
        beyond = np.full(self.rows.shape[1] - len(known), curve.eventual_coverage)
        expected: Floats = self.rows @ np.concatenate([known, beyond])
        return expected


def _arrivals(lattice: _Lattice, curve: DelayCurve, hours: int) -> Arrivals | None:
    known, shorter = lattice.expected(curve), max(round(hours * REFERENCE_SHARE), 1)
    if len(known) <= hours:
        return None
    expected, seen = float(known[-1] - known[-1 - hours]), int(lattice.seen[-1] - lattice.seen[-1 - hours])
    past = slice(0, len(known) - hours)
    past_expected = known[past][shorter:] - known[past][:-shorter]
    past_seen = lattice.seen[past][shorter:] - lattice.seen[past][:-shorter]
    # Of a look-back in which little was due, the ratio is noise.
    comparable = past_expected >= expected * shorter / hours / 2
    if expected <= 0 or np.count_nonzero(comparable) < max(MIN_REFERENCE_HOURS, shorter):
        return None
    usual, came = past_expected[comparable], past_seen[comparable]
    quietest, dispersion = float((came / usual).min()), max(float(((came - usual) ** 2 / usual).mean()), 1.0)
    can_tell = quietest >= 2 * STOPPED_BELOW and _lower_tail(0, expected / dispersion) < STOPPED_P_VALUE
    if not can_tell:
        return None
    return Arrivals(
        look_back_seconds=hours * HOUR_SECONDS,
        expected=expected,
        seen=seen,
        quietest_ratio=quietest,
        dispersion=dispersion,
        p_value=_lower_tail(seen / dispersion, expected / dispersion),
    )


def _lower_tail(count: float, mean: float) -> float:
    """Probability that a Poisson variable of this mean is at most ``count``."""
    from scipy.special import pdtr  # 0.2 s to import: only where labels are judged  # noqa: PLC0415

    return float(pdtr(np.floor(count), mean))
