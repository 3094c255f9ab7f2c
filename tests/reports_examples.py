"""What the tests of reports share: a reader of pages, and rows of every kind of result."""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import Engine, insert

from monitoring_pipeline.config.models import Model, MonitoringConfig
from monitoring_pipeline.database import writing
from monitoring_pipeline.windows import DAY_MICROS, Grain, floor
from tests.conftest import FixedClock

CANARY = "<script>alert('x')</script>\"&{{7*7}}"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, its text; nesting is checked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def pictures(html: str) -> list[ElementTree.Element]:
    """The page's pictures, each as a document of its own."""
    parts = html.split("<svg")[1:]
    return [ElementTree.fromstring(f"<svg{part.partition('</svg>')[0]}</svg>") for part in parts]


def shapes(picture: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [shape for shape in picture.iter() if kind in shape.get("class", "").split()]


def group(day: int, **changes: Any) -> dict[str, Any]:
    return {
        "model_id": "churn",
        "model_version": "v1",
        "environment": "production",
        "segment": "all",
        "grain": "day",
        "window_start": day,
        "known_from": day + DAY_MICROS,
        **changes,
    }


def measured(day: int, value: float | None, *, labelled: int = 95, **changes: Any) -> dict[str, Any]:
    known = {} if value is None else {"value": value, "lower": value - 0.02, "upper": value + 0.02}
    return group(
        day,
        **{
            "metric": "accuracy",
            "value": None,
            "lower": None,
            "upper": None,
            "undefined_reason": None if known else "no_labels",
            "prediction_count": 100,
            "labelled_count": labelled,
            **known,
            **changes,
        },
    )


def drifted(day: int, feature: str, verdict: str, **changes: Any) -> dict[str, Any]:
    return group(
        day,
        **{
            "drift_type": "data_drift",
            "feature": feature,
            "measure": "overall",
            "value": 1.7,
            "verdict": verdict,
            "reason": "effect_and_evidence",
            "n_reference": 1,
            "n_window": 1,
            "n_effective": 1.0,
            "window_count": 1,
            "reference_id": "r",
            **changes,
        },
    )


def alert(day: int, rule_id: str, state: str, **changes: Any) -> dict[str, Any]:
    row = {name: value for name, value in group(day).items() if name != "known_from"}
    return {
        **row,
        "alert_id": f"{rule_id}{day}",
        "rule_id": rule_id,
        "metric": "accuracy",
        "severity": "critical",
        "value": 0.5,
        "threshold": 0.8,
        "direction": "below",
        "prediction_count": 100,
        "labelled_count": 95,
        "state": state,
        "sequence": 1,
        "opened_at": day,
        "changed_at": day,
        **changes,
    }


def stored(engine: Engine, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    with writing(engine) as connection:
        connection.execute(insert(table), list(rows))


def churn(**changes: Any) -> MonitoringConfig:
    return MonitoringConfig(models=[Model.model_validate({"id": "churn", "task": "binary", **changes})])


def days_before(clock: FixedClock, count: int) -> list[int]:
    """The last whole days, the oldest first."""
    today = floor(clock.now, Grain.DAY)
    return [today - number * DAY_MICROS for number in range(count, 0, -1)]
