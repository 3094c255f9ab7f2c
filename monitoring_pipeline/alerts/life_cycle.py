"""The life of an alert: provisional → confirmed, escalated, or retracted when late truth changes the verdict.

Everything is written in the caller's transaction: the verdicts, the transitions they cause and the
messages about those. So a rerun finds its own work done, and a rolled back run has told nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitoring_pipeline.alerts.causes import UNKNOWN_CAUSES, CausesFor
from monitoring_pipeline.alerts.change import Change
from monitoring_pipeline.alerts.changes import Changes
from monitoring_pipeline.alerts.standing import StandingAlert, standing_alerts, standing_findings
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding, FindingKey, Verdict
from monitoring_pipeline.config.models import Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class LifeCycleReport:
    """What one call of :func:`record` wrote."""

    written_count: int = 0  # findings that are new or changed
    unchanged_count: int = 0
    provisional_count: int = 0  # events that lead into each state
    confirmed_count: int = 0
    escalated_count: int = 0
    retracted_count: int = 0
    notification_count: int = 0


def next_state(alert: StandingAlert | None, finding: Finding) -> AlertState | None:
    """The state that a verdict leads to; ``None`` while there has been no alert.

    A breach of a mature window confirms, of a young one is provisional; a confirmed alert does not become
    provisional again because further predictions arrived. An active alert whose severity rises is escalated, and
    stays so until its severity falls: then it is what it would have been. The first breach opens an alert at
    whatever severity it has, which escalates nothing. ``ok`` retracts an active alert. Missing evidence changes
    nothing.
    """
    if finding.verdict is Verdict.BREACH:
        return _breached(alert, finding)
    if alert is None:
        return None
    return AlertState.RETRACTED if finding.verdict is Verdict.OK and alert.state.active else alert.state


def record(
    connection: Connection,
    findings: Sequence[Finding],
    *,
    now: int,
    channels_for: Callable[[Finding], list[str]],
    causes_for: CausesFor | None = None,
) -> LifeCycleReport:
    """Write the verdicts that changed, the events they cause, and one message per event and channel.

    An event is a change of an alert's state or severity. A finding that changes in its numbers alone writes none:
    the findings themselves keep every answer. Recording the same findings again writes nothing.

    Args:
        connection: in a writing transaction, which the caller commits.
        findings: at most one per key.
        now: knowledge time, microseconds UTC.
        channels_for: names of the channels that hear of a finding's alert.
        causes_for: the ingest batches behind the events; called once, for the alerts that move, and not at all
            where none does.

    Raises:
        ValueError: if two findings have the same key; they cannot both be the truth.
    """
    keys = [finding.key for finding in findings]
    if len(set(keys)) != len(keys):
        raise ValueError("two findings of one call have the same key")
    made = _changes(connection, findings, keys, now)
    since = {change.finding.key: change.since for change in made if change.moves}
    causes = causes_for(since) if causes_for is not None and since else {}
    changes = Changes()
    for change in made:
        channels = channels_for(change.finding) if change.moves else []
        changes.add(change, channels, causes.get(change.finding.key, UNKNOWN_CAUSES))
    changes.write(connection)
    return _report(changes, unchanged_count=len(findings) - len(made))


def _changes(connection: Connection, findings: Sequence[Finding], keys: Sequence[FindingKey], now: int) -> list[Change]:
    known: Mapping[FindingKey, tuple[Finding, int]] = standing_findings(connection, keys)
    alerts = standing_alerts(connection, keys)
    made: list[Change] = []
    for finding in findings:
        before, since = known.get(finding.key, (None, None))
        if before == finding:
            continue
        alert = alerts.get(finding.key.alert_id)
        # A clock that was set back must not close a finding before it was opened.
        at = now if since is None else max(now, since)
        change = Change(
            finding=finding, before=before, since=since, at=at, alert=alert, to_state=next_state(alert, finding)
        )
        made.append(change)
    return made


def _breached(alert: StandingAlert | None, finding: Finding) -> AlertState:
    if alert is not None and alert.state.active:
        if _rank(finding.severity) > _rank(alert.severity):
            return AlertState.ESCALATED
        if alert.state is AlertState.ESCALATED and finding.severity is alert.severity:
            return AlertState.ESCALATED
    confirmed = finding.mature or (alert is not None and alert.was_confirmed)
    return AlertState.CONFIRMED if confirmed else AlertState.PROVISIONAL


def _rank(severity: Severity) -> int:
    return list(Severity).index(severity)


def _report(changes: Changes, *, unchanged_count: int) -> LifeCycleReport:
    reached = [event["to_state"] for event in changes.events]
    return LifeCycleReport(
        written_count=len(changes.opened),
        unchanged_count=unchanged_count,
        provisional_count=reached.count(AlertState.PROVISIONAL),
        confirmed_count=reached.count(AlertState.CONFIRMED),
        escalated_count=reached.count(AlertState.ESCALATED),
        retracted_count=reached.count(AlertState.RETRACTED),
        notification_count=len(changes.messages),
    )
