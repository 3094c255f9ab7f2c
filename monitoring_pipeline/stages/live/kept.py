"""The kept errors of a model's hours: which are up to date, their texts, and putting right those that are not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, and_, func

from monitoring_pipeline.database import insert_of, writing
from monitoring_pipeline.events.error_tables import hour_errors
from monitoring_pipeline.events.error_texts import ByPart, by_group, write_groups, write_parts
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.stages.live.listed import listed
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
        kept: the hours whose kept errors are up to date.
    """

    model_id: str
    revisions: Mapping[int, int]
    kept: frozenset[int]


def model_hours(connection: Connection, model_id: str, stretches: Sequence[Stretch]) -> ModelHours:
    """The hours that any of the stretches meets."""
    revised, kept = hour_revision.c, hour_errors.c
    ends = [stretch.end for stretch in stretches if stretch.end is not None]
    where = [
        revised.model_id == model_id,
        revised.hour >= floor(min(stretch.start for stretch in stretches), Grain.HOUR),
    ]
    if len(ends) == len(stretches):
        where.append(revised.hour < max(ends))
    same_hour = and_(kept.model_id == revised.model_id, kept.hour == revised.hour, kept.revision == revised.revision)
    columns: list[ColumnElement[int]] = [revised.hour, revised.revision, func.coalesce(kept.revision, 0)]
    rows = listed(connection, columns, source=hour_revision.outerjoin(hour_errors, same_hour), where=where)
    return ModelHours(
        model_id=model_id,
        revisions={hour: revision for hour, revision, _ in sorted(rows)},
        kept=frozenset(hour for hour, _, is_kept in rows if is_kept),
    )


def kept_texts(
    connection: Connection, model_id: str, hours: Collection[int], column: ColumnElement[str]
) -> dict[int, str]:
    """What ``column`` of the kept errors says about the hours."""
    if not hours:
        return {}
    table = hour_errors.c
    where = [table.model_id == model_id, table.hour >= min(hours), table.hour <= max(hours)]
    if len(hours) <= _FEW:
        where.append(table.hour.in_(sorted(hours)))
    rows = listed(connection, [table.hour, column], source=hour_errors, where=where)
    return {hour: text for hour, text in rows if hour in hours}


def keep(engine: Engine, model_id: str, computed: Computed) -> None:
    """Keep what was computed, unless what is kept is newer."""
    if not computed:
        return
    rows = [
        {
            "model_id": model_id,
            "hour": hour,
            "revision": revision,
            "errors": write_groups(by_group(parts.items())),
            "parts": write_parts(parts),
        }
        for hour, (revision, parts) in computed.items()
    ]
    with writing(engine) as connection:
        insert = insert_of(connection)(hour_errors)
        newer = insert.excluded.revision > hour_errors.c.revision
        replaced = {name: insert.excluded[name] for name in ("revision", "errors", "parts")}
        key = ["model_id", "hour"]
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=replaced, where=newer), rows)
