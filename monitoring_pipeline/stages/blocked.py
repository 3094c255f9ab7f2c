"""Windows in which a later stage would compute nonsense: a critical expectation failed there.

The gate is per model, so one model's bad data never stops the others of the same hour.
"""

from collections.abc import Collection

from sqlalchemy import Connection, select

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
