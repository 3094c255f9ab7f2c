"""The life of an alert: provisional → confirmed, or retracted when late truth changes the verdict.

Everything is written in the caller's transaction: the verdicts, the transitions they cause and the
messages about those. So a rerun finds its own work done, and a rolled back run has told nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitoring_pipeline.alerts.changes import Change, Changes
from monitoring_pipeline.alerts.standing import standing_alerts, standing_findings
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class LifeCycleReport:
    """What one call of :func:`record` wrote."""

    written_count: int = 0  # findings that are new or changed
    unchanged_count: int = 0
    provisional_count: int = 0  # transitions into each state
    confirmed_count: int = 0
    retracted_count: int = 0
    notification_count: int = 0


def next_state(state: AlertState | None, finding: Finding) -> AlertState | None:
    """The state that a verdict leads to; ``None`` while there has been no alert.

    A breach of a mature window confirms, of a young one is provisional; a confirmed alert does not become
    provisional again because further predictions arrived. ``ok`` retracts an active alert. Missing evidence
    changes nothing.
    """
    if finding.verdict is Verdict.BREACH:
        confirmed = finding.mature or state is AlertState.CONFIRMED
        return AlertState.CONFIRMED if confirmed else AlertState.PROVISIONAL
    if finding.verdict is Verdict.OK and state is not None and state.active:
        return AlertState.RETRACTED
    return state


def record(
    connection: Connection,
    findings: Sequence[Finding],
    *,
    now: int,
    channels_for: Callable[[Finding], list[str]],
) -> LifeCycleReport:
    """Write the verdicts that changed, the transitions they cause, and one message per transition and channel.

    Recording the same findings again writes nothing.

    Args:
        connection: in a writing transaction, which the caller commits.
        findings: at most one per key.
        now: knowledge time, microseconds UTC.
        channels_for: names of the channels that hear of a finding's alert.

    Raises:
        ValueError: if two findings have the same key; they cannot both be the truth.
    """
    keys = [finding.key for finding in findings]
    if len(set(keys)) != len(keys):
        raise ValueError("two findings of one call have the same key")
    known = standing_findings(connection, keys)
    alerts = standing_alerts(connection, keys)
    changes = Changes()
    for finding in findings:
        before, since = known.get(finding.key, (None, now))
        if before == finding:
            continue
        state, sequence = alerts.get(finding.key.alert_id, (None, 0))
        change = Change(
            finding=finding,
            before=before,
            at=max(now, since),  # a clock that was set back must not close a finding before it was opened
            from_state=state,
            to_state=next_state(state, finding),
            last_sequence=sequence,
        )
        changes.add(change, channels_for(finding) if change.moves else [])
    changes.write(connection)
    return _report(changes, unchanged_count=len(findings) - len(changes.opened))


def _report(changes: Changes, *, unchanged_count: int) -> LifeCycleReport:
    reached = [event["to_state"] for event in changes.events]
    return LifeCycleReport(
        written_count=len(changes.opened),
        unchanged_count=unchanged_count,
        provisional_count=reached.count(AlertState.PROVISIONAL),
        confirmed_count=reached.count(AlertState.CONFIRMED),
        retracted_count=reached.count(AlertState.RETRACTED),
        notification_count=len(changes.messages),
    )
