"""An hour's sums as they were known at an instant: computed from its joined file, and kept.

What is kept is a cache and nothing else: it is good while the joined file and the declaration are those that it was
computed from, so late truth that changes the file also ends what was kept of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.performance.registry import sums_from_dict
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.results.tables import sums_known_at as kept
from monitoring_pipeline.stages.blocked import blocked_windows
from monitoring_pipeline.stages.measuring.families import Family, families
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.stages.measuring.measure import grouped_sums
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import joined
from monitoring_pipeline.stages.rows.known_at import known_at
from monitoring_pipeline.stages.rows.read_lake import hour_tables


def sums_known_at(pipeline: Pipeline, model: Model, hours: Sequence[int], *, instant: int) -> dict[GroupKey, Sums]:
    """The sums of a model's hours from what was known at an instant, under the model's present declaration.

    Args:
        pipeline: the installation.
        model: the declaration.
        hours: starts of hours; those that hold no predictions, or whose data failed a critical expectation, are
            absent from the answer.
        instant: microseconds UTC.
    """
    with reading(pipeline.engine) as connection:
        entries = ledger.entries(connection, joined.DATASET, hours, model_id=model.id)
        blocked = blocked_windows(connection, model.id, hours) if entries else set()
        stored = _stored(connection, model, entries, instant)
    sources = [entry for (_, hour), entry in sorted(entries.items()) if hour not in blocked]
    missing = [entry for entry in sources if entry.window_start not in stored]
    computed = _computed(pipeline, model, missing, instant)
    if missing:
        with writing(pipeline.engine) as connection:
            _keep(connection, model, missing, computed, instant)
    usable = {entry.window_start for entry in sources}
    return {key: sums for hour in sorted(usable) for key, sums in (stored | computed)[hour].items()}


def _computed(
    pipeline: Pipeline, model: Model, sources: Sequence[ledger.LedgerEntry], instant: int
) -> dict[int, dict[GroupKey, Sums]]:
    found: dict[int, dict[GroupKey, Sums]] = {source.window_start: {} for source in sources}
    for source in sources:
        table, windows = hour_tables(pipeline.lake, [source])
        known = known_at(table, instant)
        sums = grouped_sums(model, known, windows[: known.num_rows], wanted=_judging(model))
        found[source.window_start] = sums
    return found


def _judging(model: Model) -> list[Family]:
    """The families that judge predictions by their truth."""
    return [family for family in families(model) if family.judges]


def _measured_as(model: Model) -> str:
    splits = [" & ".join(split) for split in model.segment_splits]
    settings = [[family.name, family.measured_as] for family in _judging(model)]
    return orjson.dumps([settings, splits, model.max_segment_values]).decode()


def _stored(
    connection: Connection, model: Model, entries: Mapping[tuple[str, int], ledger.LedgerEntry], instant: int
) -> dict[int, dict[GroupKey, Sums]]:
    if not entries:
        return {}
    kinds = {family.name: family.kind for family in families(model)}
    table = kept.c
    query = select(table.window_start, table.checksum, table.sums).where(
        table.model_id == model.id,
        table.window_start.in_([hour for _, hour in entries]),
        table.known_at == instant,
        table.measured_as == _measured_as(model),
    )
    return {
        row.window_start: dict(_read(row.window_start, kinds, item) for item in orjson.loads(row.sums))
        for row in connection.execute(query)
        if row.checksum == entries[model.id, row.window_start].checksum
    }


def _read(hour: int, kinds: Mapping[str, str], item: Sequence[Any]) -> tuple[GroupKey, Sums]:
    version, environment, segment, family, sums = item
    key = GroupKey(window_start=hour, model_version=version, environment=environment, segment=segment, family=family)
    return key, sums_from_dict(kinds[family], sums)


def _keep(
    connection: Connection,
    model: Model,
    sources: Sequence[ledger.LedgerEntry],
    computed: Mapping[int, Mapping[GroupKey, Sums]],
    instant: int,
) -> None:
    hours = [source.window_start for source in sources]
    ledger.serialize(connection, kept.name)
    connection.execute(
        delete(kept).where(kept.c.model_id == model.id, kept.c.window_start.in_(hours), kept.c.known_at == instant)
    )
    rows = [
        {
            "model_id": model.id,
            "window_start": source.window_start,
            "known_at": instant,
            "checksum": source.checksum,
            "measured_as": _measured_as(model),
            "sums": orjson.dumps([_written(key, sums) for key, sums in computed[source.window_start].items()]).decode(),
        }
        for source in sources
    ]
    connection.execute(insert(kept), rows)


def _written(key: GroupKey, sums: Sums) -> list[Any]:
    return [key.model_version, key.environment, key.segment, key.family, sums.to_dict()]


def forget_outdated(pipeline: Pipeline) -> int:
    """Remove what was kept of joined files that no longer stand; return how many rows that were."""
    standing = (
        select(1)
        .where(
            partition_ledger.c.dataset == joined.DATASET,
            partition_ledger.c.model_id == kept.c.model_id,
            partition_ledger.c.window_start == kept.c.window_start,
            partition_ledger.c.checksum == kept.c.checksum,
        )
        .exists()
    )
    with writing(pipeline.engine) as connection:
        return connection.execute(delete(kept).where(~standing)).rowcount
