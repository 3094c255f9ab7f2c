"""Findings and notifications that tests start from, and the state of the store that they end with."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, Table, func, select

from monitoring_pipeline.alerts.findings import judge
from monitoring_pipeline.alerts.life_cycle import LifeCycleReport, record
from monitoring_pipeline.alerts.vocabulary import Finding, Group, Measurement
from monitoring_pipeline.config.models import Rule, Severity
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.windows import DAY_MICROS, Grain, Window

DAY = Window(20_000 * DAY_MICROS, Grain.DAY)
RULE = Rule(id="mae-high", metric="mae", above=10, severity=Severity.CRITICAL)
GROUP = Group(model_id="flight_delay", model_version="3", environment="production", segment="all", window=DAY)


def finding(
    value: float | None = 12.0,
    *,
    mature: bool = False,
    labelled: int = 60,
    predictions: int = 100,
    day: int = 0,
    segment: str = "all",
    rule: Rule = RULE,
) -> Finding:
    """A breach of "mae above 10" unless told otherwise: 9 is ok, no value undefined, few labels not enough."""
    window = Window(DAY.start + day * DAY_MICROS, Grain.DAY)
    measurement = Measurement(prediction_count=predictions, labelled_count=labelled, value=value)
    return judge(rule, group=replace(GROUP, window=window, segment=segment), measurement=measurement, mature=mature)


def recorded(engine: Engine, *findings: Finding, now: int, channels: tuple[str, ...] = ("ops",)) -> LifeCycleReport:
    """Record findings in a transaction of their own."""
    with writing(engine) as connection:
        return record(connection, findings, now=now, channels_for=lambda _: list(channels))


def rows(engine: Engine, table: Table, *order: str) -> list[dict[str, Any]]:
    """Every row of a table."""
    with reading(engine) as connection:
        query = select(table).order_by(*(table.c[name] for name in order))
        return [dict(row) for row in connection.execute(query).mappings()]


def count(engine: Engine, table: Table) -> int:
    """How many rows a table has."""
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()
