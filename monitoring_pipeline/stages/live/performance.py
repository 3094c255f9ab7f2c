"""``model_performance_metrics``: how good one version of a model has been over the last hours."""

from dataclasses import dataclass

from monitoring_pipeline.stages.live.answer import Answer, Cost
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.live.versions import resolved
from monitoring_pipeline.windows import HOUR_MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRow:
    """The errors of one version of a model in one environment.

    Attributes:
        model_id: the model.
        model_version: its version.
        environment: where it ran.
        prediction_count: all predictions, labelled or not.
        rmse: root mean squared error over the labelled ones; ``None`` if none is, or it is beyond what is kept.
        mae: mean absolute error, likewise.
        period_start: the earliest prediction, microseconds UTC.
        period_end: the latest one.
        labelled_count: predictions whose truth has arrived.
        coverage: their share, 0 to 1.
    """

    model_id: str
    model_version: str
    environment: str
    prediction_count: int
    rmse: float | None
    mae: float | None
    period_start: int
    period_end: int
    labelled_count: int
    coverage: float


def performance_metrics(
    live: Live, *, model_id: str, model_version: str, environment: str, time_window_hours: int
) -> Answer[PerformanceRow]:
    """The row of a version, if it has predictions.

    Args:
        live: the store, as of now.
        model_id: the model.
        model_version: a version, or ``latest``.
        environment: the environment.
        time_window_hours: how far to look back.
    """
    version = resolved(live.engine, model_id, version=model_version, environment=environment)
    if version is None:
        return Answer(rows=[], cost=Cost())
    group = (version, environment)
    since = Stretch(live.clock() - time_window_hours * HOUR_MICROS)
    found = live.errors.of(model_id, [since], which=group.__eq__)
    rows = [
        PerformanceRow(
            model_id=model_id,
            model_version=version,
            environment=environment,
            prediction_count=errors.prediction_count,
            rmse=errors.rmse,
            mae=errors.mae,
            period_start=errors.first_at,
            period_end=errors.last_at,
            labelled_count=errors.labelled_count,
            coverage=errors.coverage,
        )
        for errors in found.groups[0].values()
    ]
    return Answer(rows=rows, cost=found.cost)
