"""Where a metric goes if it goes on as it did: the line of the trend rules, drawn on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.performance.intervals import student_quantile
from monitoring_pipeline.performance.mergeable.moments import exact_sum
from monitoring_pipeline.performance.trend import FEWEST_WINDOWS, change_along_line
from monitoring_pipeline.performance.values import Estimate
from monitoring_pipeline.reports.bounds import ANY, Bounds, within


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The line through some windows and the windows to come.

    Attributes:
        change: over the windows that the line was drawn through, with its 95 % interval.
        ahead: the windows to come, the next one first; a new window lies within the interval of each in about 95 %
            of cases, as long as nothing happens that did not happen in the windows before.
    """

    change: Estimate
    ahead: tuple[tuple[float, float, float], ...]


def forecast(windows: Sequence[Estimate], *, ahead: int, bounds: Bounds = ANY) -> Forecast | None:
    """The next windows by the least squares line through the last ones, see :func:`.change_along_line`.

    A new window differs from the line as the past ones did (s, from their distances to it), the line's height is known
    to s / √k, and its slope as its change is. With x windows from the middle of the line the interval reaches
    √(noise² + height² + slope²) far, where noise is t · s, height t · s / √k, and slope the change's interval times
    x / (k - 1). Where the windows' own intervals are wider than their scatter, those count instead. Where scatter
    decides, this is the textbook prediction interval of a regression line. Both end where the metric's values do: a
    line knows nothing of that, and an interval loses no new window by it.

    What it cannot see: anything that has not begun, and levels that last; see :func:`.change_along_line`.

    Args:
        windows: the metric of each, the oldest first, evenly apart.
        ahead: how many windows to come.
        bounds: the least and the largest value that the metric can have.

    Returns:
        ``None`` with fewer than ``FEWEST_WINDOWS`` windows, or where a number is beyond the doubles.

    Source: N. R. Draper, H. Smith, "Applied Regression Analysis", 3rd edition, 1998, section 3.1.

    >>> steady = forecast([Estimate(value=value) for value in (5.0, 4.0, 3.0, 2.0)], ahead=1)
    >>> steady.ahead
    ((1.0, 1.0, 1.0),)
    """
    count = len(windows)
    if count < FEWEST_WINDOWS:
        return None
    change = change_along_line(windows)
    if not isinstance(change, Estimate) or change.interval is None:
        return None
    mean = exact_sum([window.value / count for window in windows])
    slope = change.value / (count - 1)
    noise, height = _noise(windows, mean=mean, slope=slope)
    found = []
    for step in range(1, ahead + 1):
        x = (count - 1) / 2 + step
        value = mean + slope * x
        below, above = (
            math.hypot(noise, height, distance * x / (count - 1))
            for distance in (change.value - change.interval.lower, change.interval.upper - change.value)
        )
        found.append((value, value - below, value + above))
    if not all(math.isfinite(number) for point in found for number in point):
        return None
    possible = ((within(value, bounds), within(below, bounds), within(above, bounds)) for value, below, above in found)
    return Forecast(change=change, ahead=tuple(possible))


def _noise(windows: Sequence[Estimate], *, mean: float, slope: float) -> tuple[float, float]:
    """How far one window, and the middle of the line, may lie from where they are drawn."""
    count, middle = len(windows), (len(windows) - 1) / 2
    distance = math.hypot(*(window.value - mean - slope * (i - middle) for i, window in enumerate(windows)))
    scatter = student_quantile(count - 2) * distance / math.sqrt(count - 2)
    widths = [
        window.interval.upper / 2 - window.interval.lower / 2 for window in windows if window.interval is not None
    ]
    if len(widths) < count:
        return scatter, scatter / math.sqrt(count)
    sampling = math.hypot(*widths)
    return max(scatter, sampling / math.sqrt(count)), max(scatter / math.sqrt(count), sampling / count)
