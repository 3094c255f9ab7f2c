"""How a model's labels usually come, for whoever judges young windows."""

from sqlalchemy import Connection

from monitoring_pipeline.performance.labels.curve import DelayCurve, learn_curve
from monitoring_pipeline.performance.labels.history import DelayHistory
from monitoring_pipeline.stages.label_history import judged_at, label_histories


def delay_curve(
    connection: Connection, model_id: str, *, now: int, environment: str | None = None
) -> DelayCurve | None:
    """The curve of a model's labels over the last 30 days, to ask :func:`~.labels.shortfall.shortfall` about windows.

    Args:
        connection: a reading transaction.
        model_id: whose labels.
        now: microseconds UTC.
        environment: one environment; ``None`` for all together.

    Returns:
        ``None`` where there is not enough history.
    """
    histories = label_histories(connection, model_id, now=now)
    delays = DelayHistory.of(
        hour for history in histories if environment in (None, history.environment) for hour in history.hours
    )
    curve = learn_curve(delays, at=judged_at(delays, now=now))
    return curve if isinstance(curve, DelayCurve) else None
