"""Reading the hours' sums back, as they stand or as they stood, for whatever is merged from them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.registry import sums_from_dict
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.results.as_of import held_at
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.measuring.families import Family, families, kind_of
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.windows import Grain, spans

table = performance_sums.c


def stored_sums(
    connection: Connection, model: Model, hours: Collection[int], *, wanted: Sequence[Family] | None = None
) -> dict[GroupKey, Sums]:
    """The standing sums of a model's hours that were made under its present declaration.

    Args:
        connection: a reading transaction.
        model: the declaration.
        hours: starts of hours.
        wanted: some of the model's families; all of them if left out.
    """
    asked = families(model) if wanted is None else wanted
    alike = [and_(table.family == family.name, table.measured_as == family.measured_as) for family in asked]
    return _read(row for row in _rows(connection, model.id, hours, as_of=None, condition=or_(*alike)))


def sums_as_of(connection: Connection, model_id: str, hours: Collection[int], *, instant: int) -> dict[GroupKey, Sums]:
    """The sums of a model's hours as they were told at an instant, whatever is declared today.

    Hours that were measured under different settings cannot be merged. Those of the newest hour count, so that the
    answer depends on nothing but what was stored by then.

    Args:
        connection: a reading transaction.
        model_id: the model.
        hours: starts of hours.
        instant: microseconds UTC.
    """
    rows = list(_rows(connection, model_id, hours, as_of=instant))
    newest = {row.family: row.measured_as for row in rows}  # rows are in the order of their hours
    return _read(row for row in rows if row.measured_as == newest[row.family])


def _rows(
    connection: Connection,
    model_id: str,
    hours: Collection[int],
    *,
    as_of: int | None,
    condition: ColumnElement[bool] | None = None,
) -> Iterator[Row[*tuple[Any, ...]]]:
    """One index range for each run of hours without a gap, so that what lies between scattered hours is not read."""
    query = select(
        table.window_start,
        table.model_version,
        table.environment,
        table.segment,
        table.family,
        table.measured_as,
        table.sums,
    ).where(
        table.model_id == model_id,
        held_at(performance_sums, as_of),
        *([] if condition is None else [condition]),
    )
    for start, end in spans(hours, Grain.HOUR):
        of_span = query.where(table.window_start >= start, table.window_start < end)
        yield from connection.execute(of_span.order_by(table.window_start))


def _read(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[GroupKey, Sums]:
    return {GroupKey.of(row): sums_from_dict(kind_of(row.measured_as), orjson.loads(row.sums)) for row in rows}


def outdated_hours(connection: Connection, model: Model, hours: Collection[int]) -> set[int]:
    """The hours whose standing sums are not those that the present declaration asks for.

    They have other settings, lack a family, or are not there at all.
    """
    expected = {(family.name, family.measured_as) for family in families(model)}
    query = (
        select(table.window_start, table.family, table.measured_as)
        .where(table.model_id == model.id, held_at(performance_sums, None))
        .distinct()
    )
    found: dict[int, set[tuple[str, str]]] = {}
    for start, end in spans(hours, Grain.HOUR):
        for row in connection.execute(query.where(table.window_start >= start, table.window_start < end)):
            found.setdefault(row.window_start, set()).add((row.family, row.measured_as))
    return {hour for hour in hours if found.get(hour) != expected}
