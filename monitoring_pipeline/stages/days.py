"""Which models have results of which days."""

from collections.abc import Collection

from sqlalchemy import Connection

from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.measuring.performance_results import DAILY


def models_of_days(connection: Connection, days: Collection[int]) -> list[tuple[str, int]]:
    """The (model, day) pairs among ``days`` that have been merged, by model and day."""
    return sorted(ledger.entries(connection, DAILY, days))
