"""How good the model was day by day, how sure that is, how much of the truth is known, and where it goes."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from monitoring_pipeline.config.models import Rule
from monitoring_pipeline.reports.facts import DayValue, Series
from monitoring_pipeline.reports.forecast import Forecast
from monitoring_pipeline.reports.pictures.days import Days, date
from monitoring_pipeline.reports.pictures.scale import Scale, written
from monitoring_pipeline.reports.pictures.svg import (
    LEFT,
    RIGHT,
    WIDTH,
    Point,
    area,
    box,
    dot,
    line,
    path,
    picture,
    text,
)
from monitoring_pipeline.windows import DAY_MICROS

TOP, BOTTOM = 14, 210
COVERAGE_TOP, COVERAGE_BOTTOM = 232, 262
HEIGHT = 286
MOST_SERIES = 4
SMALLEST_TO_LARGEST = 6
"""An interval many times as long as all values are apart is cut off: it would press the values into a line."""


def performance_picture(
    series: Sequence[Series], days: Sequence[int], *, ahead: Forecast | None, rule: Rule | None
) -> Markup:
    """The picture of one metric.

    Args:
        series: by version and environment, the one that predicts most first; the coverage and the forecast are its.
        days: the starts of all days that are shown.
        ahead: the days to come after the last mature one.
        rule: the rule with a bound on the metric.
    """
    main = series[0]
    last_mature = max((day.day for day in main.days if day.is_mature and day.value is not None), default=None)
    coming = [] if ahead is None or last_mature is None else _coming(ahead, last_mature)
    span = [*days, *(day for day, *_ in coming if day > days[-1])]
    axis = Days(starts=span)
    scale = Scale.around(_extent(series, coming, rule), start=BOTTOM, end=TOP)
    parts = [
        *_grid(scale),
        *_bound(scale, rule),
        *(part for index, found in enumerate(series[:MOST_SERIES]) for part in _curve(axis, scale, found, index)),
        *_forecast(axis, scale, coming, main, last_mature),
        *_coverage(axis, main.days),
        *axis.labels(HEIGHT - 4),
    ]
    return picture(parts, height=HEIGHT, about=f"{main.metric} by day, with its interval and the label coverage")


def _coming(ahead: Forecast, last: int) -> list[tuple[int, float, float, float]]:
    return [(last + step * DAY_MICROS, *point) for step, point in enumerate(ahead.ahead, start=1)]


def _extent(
    series: Sequence[Series], coming: Sequence[tuple[int, float, float, float]], rule: Rule | None
) -> list[float]:
    """The values that are to be seen; intervals as far as they do not press them flat."""
    known = [day for found in series[:MOST_SERIES] for day in found.days]
    values = [day.value for day in known if day.value is not None]
    values += [value for _, value, _, _ in coming]
    values += [bound for bound in _bounds(rule) if bound is not None]
    if not values:
        return []
    room = max(max(values) / 2 - min(values) / 2, abs(max(values)) / 100) * SMALLEST_TO_LARGEST
    least, most = min(values) - room, max(values) + room
    edges = [edge for day in known for edge in (day.lower, day.upper) if edge is not None]
    edges += [edge for _, _, lower, upper in coming for edge in (lower, upper)]
    return [*values, *(min(max(edge, least), most) for edge in edges)]


def _bounds(rule: Rule | None) -> tuple[float | None, float | None]:
    return (None, None) if rule is None else (rule.below, rule.above)


def _grid(scale: Scale) -> Iterator[Markup]:
    for tick in scale.ticks():
        y = scale.place(tick)
        yield line((LEFT, y), (WIDTH - RIGHT, y), kind="grid")
        yield text(written(tick), LEFT - 8, y + 4, anchor="end")


def _bound(scale: Scale, rule: Rule | None) -> Iterator[Markup]:
    for bound in _bounds(rule):
        if bound is not None and rule is not None:
            y = scale.place(bound)
            yield line((LEFT, y), (WIDTH - RIGHT, y), kind="bound")
            yield text(rule.id[:40], WIDTH - RIGHT, y - 4, kind="label bad", anchor="end")


def _curve(axis: Days, scale: Scale, series: Series, index: int) -> Iterator[Markup]:
    """The line of one version, broken where a day has no value."""
    for run in _runs(series.days):
        banded = [day for day in run if day.lower is not None and day.upper is not None]
        if len(banded) > 1:
            upper = [(axis.middle(day.day), scale.place(day.upper or 0.0)) for day in banded]
            lower = [(axis.middle(day.day), scale.place(day.lower or 0.0)) for day in banded]
            yield area(upper, lower, kind=f"band s{index}")
        yield path([_point(axis, scale, day) for day in run], kind=f"curve s{index}")
    for day in series.days:
        if day.value is not None:
            kind = f"point s{index}" if day.is_mature else f"point young s{index}"
            yield dot(_point(axis, scale, day), 3.5, kind=kind, tip=_tip(series, day))


def _runs(days: Sequence[DayValue]) -> list[list[DayValue]]:
    """Days one after the other that have a value."""
    runs: list[list[DayValue]] = []
    for day in days:
        if day.value is None:
            continue
        if runs and runs[-1][-1].day == day.day - DAY_MICROS:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _point(axis: Days, scale: Scale, day: DayValue) -> Point:
    assert day.value is not None, "only days with a value are drawn"
    return axis.middle(day.day), scale.place(day.value)


def _tip(series: Series, day: DayValue) -> str:
    assert day.value is not None, "only days with a value are drawn"
    sure = "" if day.lower is None or day.upper is None else f" ({written(day.lower)} to {written(day.upper)})"
    known = "" if day.coverage is None else f", truth of {day.coverage:.0%} known"
    young = "" if day.is_mature else ", labels still expected"
    return f"{date(day.day)} {series.model_version}: {series.metric} {written(day.value)}{sure}{known}{young}"


def _forecast(
    axis: Days, scale: Scale, coming: Sequence[tuple[int, float, float, float]], main: Series, last_mature: int | None
) -> Iterator[Markup]:
    if not coming or last_mature is None:
        return
    lower = [(axis.middle(day), scale.place(low)) for day, _, low, _ in coming]
    upper = [(axis.middle(day), scale.place(high)) for day, _, _, high in coming]
    yield area(upper, lower, kind="band ahead")
    begin = next(_point(axis, scale, day) for day in main.days if day.day == last_mature)
    yield path([begin, *((axis.middle(day), scale.place(value)) for day, value, _, _ in coming)], kind="curve ahead")


def _coverage(axis: Days, days: Sequence[DayValue]) -> Iterator[Markup]:
    scale = Scale(low=0.0, high=1.0, start=COVERAGE_BOTTOM, end=COVERAGE_TOP)
    yield text("truth", LEFT - 8, COVERAGE_TOP + 12, anchor="end")
    yield text("known", LEFT - 8, COVERAGE_TOP + 25, anchor="end")
    for day in days:
        if day.coverage is None:
            continue
        x, width, y = axis.begin(day.day) + 1, axis.width - 2, scale.place(day.coverage)
        yield box(x, COVERAGE_TOP, width, COVERAGE_BOTTOM - COVERAGE_TOP, kind="empty", tip="")
        tip = f"{date(day.day)}: truth of {day.coverage:.0%} known"
        yield box(x, y, width, COVERAGE_BOTTOM - y, kind="known" if day.is_mature else "known young", tip=tip)
