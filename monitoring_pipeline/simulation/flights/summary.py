"""What the demo ends with, read from the results: the same numbers whether it ran once or twice."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, func, select

from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.tables import alerts, notifications
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.performance.registry import evaluate, sums_from_dict
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.results.tables import drift_results, performance_sums
from monitoring_pipeline.stages.measuring.groups import ALL, PERFORMANCE
from monitoring_pipeline.tracking.tables import mlflow_projection
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """One model over all replayed weeks."""

    model_id: str
    prediction_count: int
    labelled_count: int
    metrics: tuple[MetricValue, ...]
    drifted_days: dict[str, int]  # feature: on how many days it drifted
    alerts: dict[str, int]  # state: how many
    notifications: dict[str, int]  # state: how many
    mlflow_runs: int

    @property
    def coverage(self) -> float:
        """labelled / predictions."""
        return self.labelled_count / self.prediction_count


def summarise(installation: Installation) -> list[ModelSummary]:
    """Each declared model's numbers, merged exactly from its hours."""
    with reading(installation.engine) as connection:
        sums = {model.id: _merged(connection, model) for model in installation.config.models}
        drifted = _drifted_days(connection)
        delivered = _notifications(connection)
        runs = _mlflow_runs(connection)
    raised: dict[str, Counter[str]] = defaultdict(Counter)
    for alert in list_alerts(installation.engine):
        raised[alert["model_id"]][alert["state"]] += 1
    return [
        ModelSummary(
            model_id=model_id,
            prediction_count=total.prediction_count,
            labelled_count=total.labelled_count,
            metrics=tuple(evaluate(total)),
            drifted_days=drifted.get(model_id, {}),
            alerts=dict(raised[model_id]),
            notifications=delivered.get(model_id, {}),
            mlflow_runs=runs.get(model_id, 0),
        )
        for model_id, total in sums.items()
        if total is not None
    ]


def _merged(connection: Connection, model: Model) -> Sums | None:
    table = performance_sums.c
    query = select(table.sums).where(
        table.model_id == model.id, table.segment == ALL, table.family == PERFORMANCE, table.known_to.is_(None)
    )
    parts = [
        sums_from_dict(model.task, orjson.loads(text))
        for text in connection.scalars(query.order_by(table.window_start))
    ]
    return merge(parts) if parts else None


def _drifted_days(connection: Connection) -> dict[str, dict[str, int]]:
    table = drift_results.c
    query = (
        select(table.model_id, table.feature, func.count(table.window_start.distinct()).label("days"))
        .where(
            table.grain == Grain.DAY.value,
            table.measure == Measure.OVERALL.value,
            table.verdict == DriftVerdict.DRIFT.value,
            table.known_to.is_(None),
        )
        .group_by(table.model_id, table.feature)
        .order_by(table.model_id, table.feature)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        found[row.model_id][row.feature] = row.days
    return found


def _notifications(connection: Connection) -> dict[str, dict[str, int]]:
    query = (
        select(alerts.c.model_id, notifications.c.state, func.count().label("messages"))
        .join(notifications, notifications.c.alert_id == alerts.c.alert_id)
        .group_by(alerts.c.model_id, notifications.c.state)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        found[row.model_id][row.state] = row.messages
    return found


def _mlflow_runs(connection: Connection) -> dict[str, int]:
    table = mlflow_projection.c
    query = select(table.model_id, func.count().label("runs")).group_by(table.model_id)
    return {row.model_id: row.runs for row in connection.execute(query)}
