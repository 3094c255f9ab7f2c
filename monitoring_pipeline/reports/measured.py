"""Which days a forecast may be drawn from: those whose truth is in."""

from monitoring_pipeline.performance.values import Estimate, Interval
from monitoring_pipeline.reports.facts import DayValue, Series
from monitoring_pipeline.windows import DAY_MICROS

MOST_DAYS = 14
"""What is older says little of next week."""


def measured_run(series: Series, *, most: int | None = None) -> list[Estimate]:
    """The last days, one after the other, that have a value and complete labels; days that are too young are left out.

    The labels that come first are seldom like the rest: a line through young days would bend with their age.

    Args:
        series: a metric, day by day.
        most: how many days at most; two weeks where not given.
    """
    run: list[DayValue] = []
    for day in reversed(series.days):
        if not run and not (day.is_mature and day.value is not None):
            continue
        if not day.is_mature or day.value is None or (run and run[-1].day != day.day + DAY_MICROS):
            break
        run.append(day)
    found = (estimate_of(day) for day in reversed(run[: most or MOST_DAYS]))
    return [estimate for estimate in found if estimate is not None]


def estimate_of(day: DayValue) -> Estimate | None:
    """A day's value with its interval, if it has one."""
    if day.value is None:
        return None
    if day.lower is None or day.upper is None:
        return Estimate(value=day.value)
    return Estimate(value=day.value, interval=Interval(lower=day.lower, upper=day.upper))
