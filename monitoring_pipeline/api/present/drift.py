"""Drift of a model's last hours as the API tells it, computed at most once for each state of the store."""

from sqlalchemy import select

from monitoring_pipeline.api.present.insight import DriftNow, Insight
from monitoring_pipeline.api.present.latest import Answer
from monitoring_pipeline.api.present.performance import revision_of
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.events.tables import predictions
from monitoring_pipeline.reports.present import Present
from monitoring_pipeline.windows import HOUR_MICROS


def drift_now(insight: Insight, model_id: str, hours: int, present: Present) -> Answer[DriftNow]:
    """The look-back, unless it is plain that there is nothing to compare.

    Raises:
        MonitorError: if the model's reference cannot be read.
    """
    as_of = insight.installation.clock()
    if present.model.reference is None:
        return _nothing("the model declares no reference to measure drift against; declare one in the config", as_of)
    if not _has_predicted(insight, model_id, start=as_of - hours * HOUR_MICROS, end=as_of):
        return _nothing("there were no predictions in these hours", as_of)
    return insight.drift.ask(
        (model_id, hours),
        revision=revision_of(insight, model_id, hours),
        compute=lambda: _computed(insight, model_id, hours),
    )


def _computed(insight: Insight, model_id: str, hours: int) -> DriftNow:
    as_of = insight.installation.clock()
    results = insight.monitor.run_drift_detection(model_id, hours_lookback=hours)
    verdicts = {result.verdict for result in results}
    if DriftVerdict.DRIFT in verdicts:
        verdict, reason = DriftVerdict.DRIFT, None
    elif DriftVerdict.NO_DRIFT in verdicts:
        verdict, reason = DriftVerdict.NO_DRIFT, None
    else:
        verdict, reason = DriftVerdict.NOT_ENOUGH_DATA, "no feature had enough rows in these hours; look back further"
    return DriftNow(verdict=verdict, reason=reason, results=tuple(results), as_of=as_of)


def _nothing(reason: str, as_of: int) -> Answer[DriftNow]:
    found = DriftNow(verdict=DriftVerdict.NOT_ENOUGH_DATA, reason=reason, results=(), as_of=as_of)
    return Answer(value=found, revision=None)


def _has_predicted(insight: Insight, model_id: str, *, start: int, end: int) -> bool:
    table = predictions.c
    query = select(1).where(table.model_id == model_id, table.predicted_at >= start, table.predicted_at < end).limit(1)
    with reading(insight.installation.engine) as connection:
        return connection.scalar(query) is not None
