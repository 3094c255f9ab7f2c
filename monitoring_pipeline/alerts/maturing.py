"""Windows whose verdict changes by the passing of time alone, with no arrival to start a run for them."""

from typing import Any

from sqlalchemy import Connection, Row, select, text

from monitoring_pipeline.alerts.maturity import due_at
from monitoring_pipeline.alerts.tables import MAY_CHANGE_WITH_AGE, findings
from monitoring_pipeline.alerts.withdrawal import judging_rule
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.windows import Grain, Window


def windows_coming_of_age(connection: Connection, config: MonitoringConfig, *, now: int) -> list[Window]:
    """The windows to judge again because their labels are due by now, in order.

    These are young breaches, which are to be confirmed, and windows that wait for labels under a coverage
    rule: if none ever comes, nothing else would notice. Judged again they leave this list. A finding whose
    rule is no longer in the config, or no longer speaks about its group, will not be judged again and is
    left out: it would be due for ever.

    Args:
        connection: a reading transaction.
        config: the rules, and when each model's labels are due.
        now: microseconds UTC.
    """
    columns = findings.c
    query = select(
        columns.model_id, columns.environment, columns.segment, columns.grain, columns.window_start, columns.rule_id
    )
    rows = connection.execute(query.where(text(MAY_CHANGE_WITH_AGE)))
    return sorted({Window(row.window_start, Grain(row.grain)) for row in rows if _is_due(row, config, now)})


def _is_due(row: Row[*tuple[Any, ...]], config: MonitoringConfig, now: int) -> bool:
    model = config.model(row.model_id)
    if model is None or judging_rule(row, config) is None:
        return False
    return now >= due_at(Window(row.window_start, Grain(row.grain)), model.labels)
