"""What stands before new verdicts are recorded: findings and alerts of the windows concerned, read at once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, select

from monitoring_pipeline.alerts.tables import alert_events, alerts, findings
from monitoring_pipeline.alerts.vocabulary import AlertState, Direction, Finding, FindingKey, Verdict
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.windows import Grain

# Bound parameters of one statement are limited (32,766 on SQLite); windows are asked for in such slices.
WINDOWS_PER_QUERY = 5000

KEY_COLUMNS = ("model_id", "model_version", "environment", "segment", "grain", "window_start", "rule_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingAlert:
    """Where an alert stands; ``came_from`` is the state that its last event left."""

    state: AlertState
    severity: Severity
    sequence: int
    came_from: AlertState | None

    @property
    def was_confirmed(self) -> bool:
        """Whether it is confirmed, or was when it was escalated."""
        if self.state is AlertState.ESCALATED:
            return self.came_from is AlertState.CONFIRMED
        return self.state is AlertState.CONFIRMED


def standing_findings(connection: Connection, keys: Sequence[FindingKey]) -> Mapping[FindingKey, tuple[Finding, int]]:
    """The findings that stand in the windows of ``keys``, each with the instant since when it is known."""
    rows = _rows_of_windows(connection, select(findings).where(findings.c.known_to.is_(None)), findings, keys)
    return {finding.key: (finding, known_from) for finding, known_from in map(_finding, rows)}


def standing_of_windows(connection: Connection, model_id: str, grain: Grain, starts: Collection[int]) -> list[Finding]:
    """The findings that stand in some windows of one model, whatever their rule and group."""
    query = select(findings).where(
        findings.c.model_id == model_id,
        findings.c.grain == grain,
        findings.c.window_start.in_(starts),
        findings.c.known_to.is_(None),
    )
    return [finding for finding, _ in map(_finding, connection.execute(query))]


def standing_alerts(connection: Connection, keys: Sequence[FindingKey]) -> Mapping[str, StandingAlert]:
    """The alerts of the windows of ``keys``, by id."""
    last = and_(alert_events.c.alert_id == alerts.c.alert_id, alert_events.c.sequence == alerts.c.sequence)
    query = select(
        alerts.c.alert_id, alerts.c.state, alerts.c.severity, alerts.c.sequence, alert_events.c.from_state
    ).select_from(alerts.outerjoin(alert_events, last))
    return {row.alert_id: _alert(row) for row in _rows_of_windows(connection, query, alerts, keys)}


def _rows_of_windows(
    connection: Connection, query: Select[Any], table: Table, keys: Sequence[FindingKey]
) -> Iterator[Row[Any]]:
    models = sorted({key.model_id for key in keys})
    grains = sorted({key.grain for key in keys})
    starts = sorted({key.window_start for key in keys})
    for first in range(0, len(starts), WINDOWS_PER_QUERY):
        of_slice = query.where(
            table.c.model_id.in_(models),
            table.c.grain.in_(grains),
            table.c.window_start.in_(starts[first : first + WINDOWS_PER_QUERY]),
        )
        yield from connection.execute(of_slice)


def _alert(row: Row[Any]) -> StandingAlert:
    return StandingAlert(
        state=AlertState(row.state),
        severity=Severity(row.severity),
        sequence=row.sequence,
        came_from=None if row.from_state is None else AlertState(row.from_state),
    )


def key_of(row: Row[Any]) -> FindingKey:
    """The identity that a stored finding or alert has."""
    return FindingKey(
        model_id=row.model_id,
        model_version=row.model_version,
        environment=row.environment,
        segment=row.segment,
        grain=Grain(row.grain),
        window_start=row.window_start,
        rule_id=row.rule_id,
    )


def _finding(row: Row[Any]) -> tuple[Finding, int]:
    finding = Finding(
        key=key_of(row),
        metric=row.metric,
        severity=Severity(row.severity),
        verdict=Verdict(row.verdict),
        reason=row.reason,
        value=row.value,
        lower=row.lower,
        upper=row.upper,
        threshold=row.threshold,
        direction=Direction(row.direction),
        prediction_count=row.prediction_count,
        labelled_count=row.labelled_count,
        mature=bool(row.mature),
    )
    return finding, row.known_from
