"""Reading the hours' sums back, as they stand or as they stood, for whatever is merged from them."""

from collections.abc import Collection

import orjson
from sqlalchemy import Connection, and_, or_, select

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.registry import sums_from_dict
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.results.as_of import held_at
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.families import families
from monitoring_pipeline.stages.groups import GroupKey


def stored_sums(
    connection: Connection, model: Model, hours: Collection[int], *, as_of: int | None = None
) -> dict[GroupKey, Sums]:
    """The sums of a model's hours that were made under its present declaration.

    Args:
        connection: a reading transaction.
        model: the declaration.
        hours: starts of hours.
        as_of: an instant whose sums are wanted; ``None`` for those that stand.
    """
    table, wanted = performance_sums.c, set(hours)
    if not wanted:
        return {}
    kinds = {family.name: family.kind for family in families(model)}
    query = (
        select(table.window_start, table.model_version, table.environment, table.segment, table.family, table.sums)
        .where(
            table.model_id == model.id,
            table.window_start.between(min(wanted), max(wanted)),
            or_(*(and_(table.family == f.name, table.measured_as == f.measured_as) for f in families(model))),
            held_at(performance_sums, as_of),
        )
        .order_by(table.window_start)
    )
    return {
        GroupKey.of(row): sums_from_dict(kinds[row.family], orjson.loads(row.sums))
        for row in connection.execute(query)
        if row.window_start in wanted
    }


def outdated_hours(connection: Connection, model: Model, hours: Collection[int]) -> set[int]:
    """The hours whose standing sums are not those that the present declaration asks for: other settings, or a
    family that is missing."""
    table, wanted = performance_sums.c, set(hours)
    expected = {(family.name, family.measured_as) for family in families(model)}
    query = (
        select(table.window_start, table.family, table.measured_as)
        .where(
            table.model_id == model.id,
            table.window_start.between(min(wanted), max(wanted)),
            held_at(performance_sums, None),
        )
        .distinct()
    )
    found: dict[int, set[tuple[str, str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.window_start, set()).add((row.family, row.measured_as))
    return {hour for hour, measured in found.items() if hour in wanted and measured != expected}
