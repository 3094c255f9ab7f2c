"""The first line of the report: how it stands, in five words and five numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.performance.labels.verdict import LabelVerdict
from monitoring_pipeline.reports.facts import Facts
from monitoring_pipeline.reports.health import Health
from monitoring_pipeline.reports.pictures.scale import written
from monitoring_pipeline.windows import isoformat

_SIGNS = {Health.HEALTHY: "●", Health.WARNING: "▲", Health.CRITICAL: "■", Health.NOT_ENOUGH_DATA: "○"}

_LABELS = {
    LabelVerdict.HEALTHY: Health.HEALTHY,
    LabelVerdict.NOT_ENOUGH_DATA: Health.NOT_ENOUGH_DATA,
    LabelVerdict.LABELS_LATE: Health.WARNING,
    LabelVerdict.LABELS_STOPPED: Health.CRITICAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number and what it means.

    Attributes:
        title: what it is.
        value: as it is shown.
        note: a few words beside it.
        health: what it means; told by a sign as well, for those who do not see colours.
    """

    title: str
    value: str
    note: str
    health: Health

    @property
    def sign(self) -> str:
        """The sign of its health."""
        return _SIGNS[self.health]


def tiles(facts: Facts) -> list[Tile]:
    """Predictions, performance, alerts, drift, labels."""
    return [_predictions(facts), _performance(facts), _alerts(facts), _drift(facts), *_labels(facts)]


def _predictions(facts: Facts) -> Tile:
    count = facts.present.prediction_count
    health = Health.HEALTHY if count else Health.CRITICAL
    last = "" if count or facts.newest is None else f"; the last on {isoformat(facts.newest)[:10]}"
    return Tile(title="predictions", value=f"{count:,}", note=f"in the last 24 hours{last}", health=health)


def _performance(facts: Facts) -> Tile:
    """The last day whose labels are in, judged by the alerts of the metric."""
    days = facts.performance[0].days if facts.performance else ()
    last = next((day for day in reversed(days) if day.is_mature and day.value is not None), None)
    if last is None or last.value is None:
        return Tile(title=facts.headline, value="–", note="no day with complete labels", health=Health.NOT_ENOUGH_DATA)
    watched = any(rule.metric == facts.headline for rule in facts.model.rules)
    standing = {alert["severity"] for alert in _standing(facts) if alert["metric"].startswith(facts.headline)}
    health = _of_severities(standing) if watched else Health.NOT_ENOUGH_DATA
    note = (
        "no interval" if last.lower is None or last.upper is None else f"{written(last.lower)} – {written(last.upper)}"
    )
    return Tile(title=facts.headline, value=written(last.value), note=note, health=health)


def _alerts(facts: Facts) -> Tile:
    standing = list(_standing(facts))
    severities = {alert["severity"] for alert in standing}
    if not facts.model.rules and not standing:
        return Tile(title="alerts", value="0", note="no rules are declared", health=Health.NOT_ENOUGH_DATA)
    critical = sum(alert["severity"] == "critical" for alert in standing)
    note = f"{critical} critical" if standing else "none stands"
    return Tile(title="alerts", value=str(len(standing)), note=note, health=_of_severities(severities))


def _drift(facts: Facts) -> Tile:
    newest = max((day for days in facts.drift.values() for day in days), default=None)
    if newest is None:
        return Tile(title="drift", value="–", note="nothing was compared", health=Health.NOT_ENOUGH_DATA)
    verdicts = [days[newest].verdict for days in facts.drift.values() if newest in days]
    moved = verdicts.count(DriftVerdict.DRIFT)
    judged = sum(verdict != DriftVerdict.NOT_ENOUGH_DATA for verdict in verdicts)
    if not judged:
        return Tile(title="drift", value="–", note="too few rows to tell", health=Health.NOT_ENOUGH_DATA)
    health = Health.WARNING if moved else Health.HEALTHY
    return Tile(title="drift", value=f"{moved} of {judged}", note="moved on the last day", health=health)


def _labels(facts: Facts) -> Iterator[Tile]:
    coverage = facts.present.coverage
    value = "–" if coverage is None else f"{coverage:.0%}"
    verdicts = {LabelVerdict(row["verdict"]) for row in facts.labels} or {LabelVerdict.NOT_ENOUGH_DATA}
    worst = max(verdicts, key=list(_LABELS).index)
    note = worst.value.replace("_", " ")
    yield Tile(title="truth known", value=value, note=f"last 24 hours; {note}", health=_LABELS[worst])


def _standing(facts: Facts) -> Iterator[dict[str, Any]]:
    return (alert for alert in facts.alerts if AlertState(alert["state"]).active)


def _of_severities(severities: set[object]) -> Health:
    if "critical" in severities:
        return Health.CRITICAL
    return Health.WARNING if severities else Health.HEALTHY
