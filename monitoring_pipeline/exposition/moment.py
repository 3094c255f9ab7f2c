"""What every family is told from: one reading transaction, one instant, and the models in order of importance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, func, select

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.span import MonitoredSpan
from monitoring_pipeline.windows import SECOND_MICROS

MOST_MODELS = 200
"""Models that are looked at: names come from users, and each has many series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One collection.

    Args:
        connection: a reading transaction.
        config: what is declared.
        span: what is monitored in time.
        now: microseconds UTC.
        rank: place by model, the declared ones first, then those with most predictions.
        model_count: models that there are, shown or not.
    """

    connection: Connection
    config: MonitoringConfig
    span: MonitoredSpan
    now: int
    rank: Mapping[str, int]
    model_count: int

    @classmethod
    def of(cls, installation: Installation, connection: Connection) -> Self:
        """The present one."""
        total = func.sum(version_totals.c.prediction_count)
        query = select(version_totals.c.model_id).group_by(version_totals.c.model_id)
        seen = connection.scalars(query.order_by(total.desc(), version_totals.c.model_id)).all()
        models = list(dict.fromkeys([*(model.id for model in installation.config.models), *seen]))
        return cls(
            connection=connection,
            config=installation.config,
            span=installation.pipeline.span,
            now=installation.clock(),
            rank={model_id: place for place, model_id in enumerate(models[:MOST_MODELS])},
            model_count=len(models),
        )


def seconds(micros: float) -> float:
    """An instant or a span of time in Prometheus' unit."""
    return micros / SECOND_MICROS
