"""Alerts whose rule was taken out of the config: nobody will judge them again, so they end here.

Whoever edits the config knows of it, so no channel is told; the event is on record like any other.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from monitoring_pipeline.alerts.causes import UNKNOWN_CAUSES
from monitoring_pipeline.alerts.change import Change
from monitoring_pipeline.alerts.changes import Changes
from monitoring_pipeline.alerts.standing import key_of, standing_findings
from monitoring_pipeline.alerts.tables import alert_events, alerts
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding, Silence, Verdict, coverage_of
from monitoring_pipeline.config.models import MonitoringConfig, Rule
from monitoring_pipeline.windows import Grain

ACTIVE = sorted(state for state in AlertState if state.active)

# What a rule is found by; a window more or less does not change it.
_SUBJECT = ("model_id", "environment", "segment", "grain", "rule_id")


def judging_rule(row: Row[*tuple[Any, ...]], config: MonitoringConfig) -> Rule | None:
    """The rule that still judges the group of a stored finding or alert, or ``None`` if there is none."""
    model = config.model(row.model_id)
    if model is None:
        return None
    matching = (
        rule
        for rule in model.rules
        if rule.id == row.rule_id
        and rule.grain is Grain(row.grain)
        and rule.covers(environment=row.environment, segment=row.segment)
    )
    return next(matching, None)


def subjects_without_rule(connection: Connection, config: MonitoringConfig) -> list[tuple[str, ...]]:
    """Model, environment, segment, grain and rule of active alerts that no rule judges any more.

    Args:
        connection: a reading transaction.
        config: the rules of the present.
    """
    columns = [alerts.c[name] for name in _SUBJECT]
    rows = connection.execute(select(*columns).where(alerts.c.state.in_(ACTIVE)).distinct())
    return sorted(tuple(row) for row in rows if judging_rule(row, config) is None)


def withdraw(connection: Connection, config: MonitoringConfig, *, now: int) -> int:
    """Withdraw the active alerts that no rule judges any more.

    Their findings become undefined: a rule that comes back judges them as if for the first time.

    Args:
        connection: in a writing transaction, which the caller commits.
        config: the rules of the present.
        now: knowledge time, microseconds UTC.

    Returns:
        How many were withdrawn.
    """
    rows = connection.execute(select(alerts).where(alerts.c.state.in_(ACTIVE))).all()
    ending = [row for row in rows if judging_rule(row, config) is None]
    if not ending:
        return 0
    standing = standing_findings(connection, [key_of(row) for row in ending])
    changes = Changes()
    for row in ending:
        if key_of(row) in standing:
            finding, since = standing[key_of(row)]
            changes.add(_silenced(finding, since=since, at=max(now, since)), channels=(), causes=UNKNOWN_CAUSES)
    changes.write(connection)
    connection.execute(_WITHDRAW, [{"key_alert_id": row.alert_id, "at": max(now, row.changed_at)} for row in ending])
    connection.execute(insert(alert_events), [_event(row, at=max(now, row.changed_at)) for row in ending])
    return len(ending)


def without_evidence(finding: Finding, reason: Silence) -> Finding:
    """The finding that replaces one for which there is nothing to judge any more."""
    return replace(
        finding,
        verdict=Verdict.UNDEFINED,
        reason=reason,
        value=None,
        lower=None,
        upper=None,
        prediction_count=0,
        labelled_count=0,
        mature=True,
    )


def _silenced(finding: Finding, *, since: int, at: int) -> Change:
    return Change(
        finding=without_evidence(finding, Silence.RULE_REMOVED),
        before=finding,
        since=since,
        at=at,
        alert=None,
        to_state=None,
    )


def _event(row: Row[Any], *, at: int) -> Mapping[str, object]:
    coverage = coverage_of(row.labelled_count, row.prediction_count, metric=row.metric)
    return {
        "alert_id": row.alert_id,
        "sequence": row.sequence + 1,
        "from_state": row.state,
        "to_state": AlertState.WITHDRAWN,
        "known_at": at,
        "old_value": row.value,
        "new_value": None,
        "old_coverage": coverage,
        "new_coverage": None,
        "labelled_count": row.labelled_count,
        "severity": row.severity,
        "causes": None,
    }


_WITHDRAW = (
    update(alerts)
    .where(alerts.c.alert_id == bindparam("key_alert_id"))
    .values(state=AlertState.WITHDRAWN, sequence=alerts.c.sequence + 1, changed_at=bindparam("at"))
)
