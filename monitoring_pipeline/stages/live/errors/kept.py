"""The hours of a model, their kept errors as far as they are up to date, and putting right those that are not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine

from monitoring_pipeline.database import insert_of, writing
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import MOST_PARTS, ByPart, by_group, write_groups, write_parts
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.stages.live.errors.listed import listed
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.windows import Grain, floor

# So many hours are asked for by name; of more, all from the first to the last are read.
_FEW = 48

Computed = Mapping[int, tuple[int, ByPart]]
"""By hour: the revision, and what was computed from the rows at that revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHours:
    """The hours of a model that have predictions, at one state of the store.

    Attributes:
        model_id: the model.
        revisions: by hour, how often it has changed.
    """

    model_id: str
    revisions: Mapping[int, int]


def model_hours(connection: Connection, model_id: str, stretches: Sequence[Stretch]) -> ModelHours:
    """The hours that any of the stretches meets."""
    revised = hour_revision.c
    ends = [stretch.end for stretch in stretches if stretch.end is not None]
    where = [
        revised.model_id == model_id,
        revised.hour >= floor(min(stretch.start for stretch in stretches), Grain.HOUR),
    ]
    if len(ends) == len(stretches):
        where.append(revised.hour < max(ends))
    rows = listed(connection, [revised.hour, revised.revision], source=hour_revision, where=where)
    return ModelHours(model_id=model_id, revisions={row[0]: row[1] for row in sorted(rows)})


def kept_texts(
    connection: Connection, hours: ModelHours, wanted: Collection[int], column: ColumnElement[str]
) -> dict[int, str]:
    """What ``column`` of the kept errors says about those hours whose kept errors are up to date."""
    if not wanted:
        return {}
    table = hour_errors.c
    where = [table.model_id == hours.model_id, table.hour >= min(wanted), table.hour <= max(wanted)]
    if len(wanted) <= _FEW:
        where.append(table.hour.in_(sorted(wanted)))
    rows = listed(connection, [table.hour, table.revision, column], source=hour_errors, where=where)
    return {hour: text for hour, kept_at, text in rows if hour in wanted and kept_at == hours.revisions[hour]}


def keep(engine: Engine, model_id: str, computed: Computed) -> None:
    """Keep what was computed, unless what is kept is newer, or it is of too many versions to be carried on."""
    rows = [
        {
            "model_id": model_id,
            "hour": hour,
            "revision": revision,
            "errors": write_groups(by_group(parts.items())),
            "parts": write_parts(parts),
        }
        for hour, (revision, parts) in computed.items()
        if len(parts) <= MOST_PARTS
    ]
    if not rows:
        return
    with writing(engine) as connection:
        insert = insert_of(connection)(hour_errors)
        newer = insert.excluded.revision > hour_errors.c.revision
        replaced = {name: insert.excluded[name] for name in ("revision", "errors", "parts")}
        key = ["model_id", "hour"]
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=replaced, where=newer), rows)
