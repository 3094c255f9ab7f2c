"""Reading all that a report tells of a model, at once: what stands, and what is known now."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.performance.registry import KINDS, metric_names
from monitoring_pipeline.reports.facts import DayValue, DriftDay, Facts, Series
from monitoring_pipeline.reports.newest import newest_hour
from monitoring_pipeline.reports.present import PresentPerformance
from monitoring_pipeline.results.listings import ResultRow
from monitoring_pipeline.results.read import read_drift, read_metrics
from monitoring_pipeline.stages.due import due_hours
from monitoring_pipeline.stages.labels.status import label_status
from monitoring_pipeline.stages.late_hours import LATE_MICROS, late_hours
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.windows import DAY_MICROS, MICROSECOND, Grain, floor, to_micros

PRESENT_HOURS = 24


HEADLINES: Mapping[Task, str] = {
    Task.REGRESSION: "mae",
    Task.BINARY: "accuracy",
    Task.MULTICLASS: "accuracy",
    Task.RANKING: "ndcg_at_k",
}
"""What is drawn of a model whose rules watch no metric of its performance."""


OPERATIONS = ("average_confidence", "low_confidence_rate", "latency_p95_ms")


def facts_of(installation: Installation, model_id: str, *, days: int) -> Facts:
    """Read them.

    Args:
        installation: config, store and clock.
        model_id: a model, declared or not.
        days: how many to look back; the present one is one of them.

    Raises:
        MonitorError: if the store cannot be reached.
    """
    engine, now = installation.engine, installation.clock()
    last = floor(now, Grain.DAY)
    start = last - (days - 1) * DAY_MICROS
    with reading(engine) as connection:
        model = declaration(connection, installation.config, model_id)
        labels = label_status(connection, installation.config, model_id, now=now, is_present=True).to_dict()
        late = _late_hours(installation, connection, model_id, now=now)
        newest = newest_hour(connection, model_id)
    metrics = read_metrics(engine, model_id=model_id, grain=Grain.DAY, segment=ALL, start=start)
    headline = _headline(model)
    performance = _series(metrics, headline, model, now=now)
    return Facts(
        model=model,
        is_declared=installation.config.model(model_id) is not None,
        now=now,
        days=tuple(range(start, last + 1, DAY_MICROS)),
        present=PresentPerformance(installation.pipeline).of_last_hours(model_id, PRESENT_HOURS),
        headline=headline,
        performance=performance,
        operations=_operations(metrics, performance, model, now=now),
        drift=_drift(read_drift(engine, model_id=model_id, grain=Grain.DAY, segment=ALL, start=start), performance),
        alerts=tuple(list_alerts(engine, model_id=model_id, start=start)),
        labels=tuple(labels),
        late_hours=late,
        newest=newest,
    )


def _headline(model: Model) -> str:
    """The metric that the first rule on the model's performance watches, else the task's usual one."""
    told = set(metric_names(model.task.value)) if model.task.value in KINDS else set()
    return next((rule.metric for rule in model.rules if rule.metric in told), HEADLINES[model.task])


def _late_hours(installation: Installation, connection: Connection, model_id: str, *, now: int) -> int:
    due = due_hours(connection, now=now, debounce_micros=LATE_MICROS, span=installation.pipeline.span)
    return sum(window.model_id == model_id for window in late_hours(connection, due, now=now))


def _series(rows: Sequence[ResultRow], metric: str, model: Model, *, now: int) -> tuple[Series, ...]:
    groups: dict[tuple[str, str], list[ResultRow]] = {}
    for row in rows:
        if row["metric"] == metric:
            groups.setdefault((row["model_version"], row["environment"]), []).append(row)
    found = [
        Series(
            model_version=version,
            environment=environment,
            metric=metric,
            prediction_count=sum(row["prediction_count"] for row in of_group),
            days=tuple(_day_value(row, model, now=now) for row in of_group),
        )
        for (version, environment), of_group in groups.items()
    ]
    return tuple(sorted(found, key=lambda series: (-series.prediction_count, series.model_version, series.environment)))


def _day_value(row: ResultRow, model: Model, *, now: int) -> DayValue:
    day = _micros(row["window_start"])
    coverage = row["coverage"]
    is_old = now >= day + DAY_MICROS + model.labels.maturity // MICROSECOND
    return DayValue(
        day=day,
        value=row["value"],
        lower=row["lower"],
        upper=row["upper"],
        coverage=coverage,
        is_mature=is_old or (coverage is not None and coverage >= model.labels.min_coverage),
        reason=row["undefined_reason"],
    )


def _operations(
    rows: Sequence[ResultRow], performance: Sequence[Series], model: Model, *, now: int
) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for metric in OPERATIONS:
        for series in _series(rows, metric, model, now=now):
            main = performance[0] if performance else series
            if (series.model_version, series.environment) == (main.model_version, main.environment):
                found[metric] = series
                break
    return found


def _drift(rows: Sequence[ResultRow], performance: Sequence[Series]) -> dict[tuple[str, str], dict[int, DriftDay]]:
    """The verdicts by subject and day; of several versions and environments those of the one that predicts most."""
    ranks = {(series.model_version, series.environment): rank for rank, series in enumerate(performance)}
    ordered = sorted(
        (row for row in rows if row["measure"] == "overall"),
        key=lambda row: ranks.get((row["model_version"], row["environment"]), len(ranks)),
    )
    found: dict[tuple[str, str], dict[int, DriftDay]] = {}
    for row in ordered:
        of_subject = found.setdefault((row["drift_type"], row["feature"]), {})
        day = DriftDay(verdict=row["verdict"], reason=row["reason"], score=row["value"])
        of_subject.setdefault(_micros(row["window_start"]), day)
    return found


def _micros(written: str) -> int:
    return to_micros(datetime.fromisoformat(written))
