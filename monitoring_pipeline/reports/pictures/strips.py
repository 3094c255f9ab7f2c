"""Days as cells, a row for each subject: which features drifted when, and which alerts stood when."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.reports.facts import DriftDay
from monitoring_pipeline.reports.pictures.days import Days, date
from monitoring_pipeline.reports.pictures.scale import written
from monitoring_pipeline.reports.pictures.svg import box, picture, text
from monitoring_pipeline.windows import Grain, floor, to_micros

ROW_HEIGHT = 20
NAMES_WIDTH = 190
MOST_ROWS = 24
LONGEST_NAME = 28

_SEVERITIES = ("critical", "warning", "info")


def drift_picture(drift: Mapping[tuple[str, str], Mapping[int, DriftDay]], days: Sequence[int]) -> Markup:
    """A row for each feature and output; those that drifted most often first."""
    counts = {subject: sum(day.verdict == "drift" for day in found.values()) for subject, found in drift.items()}
    subjects = sorted(drift, key=lambda subject: (-counts[subject], subject))[:MOST_ROWS]
    axis = Days(starts=days, left=NAMES_WIDTH)
    parts = [
        part
        for row, subject in enumerate(subjects)
        for part in _row(axis, row, subject[1], _drift_cells(drift[subject], subject))
    ]
    return _strip(axis, parts, len(subjects), about="which features drifted on which day")


def alerts_picture(alerts: Sequence[Mapping[str, Any]], days: Sequence[int]) -> Markup:
    """A row for each rule; of several alerts of one day the worst that stands."""
    rules: dict[str, dict[int, list[Mapping[str, Any]]]] = {}
    for alert in alerts:
        day = floor(to_micros(datetime.fromisoformat(alert["window_start"])), Grain.DAY)
        rules.setdefault(alert["rule_id"], {}).setdefault(day, []).append(alert)
    names = sorted(rules, key=lambda rule: (-len(rules[rule]), rule))[:MOST_ROWS]
    axis = Days(starts=days, left=NAMES_WIDTH)
    parts = [part for row, rule in enumerate(names) for part in _row(axis, row, rule, _alert_cells(rules[rule], days))]
    return _strip(axis, parts, len(names), about="which rules raised alerts on which day")


Cell = tuple[int, str, str]
"""A day, the class of its cell, and what it says when it is pointed at."""


def _drift_cells(found: Mapping[int, DriftDay], subject: tuple[str, str]) -> Iterator[Cell]:
    kind, name = subject
    for day, verdict in found.items():
        score = "" if verdict.score is None else f", {written(verdict.score)} of what counts"
        why = "" if verdict.reason is None else f" ({verdict.reason.replace('_', ' ')}{score})"
        yield day, f"cell {verdict.verdict}", f"{date(day)} {name}: {kind} {verdict.verdict.replace('_', ' ')}{why}"


def _alert_cells(found: Mapping[int, Sequence[Mapping[str, Any]]], days: Sequence[int]) -> Iterator[Cell]:
    for day, alerts in found.items():
        standing = [alert for alert in alerts if AlertState(alert["state"]).active]
        shown = min(standing or alerts, key=lambda alert: _SEVERITIES.index(alert["severity"]))
        state = AlertState(shown["state"])
        kind = shown["severity"] if state.active else "over"
        young = " young" if state is AlertState.PROVISIONAL else ""
        if day in days:
            value = "" if shown["value"] is None else f" {shown['metric']} {written(shown['value'])},"
            tip = f"{date(day)} {shown['rule_id']}:{value} {shown['severity']}, {state.value}, {len(alerts)} in all"
            yield day, f"cell {kind}{young}", tip


def _row(axis: Days, row: int, name: str, cells: Iterator[Cell]) -> Iterator[Markup]:
    y = row * ROW_HEIGHT
    short = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    yield text(short, NAMES_WIDTH - 8, y + 14, anchor="end")
    found = {day: (kind, tip) for day, kind, tip in cells}
    for day in axis.starts:
        kind, tip = found.get(day, ("cell none", f"{date(day)}: nothing"))
        yield box(axis.begin(day) + 1, y + 2, axis.width - 2, ROW_HEIGHT - 4, kind=kind, tip=tip)


def _strip(axis: Days, parts: list[Markup], rows: int, *, about: str) -> Markup:
    height = rows * ROW_HEIGHT + 22
    return picture([*parts, *axis.labels(height - 5)], height=height, about=about)
