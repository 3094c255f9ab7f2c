"""The label status of several models as of one instant: what ``monitor labels`` prints."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading
from monitoring_pipeline.results.as_of import settled
from monitoring_pipeline.results.read import models_with_results
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.labels.status import label_status


def models_with_labels(engine: Engine) -> list[str]:
    """The models whose hours were computed, and so have a label status, in order."""
    return models_with_results(engine, performance_sums)


def label_rows(
    engine: Engine, config: MonitoringConfig, model_ids: Sequence[str], *, clock: Clock, as_of: int | None = None
) -> list[dict[str, Any]]:
    """One row for each model and environment, ready for JSON.

    Args:
        engine: the store.
        config: says when labels are due.
        model_ids: whose labels.
        clock: what time it is.
        as_of: what the monitor held to be true at this instant, microseconds UTC; ``None`` for the present.

    Raises:
        MonitorError: if the store cannot be reached, or ``as_of`` is in the future.
    """
    past = settled(engine, performance_sums, as_of, clock=clock)
    now = clock() if past is None else past
    with reading(engine) as connection:
        statuses = [
            label_status(connection, config, model_id, now=now, is_present=past is None) for model_id in model_ids
        ]
    return [row for status in statuses for row in status.to_dict()]
