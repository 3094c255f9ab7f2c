"""How the truth comes: the share of predictions that is labelled at each age, as usual and of late."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from monitoring_pipeline.reports.pictures.scale import Scale
from monitoring_pipeline.reports.pictures.svg import LEFT, RIGHT, WIDTH, Point, area, dot, line, path, picture, text

TOP, BOTTOM = 12, 140
HEIGHT = 164

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def labels_picture(ages: Sequence[Mapping[str, Any]]) -> Markup:
    """The curve of one environment's labels; ages are steps, not a scale, for they go from minutes to weeks.

    Args:
        ages: rows as :class:`.CoverageAtAge`, by age.
    """
    across = Scale(low=0.0, high=float(max(len(ages) - 1, 1)), start=LEFT + 20, end=WIDTH - RIGHT - 20)
    scale = Scale(low=0.0, high=1.0, start=BOTTOM, end=TOP)
    parts = [*_grid(scale), *_expected(across, scale, ages), *_seen(across, scale, ages)]
    parts += [
        text(duration(age["age_seconds"]), across.place(number), HEIGHT - 6, anchor="middle")
        for number, age in enumerate(ages)
    ]
    return picture(parts, height=HEIGHT, about="share of predictions whose truth is known, by age")


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are at least two.

    >>> duration(900), duration(172_800)
    ('15 min', '2 d')
    """
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= 2 * size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def _grid(scale: Scale) -> Iterator[Markup]:
    for share in (0.0, 0.5, 1.0):
        y = scale.place(share)
        yield line((LEFT, y), (WIDTH - RIGHT, y), kind="grid")
        yield text(f"{share:.0%}", LEFT - 8, y + 4, anchor="end")


def _expected(across: Scale, scale: Scale, ages: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    def points(key: str) -> list[Point]:
        shares = [age["expected"] if age[key] is None else age[key] for age in ages]
        return [(across.place(number), scale.place(share)) for number, share in enumerate(shares)]

    yield area(points("upper"), points("lower"), kind="band usual")
    yield path(points("expected"), kind="curve usual")


def _seen(across: Scale, scale: Scale, ages: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    for number, age in enumerate(ages):
        if age["seen"] is not None:
            tip = f"{duration(age['age_seconds'])}: {age['seen']:.1%} of the newest, {age['expected']:.1%} as usual"
            yield dot((across.place(number), scale.place(age["seen"])), 4.5, kind="point s0", tip=tip)
