"""Windows in which a later stage would compute nonsense: a critical expectation failed there.

The gate is per model, so one model's bad data never stops the others of the same hour.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from monitoring_pipeline.results.tables import quality_results


def blocked_windows(connection: Connection, model_id: str, starts: Collection[int]) -> set[int]:
    """Those of a model's hours in which a critical expectation stands failed or could not be evaluated."""
    if not starts:
        return set()
    table = quality_results.c
    query = (
        select(table.window_start)
        .where(
            table.model_id == model_id,
            table.window_start.between(min(starts), max(starts)),
            table.severity == "critical",
            table.verdict != "passed",
            table.known_to.is_(None),
        )
        .distinct()
    )
    return set(connection.scalars(query)) & set(starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedHour:
    """A model's hour without metrics, and the first critical expectation that failed there."""

    model_id: str
    window_start: int
    expectation: str


def blocked_model_hours(connection: Connection) -> list[BlockedHour]:
    """Every model-hour that stands blocked, the newest first."""
    table = quality_results.c
    query = (
        select(table.model_id, table.window_start, func.min(table.expectation).label("expectation"))
        .where(table.severity == "critical", table.verdict != "passed", table.known_to.is_(None))
        .group_by(table.model_id, table.window_start)
        .order_by(table.window_start.desc(), table.model_id)
    )
    return [BlockedHour(**row) for row in connection.execute(query).mappings()]
