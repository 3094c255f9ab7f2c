"""What the monitor said in a simulation, read from its store: alerts, drift of a feature, failed expectations."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from monitoring_pipeline.alerts.tables import alert_events, alerts, findings
from monitoring_pipeline.alerts.vocabulary import Verdict
from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.quality import verdicts
from monitoring_pipeline.results.tables import drift_results, quality_results
from monitoring_pipeline.windows import Grain, Window

EXPECTATIONS = "expectations"
"""Stands for a rule where an expectation about the rows failed."""

FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing said of one window.

    Attributes:
        by: the rule, ``expectations``, or the feature that drifted.
        what: the same, or the expectation in words.
        window: which.
        known_at: when it was said first, microseconds UTC.
        state: of the alert in the end; ``failed`` of an expectation, ``drift`` of a feature.
    """

    by: str
    what: str
    window: Window
    known_at: int
    state: str


def alerts_said(connection: Connection) -> list[Said]:
    """Every alert that was ever raised, by the time it was."""
    raised = func.min(alert_events.c.known_at).label("raised_at")
    query = (
        select(alerts.c.rule_id, alerts.c.grain, alerts.c.window_start, alerts.c.state, raised)
        .join(alert_events, alert_events.c.alert_id == alerts.c.alert_id)
        .group_by(alerts.c.alert_id)
        .order_by(raised, alerts.c.window_start, alerts.c.rule_id)
    )
    return [
        Said(
            by=row.rule_id,
            what=row.rule_id,
            window=Window(row.window_start, Grain(row.grain)),
            known_at=row.raised_at,
            state=row.state,
        )
        for row in connection.execute(query)
    ]


def drift_said(connection: Connection, feature: str) -> list[Said]:
    """The windows in which a feature was ever said to drift, by the time it was."""
    table = drift_results.c
    said_at = func.min(table.known_from).label("said_at")
    query = (
        select(table.grain, table.window_start, said_at)
        .where(table.feature == feature, table.verdict == DriftVerdict.DRIFT.value)
        .group_by(table.grain, table.window_start)
        .order_by(said_at, table.window_start)
    )
    return [
        Said(
            by=feature,
            what=feature,
            window=Window(row.window_start, Grain(row.grain)),
            known_at=row.said_at,
            state=DriftVerdict.DRIFT.value,
        )
        for row in connection.execute(query)
    ]


def expectations_said(connection: Connection) -> list[Said]:
    """The expectations that failed, beyond those that are only for information, by the time they did."""
    table = quality_results.c
    query = (
        select(table.expectation, table.window_start, table.known_from)
        .where(
            table.verdict == verdicts.Verdict.FAILED.value,
            table.severity != Severity.INFO.value,
            table.known_to.is_(None),
        )
        .order_by(table.known_from, table.window_start, table.expectation)
    )
    return [
        Said(
            by=EXPECTATIONS,
            what=row.expectation,
            window=Window(row.window_start, Grain.HOUR),
            known_at=row.known_from,
            state=FAILED,
        )
        for row in connection.execute(query)
    ]


def judged_windows(connection: Connection) -> dict[str, list[Window]]:
    """By rule, the windows on which a verdict stands that had data enough; of the expectations, all that were asked."""
    judged = (Verdict.BREACH.value, Verdict.OK.value)
    query = select(findings.c.rule_id, findings.c.grain, findings.c.window_start).where(
        findings.c.known_to.is_(None), findings.c.verdict.in_(judged)
    )
    found: dict[str, list[Window]] = {}
    for row in connection.execute(query):
        found.setdefault(row.rule_id, []).append(Window(row.window_start, Grain(row.grain)))
    asked = connection.scalars(select(quality_results.c.window_start).distinct())
    found[EXPECTATIONS] = [Window(start, Grain.HOUR) for start in asked]
    return found
