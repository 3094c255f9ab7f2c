"""Errors of any stretch of time up to now: whole hours from what is kept of them, the edges from their rows.

What is kept of an hour is good for one revision of it. Revisions are read first and rows after: rows that land in
between belong to a later revision, so what is kept never pretends to be newer than it is. It is kept in memory, and
of whole hours in the store as well, so that a look back over weeks reads no rows, not even after a restart.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Engine, select

from monitoring_pipeline.database import insert_of, reading, writing
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.stages.chunks import chunks
from monitoring_pipeline.stages.live.errors import Errors, errors_of
from monitoring_pipeline.stages.live.recent import Recent
from monitoring_pipeline.stages.live.rows import ErrorRows, Group, read_hours
from monitoring_pipeline.stages.live.tables import hour_errors
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor

ByGroup = Mapping[Group, Errors]
Revisions = Mapping[int, int]
"""By the start of an hour: how often it has changed."""

Window = tuple[int, int]
"""``[start, end)``, microseconds UTC."""

MOST_ROWS_KEPT = 1_000_000  # 33 bytes each
MOST_HOURS_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Errors of a stretch of time.

    Attributes:
        groups: by version and environment; those without rows are left out.
        rows_read: predictions that had to be read for it.
    """

    groups: ByGroup
    rows_read: int


class LiveErrors:
    """Errors of models as of now; one for each process, used by all its threads.

    Args:
        engine: the store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hours: Recent[ByGroup] = Recent(most_weight=MOST_HOURS_KEPT)
        self._rows: Recent[ErrorRows] = Recent(most_weight=MOST_ROWS_KEPT)

    def of_windows(self, model_id: str, windows: Sequence[Window]) -> list[Found]:
        """The errors of the predictions made in each window, all from one state of the store.

        Raises:
            MonitorError: if the store cannot be reached.
        """
        edges = {hour for window in windows for hour in _edge_hours(window)}
        whole = {hour for window in windows for hour in _whole_hours(window)}
        with reading(self._engine) as connection:
            revisions = _revisions(connection, model_id, edges | whole)
            rows, read = self._rows_of(connection, model_id, {hour: revisions[hour] for hour in edges & set(revisions)})
            errors, computed = self._errors_of(
                connection, model_id, {hour: revisions[hour] for hour in whole & set(revisions)}
            )
        _store(self._engine, model_id, computed)
        rows_read = read + sum(group.prediction_count for _, groups in computed.values() for group in groups.values())
        return [Found(groups=_together(window, errors, rows), rows_read=rows_read) for window in windows]

    def _rows_of(self, connection: Connection, model_id: str, revisions: Revisions) -> tuple[dict[int, ErrorRows], int]:
        """The rows of hours, and how many of them were read from the store."""
        found: dict[int, ErrorRows] = {}
        for hour, revision in revisions.items():
            if (kept := self._rows.get((model_id, hour), revision=revision)) is not None:
                found[hour] = kept
        missing = read_hours(connection, model_id, revisions.keys() - found.keys())
        for hour, rows in missing.items():
            self._rows.put((model_id, hour), rows, revision=revisions[hour], weight=len(rows.predicted_at))
        return found | missing, sum(len(rows.predicted_at) for rows in missing.values())

    def _errors_of(
        self, connection: Connection, model_id: str, revisions: Revisions
    ) -> tuple[dict[int, ByGroup], dict[int, tuple[int, ByGroup]]]:
        """The errors of whole hours; those that had to be computed from rows also with their revision."""
        found: dict[int, ByGroup] = {}
        for hour, revision in revisions.items():
            if (kept := self._hours.get((model_id, hour), revision=revision)) is not None:
                found[hour] = kept
        stored = _stored(connection, model_id, {hour: revisions[hour] for hour in revisions.keys() - found.keys()})
        missing = sorted(revisions.keys() - found.keys() - stored.keys())
        computed = {
            hour: errors_of(rows)
            for some in chunks(missing)
            for hour, rows in read_hours(connection, model_id, some).items()
        }
        for hour, groups in (stored | computed).items():
            self._hours.put((model_id, hour), groups, revision=revisions[hour])
        return found | stored | computed, {hour: (revisions[hour], groups) for hour, groups in computed.items()}


def _edge_hours(window: Window) -> set[int]:
    """The hours of which a window holds only a part."""
    return {floor(edge, Grain.HOUR) for edge in window if edge % HOUR_MICROS}


def _whole_hours(window: Window) -> range:
    start, end = window
    return range(-(-start // HOUR_MICROS) * HOUR_MICROS, floor(end, Grain.HOUR), HOUR_MICROS)


def _together(window: Window, errors: Mapping[int, ByGroup], rows: Mapping[int, ErrorRows]) -> ByGroup:
    parts: dict[Group, list[Errors]] = {}
    edges = [errors_of(rows[hour].between(*window)) for hour in sorted(_edge_hours(window)) if hour in rows]
    whole = [errors[hour] for hour in _whole_hours(window) if hour in errors]
    for groups in (*edges, *whole):
        for group, found in groups.items():
            parts.setdefault(group, []).append(found)
    return {group: Errors.merged(found) for group, found in sorted(parts.items())}


def _revisions(connection: Connection, model_id: str, hours: Collection[int]) -> dict[int, int]:
    """Of the hours that have predictions, the revision each."""
    if not hours:
        return {}
    table = hour_revision.c
    query = select(table.hour, table.revision).where(
        table.model_id == model_id, table.hour.between(min(hours), max(hours))
    )
    return {hour: revision for hour, revision in connection.execute(query) if hour in hours}


def _stored(connection: Connection, model_id: str, revisions: Revisions) -> dict[int, ByGroup]:
    """What the store keeps of the hours at these revisions."""
    if not revisions:
        return {}
    table = hour_errors.c
    query = select(table.hour, table.revision, table.errors).where(
        table.model_id == model_id, table.hour.between(min(revisions), max(revisions))
    )
    return {
        hour: {(version, environment): Errors.from_json(told) for version, environment, told in orjson.loads(text)}
        for hour, revision, text in connection.execute(query)
        if revisions.get(hour) == revision
    }


def _store(engine: Engine, model_id: str, computed: Mapping[int, tuple[int, ByGroup]]) -> None:
    if not computed:
        return
    rows = [
        {
            "model_id": model_id,
            "hour": hour,
            "revision": revision,
            "errors": orjson.dumps([[*group, errors.to_json()] for group, errors in groups.items()]).decode(),
        }
        for hour, (revision, groups) in computed.items()
    ]
    with writing(engine) as connection:
        insert = insert_of(connection)(hour_errors)
        newer = insert.excluded.revision > hour_errors.c.revision
        replaced = {"revision": insert.excluded.revision, "errors": insert.excluded.errors}
        key = ["model_id", "hour"]
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=replaced, where=newer), rows)
