"""What one model's day looks like in MLflow, computed from the result tables alone.

Names (hourly series have the hour of the day, 0 to 23, as step; daily values have step 0):

- ``performance/<metric>``, ``operations/<metric>``, ``labels/<metric>``, ``business/<metric>``, ``prediction_count``,
  ``coverage``: per hour;
- the same after ``daily/``: the whole day;
- ``drift/<measure>/<feature>``: the whole day.

They show all traffic (segment ``all``) of the environment ``production``; another environment's names
start with ``environment/<name>/``. Where several model versions share a window, the value shown is of the
version with the most predictions in it; on a day with several versions each is also shown by itself under
``version/<version>/``.

MLflow never forgets a point and shows the one with the latest timestamp, so a point's timestamp is the
start of its window plus one millisecond for each revision that the result has had.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Table, select

from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.tracking.names import OF_TASK, family_of, part
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor

MAIN_ENVIRONMENT = "production"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Point:
    """One value of one MLflow series; ``timestamp`` in milliseconds since the epoch."""

    key: str
    step: int
    value: float
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Which standing rows a content was made from."""

    known_from: int
    row_count: int


NOTHING = Mark(known_from=0, row_count=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayContent:
    """A model's day.

    Args:
        points: sorted, finite, one per key and step; none if no results stand.
        mark: the standing rows behind the points.
        withdrawn: whether a value that once stood has no successor. MLflow cannot take a point back, so
            the run must be made anew.
    """

    points: tuple[Point, ...]
    mark: Mark
    withdrawn: bool

    @property
    def content_hash(self) -> str:
        """Equal contents, equal hash."""
        rows = [(p.key, p.step, p.value, p.timestamp) for p in self.points]
        return hashlib.sha256(orjson.dumps(rows)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """One result row, standing or closed, under the name that it has within its group."""

    name: str
    grain: Grain
    window_start: int
    environment: str
    version: str
    value: float | None
    weight: int  # predictions behind it
    stands: bool

    @property
    def series(self) -> tuple[str, Grain, int, str]:
        return self.name, self.grain, self.window_start, self.environment


def day_contents(connection: Connection, model_id: str, days: Sequence[int]) -> dict[int, DayContent]:
    """The contents of some days of one model, read in one consistent view; days without results are empty.

    Args:
        connection: a reading transaction.
        model_id: the model.
        days: starts of days, microseconds UTC; best close together, for one range is read.
    """
    wanted = set(days)
    facts: dict[int, list[_Fact]] = defaultdict(list)
    marks: dict[int, Mark] = {}
    for table in (metrics, drift_results):
        for row in _rows(connection, table, model_id, min(days), max(days) + DAY_MICROS):
            day = floor(row.window_start, Grain.DAY)
            if day not in wanted:
                continue
            if row.known_to is None:
                mark = marks.get(day, Mark(known_from=row.known_from, row_count=0))
                marks[day] = Mark(known_from=max(mark.known_from, row.known_from), row_count=mark.row_count + 1)
            facts[day] += _metric_facts(row) if table is metrics else _drift_facts(row)
    return {day: _content(facts[day], marks.get(day, NOTHING)) for day in sorted(wanted)}


def _rows(connection: Connection, table: Table, model_id: str, start: int, end: int) -> Iterable[Row[Any]]:
    c = table.c
    # All grains, written out: the tables' indexes have the grain between the model and the window.
    in_windows = (c.grain.in_([grain.value for grain in Grain]), c.window_start >= start, c.window_start < end)
    return connection.execute(select(table).where(c.model_id == model_id, *in_windows, c.segment == "all"))


def _metric_facts(row: Row[Any]) -> Iterator[_Fact]:
    prefix, family = "" if row.grain == Grain.HOUR else "daily/", family_of(row.metric)
    value = _fact(row, f"{prefix}{family}/{part(row.metric)}", row.value, row.prediction_count)
    yield value
    # Only what the model is judged by counts its labels as coverage does: a latency needs none.
    if family != OF_TASK:
        return
    yield replace(value, name=f"{prefix}prediction_count", value=float(row.prediction_count))
    if row.prediction_count:
        yield replace(value, name=f"{prefix}coverage", value=row.labelled_count / row.prediction_count)


def _drift_facts(row: Row[Any]) -> Iterator[_Fact]:
    if row.grain == Grain.DAY:
        yield _fact(row, f"drift/{part(row.measure)}/{part(row.feature)}", row.value, row.n_window)


def _fact(row: Row[Any], name: str, value: float | None, weight: int) -> _Fact:
    return _Fact(
        name=name,
        grain=Grain(row.grain),
        window_start=row.window_start,
        environment=row.environment,
        version=row.model_version,
        value=value if value is not None and math.isfinite(value) else None,
        weight=weight,
        stands=row.known_to is None,
    )


def _content(facts: Sequence[_Fact], mark: Mark) -> DayContent:
    shown = [*facts, *_by_version(facts)]
    groups: dict[tuple[str, Grain, int, str], list[_Fact]] = defaultdict(list)
    for fact in shown:
        groups[fact.series].append(fact)
    points = [_point(group) for group in groups.values()]
    withdrawn = any(
        point is None and any(fact.value is not None for fact in group)
        for point, group in zip(points, groups.values(), strict=True)
    )
    return DayContent(points=tuple(sorted(p for p in points if p is not None)), mark=mark, withdrawn=withdrawn)


def _by_version(facts: Sequence[_Fact]) -> Iterator[_Fact]:
    versions: dict[str, set[str]] = defaultdict(set)
    for fact in facts:
        versions[fact.environment].add(fact.version)
    for fact in facts:
        if len(versions[fact.environment]) > 1:
            yield replace(fact, name=f"version/{part(fact.version)}/{fact.name}")


def _point(group: Sequence[_Fact]) -> Point | None:
    """The value that stands for one series and window, or ``None`` if there is none."""
    standing = [fact for fact in group if fact.stands]
    if not standing:
        return None
    main = max(standing, key=lambda fact: (fact.weight, fact.version, fact.value is not None, fact.value or 0.0))
    if main.value is None:
        return None
    prefix = "" if main.environment == MAIN_ENVIRONMENT else f"environment/{part(main.environment)}/"
    return Point(
        key=prefix + main.name,
        step=main.window_start % DAY_MICROS // HOUR_MICROS,
        value=main.value,
        # Rows are only ever added, so their number grows with each revision.
        timestamp=main.window_start // 1000 + len(group) - 1,
    )
