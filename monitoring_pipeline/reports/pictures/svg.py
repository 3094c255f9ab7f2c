"""The few shapes that the pictures are made of."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

WIDTH = 760
LEFT, RIGHT = 64, 16
"""Room for the labels of the vertical axis, and for the last point."""

Point = tuple[float, float]


def picture(parts: Iterable[Markup], *, height: float, about: str) -> Markup:
    """A whole picture.

    Args:
        parts: its shapes, from the back to the front.
        height: pixels; the width is the same for all.
        about: what it shows, for whoever cannot see it.
    """
    shapes = Markup("").join(parts)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(WIDTH, height, about, shapes)


def text(words: str, x: float, y: float, *, kind: str = "label", anchor: str = "start") -> Markup:
    """Words at a place."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(x, y, kind, anchor, words)


def line(start: Point, end: Point, *, kind: str) -> Markup:
    """A straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(*start, *end, kind)


def path(points: Sequence[Point], *, kind: str) -> Markup:
    """A line through some points."""
    return Markup('<polyline points="{}" class="{}"/>').format(_written(points), kind)


def area(upper: Sequence[Point], lower: Sequence[Point], *, kind: str) -> Markup:
    """What lies between two lines."""
    return Markup('<polygon points="{}" class="{}"/>').format(_written([*upper, *reversed(lower)]), kind)


def box(x: float, y: float, width: float, height: float, *, kind: str, tip: str) -> Markup:
    """A rectangle that says what it is when it is pointed at."""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="2" class="{}"><title>{}</title></rect>').format(
        round(x, 1), round(y, 1), round(max(width, 0.5), 1), round(max(height, 0.0), 1), kind, tip
    )


def dot(place: Point, radius: float, *, kind: str, tip: str) -> Markup:
    """A point that says what it is when it is pointed at."""
    return Markup('<circle cx="{}" cy="{}" r="{}" class="{}"><title>{}</title></circle>').format(
        *place, radius, kind, tip
    )


def _written(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
