"""From values to places in a picture: axes that end on round numbers, whatever the values are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

PAD_RATIO = 0.06
LARGEST = 1.7e308  # a little below the largest double, so that a scale has room
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear scale.

    Args:
        low: the value at ``start``.
        high: the value at ``end``.
        start: pixels.
        end: pixels; on a vertical axis above, so less than ``start``.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], *, start: float, end: float) -> "Scale":
        """A scale that holds the values with a little room; of no values, or equal ones, one around them."""
        finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        # Halves: the difference may be beyond the doubles; of the smallest of them it is nothing.
        room = (high / 2 - low / 2) * 2 * PAD_RATIO or abs(low) * 0.1 or 1.0
        return cls(low=max(low - room, -LARGEST), high=min(high + room, LARGEST), start=start, end=end)

    def place(self, value: float) -> float:
        """Where a value is, in pixels to a tenth; what lies outside is drawn at the edge."""
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def ticks(self, *, most: int = 5) -> list[float]:
        """Round numbers within the scale; its ends where there is no room for rounding.

        >>> Scale(low=0.0, high=10.0, start=0, end=1).ticks()
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        """
        step = _round_step(self.high / most - self.low / most)
        if step is None or not math.isfinite(self.high - self.low):
            return [self.low, self.high]
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        if last - first > 2 * most:
            return [self.low, self.high]
        return [number * step for number in range(first, last + 1)]


def _round_step(least: float) -> float | None:
    if not math.isfinite(least) or least < 1e-300:
        return None
    power = 10.0 ** math.floor(math.log10(least))
    step = next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))
    return step if math.isfinite(step) and step > 0 else None


def written(value: float) -> str:
    """A number as a picture writes it.

    >>> written(0.1 + 0.2), written(12345.6), written(0.0)
    ('0.3', '1.235e+04', '0')
    """
    return f"{value:.4g}"
