"""The rows that changed verdicts lead to, gathered and written with one statement per table and kind."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, func, insert, update

from monitoring_pipeline.alerts import outbox
from monitoring_pipeline.alerts.causes import Causes
from monitoring_pipeline.alerts.change import Change
from monitoring_pipeline.alerts.message import Transition, payload
from monitoring_pipeline.alerts.standing import KEY_COLUMNS
from monitoring_pipeline.alerts.tables import alert_events, alerts, findings
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding, FindingKey, Verdict

Row = dict[str, object]

_JUDGEMENT_COLUMNS = (
    "metric", "severity", "value", "lower", "upper", "threshold", "direction", "prediction_count", "labelled_count",
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Changes:
    """What one call will write."""

    closed: list[Row] = field(default_factory=list)
    opened: list[Row] = field(default_factory=list)
    new_alerts: list[Row] = field(default_factory=list)
    changed_alerts: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)

    def add(self, change: Change, channels: Iterable[str], causes: Causes) -> None:
        """Gather a change; if the alert moves, its event keeps the ``causes`` and ``channels`` hear of it."""
        if change.before is not None:
            self.closed.append({**_bound_key(change.finding.key), "closed_at": change.at})
        self.opened.append(_finding_row(change))
        judged = change.finding.verdict in {Verdict.BREACH, Verdict.OK}
        if change.to_state is None or not judged:
            return
        if change.alert is None:
            self.new_alerts.append(_new_alert(change))
        else:
            self.changed_alerts.append(_changed_alert(change))
        if change.moves:
            self.events.append(_event(change, causes))
            self.messages.extend(_messages(change, change.to_state, causes, channels))

    def write(self, connection: Connection) -> None:
        """Write all of it in the caller's transaction; old findings are closed before new ones stand."""
        for statement, rows in (
            (_CLOSE_FINDING, self.closed),
            (insert(findings), self.opened),
            (insert(alerts), self.new_alerts),
            (_CHANGE_ALERT, self.changed_alerts),
            (insert(alert_events), self.events),
        ):
            if rows:
                connection.execute(statement, rows)
        outbox.put(connection, self.messages)


def _key(key: FindingKey) -> Row:
    return {name: getattr(key, name) for name in KEY_COLUMNS}


def _bound_key(key: FindingKey) -> Row:
    # SQLAlchemy keeps a column's own name for its new value; a condition needs another.
    return {f"key_{name}": getattr(key, name) for name in KEY_COLUMNS}


def _judgement(finding: Finding) -> Row:
    return {name: getattr(finding, name) for name in _JUDGEMENT_COLUMNS}


def _finding_row(change: Change) -> Row:
    finding = change.finding
    return {
        **_key(finding.key),
        **_judgement(finding),
        "verdict": finding.verdict,
        "reason": finding.reason,
        "mature": int(finding.mature),
        "known_from": change.at,
        "known_to": None,
    }


def _new_alert(change: Change) -> Row:
    return {
        "alert_id": change.finding.key.alert_id,
        **_key(change.finding.key),
        **_judgement(change.finding),
        "severity": change.severity,
        "state": change.to_state,
        "sequence": change.sequence,
        "opened_at": change.at,
        "changed_at": change.at,
    }


def _changed_alert(change: Change) -> Row:
    return {
        "key_alert_id": change.finding.key.alert_id,
        **_judgement(change.finding),
        "severity": change.severity,
        "state": change.to_state,
        "sequence": change.sequence,
        "moved_at": change.at if change.moves else None,
    }


def _event(change: Change, causes: Causes) -> Row:
    finding, before = change.finding, change.before
    return {
        "alert_id": finding.key.alert_id,
        "sequence": change.sequence,
        "from_state": change.from_state,
        "to_state": change.to_state,
        "known_at": change.at,
        "old_value": before.value if before else None,
        "new_value": finding.value,
        "old_coverage": before.coverage if before else None,
        "new_coverage": finding.coverage,
        "labelled_count": finding.labelled_count,
        "severity": change.severity,
        "causes": json.dumps(causes.document(finding, before), sort_keys=True),
    }


def _messages(change: Change, to_state: AlertState, causes: Causes, channels: Iterable[str]) -> Iterable[Row]:
    transition = Transition(
        finding=change.finding,
        before=change.before,
        from_state=change.from_state,
        to_state=to_state,
        severity=change.severity,
        old_severity=None if change.alert is None else change.alert.severity,
        sequence=change.sequence,
        known_at=change.at,
        causes=causes,
    )
    document = payload(transition)
    alert_id = change.finding.key.alert_id
    for channel in dict.fromkeys(channels):
        yield outbox.row(alert_id=alert_id, sequence=change.sequence, channel=channel, payload=document, now=change.at)


_CLOSE_FINDING = (
    update(findings)
    .where(*(findings.c[name] == bindparam(f"key_{name}") for name in KEY_COLUMNS), findings.c.known_to.is_(None))
    .values(known_to=bindparam("closed_at"))
)

_CHANGE_ALERT = (
    update(alerts)
    .where(alerts.c.alert_id == bindparam("key_alert_id"))
    .values(
        {name: bindparam(name) for name in (*_JUDGEMENT_COLUMNS, "state", "sequence")}
        | {"changed_at": func.coalesce(bindparam("moved_at"), alerts.c.changed_at)}
    )
)
