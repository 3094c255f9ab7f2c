"""Errors of any stretch of time as of now: whole hours from what is kept of them, the edges from their rows.

What is kept of an hour (see :mod:`monitoring_pipeline.events.error_sums`) is good for one revision of it; an hour
whose kept errors are behind is computed from its rows and kept again. Hours are also remembered in memory, so that
an answer reads only those that have changed since the one before.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection, Engine

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.error_tables import hour_errors
from monitoring_pipeline.events.error_texts import (
    PART_MICROS,
    ByGroup,
    ByPart,
    Group,
    by_group,
    read_groups,
    read_parts,
)
from monitoring_pipeline.events.seals import sealed_hours
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.stages.chunks import chunks
from monitoring_pipeline.stages.live.kept import ModelHours, keep, kept_texts, model_hours
from monitoring_pipeline.stages.live.recent import Recent
from monitoring_pipeline.stages.live.rows import ErrorRows, errors_by_part, errors_of, sealed_rows, stored_rows
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.stages.rows import joined
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor

MOST_GROUPS_REMEMBERED = 50_000  # an hour of a model by version and environment: about 1 kB
MOST_ROWS_REMEMBERED = 1_000_000  # 25 bytes each


@dataclass(slots=True, kw_only=True)
class Cost:
    """What had to be read for an answer: rows of events and of kept hours, and the bytes of their values."""

    rows: int = 0
    bytes: int = 0

    def add(self, rows: int, byte_count: int) -> None:
        """Take note of one more reading."""
        self.rows += rows
        self.bytes += byte_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Errors of several stretches of time, all from one state of the store.

    Attributes:
        groups: by version and environment, for each stretch; those without rows are left out.
        cost: what had to be read.
    """

    groups: Sequence[ByGroup]
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question under way."""

    connection: Connection
    hours: ModelHours
    cost: Cost = field(default_factory=Cost)
    computed: dict[int, tuple[int, ByPart]] = field(default_factory=dict)

    @property
    def model_id(self) -> str:
        return self.hours.model_id

    def texts(self, wanted: Collection[int], column: str) -> dict[int, str]:
        """What is kept of those hours whose kept errors are up to date."""
        current = {hour for hour in wanted if hour in self.hours.kept}
        found = kept_texts(self.connection, self.model_id, current, hour_errors.c[column])
        self.cost.add(len(found), sum(map(len, found.values())))
        return found


class LiveErrors:
    """Errors of models as of now; one for each process, used by all its threads.

    Args:
        engine: the store.
        lake: where the rows of hours are whose events were removed.
    """

    def __init__(self, engine: Engine, *, lake: Lake) -> None:
        self._engine = engine
        # An answer reads more than once; on PostgreSQL only this makes all of it one state.
        is_postgresql = engine.dialect.name == "postgresql"
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ") if is_postgresql else engine
        self._lake = lake
        self._hours: Recent[ByGroup] = Recent(most_weight=MOST_GROUPS_REMEMBERED)
        self._rows: Recent[ErrorRows] = Recent(most_weight=MOST_ROWS_REMEMBERED)
        self._computing = Lock()

    def of(self, model_id: str, stretches: Sequence[Stretch], *, which: Callable[[Group], bool]) -> Found:
        """The errors of the predictions made in each stretch, by version and environment.

        Args:
            model_id: the model.
            stretches: at least one.
            which: the groups to tell about.

        Raises:
            MonitorError: if the store cannot be reached, or a file of a sealed hour cannot be read.
        """
        with reading(self._snapshots) as connection:
            asked = _Asked(connection=connection, hours=model_hours(connection, model_id, stretches))
            hours = asked.hours.revisions
            inside = [stretch.whole(hours) for stretch in stretches]
            edges = [stretch.cut() & hours.keys() for stretch in stretches]
            whole = self._whole(asked, set().union(*inside))
            parts = self._parts(asked, set().union(*edges))
            groups = []
            for stretch, held, cut in zip(stretches, inside, edges, strict=True):
                found = [entry for hour in held for entry in whole[hour].items()]
                for hour in cut:
                    found += self._edge(asked, hour, parts[hour], stretch)
                groups.append(_together(found, which))
        keep(self._engine, model_id, asked.computed)
        return Found(groups=groups, cost=asked.cost)

    def newest_hours(
        self, model_id: str, stretch: Stretch, *, which: Callable[[Group], bool], count: int
    ) -> dict[int, bool]:
        """The newest hours of a stretch that hold a number of predictions of some groups.

        Returns:
            The hours in which these groups have predictions, newest first, each with whether it is sealed.
        """
        chosen: list[int] = []
        with reading(self._snapshots) as connection:
            asked = _Asked(connection=connection, hours=model_hours(connection, model_id, [stretch]))
            for some in reversed(chunks(asked.hours.revisions)):
                for hour, groups in sorted(self._whole(asked, set(some)).items(), reverse=True):
                    there = sum(sums.prediction_count for group, sums in groups.items() if which(group))
                    if there and count > 0:
                        chosen.append(hour)
                        # An hour of which the stretch holds only a part may hold none of them in it.
                        count -= there if stretch.holds(hour) else 0
                if count <= 0:
                    break
            sealed = sealed_hours(connection, chosen)
        keep(self._engine, model_id, asked.computed)
        return {hour: (model_id, hour) in sealed for hour in chosen}

    def _whole(self, asked: _Asked, wanted: Set[int]) -> dict[int, ByGroup]:
        """The errors of whole hours: remembered, else kept, else computed."""
        found = self._remembered(asked, wanted)
        for hour, text in asked.texts(wanted - found.keys(), "errors").items():
            found[hour] = self._remember(asked, hour, read_groups(text))
        if missing := wanted - found.keys():
            with self._computing:  # of many who ask at once, one computes
                found |= self._remembered(asked, missing)
                for hour, parts in self._computed(asked, missing - found.keys()):
                    found[hour] = self._remember(asked, hour, by_group(parts.items()))
        return found

    def _parts(self, asked: _Asked, wanted: Set[int]) -> dict[int, ByPart]:
        """The errors of the parts of hours: kept, else computed."""
        found: dict[int, ByPart] = {hour: read_parts(text) for hour, text in asked.texts(wanted, "parts").items()}
        found |= self._computed(asked, wanted - found.keys())
        return found

    def _computed(self, asked: _Asked, wanted: Set[int]) -> Iterator[tuple[int, ByPart]]:
        """The errors of the parts of hours, from their rows."""
        sealed = self._sealed(asked, wanted)
        for hour in sorted(wanted):
            rows = self._read(asked, hour, hour + HOUR_MICROS, sealed)
            asked.computed[hour] = (asked.hours.revisions[hour], errors_by_part(rows))
            yield hour, asked.computed[hour][1]

    def _edge(self, asked: _Asked, hour: int, parts: ByPart, stretch: Stretch) -> Iterator[tuple[Group, ErrorSums]]:
        """What a stretch holds of an hour of which it holds only a part."""
        cut = set()
        for (start, version, environment), sums in parts.items():
            if stretch.holds(start, length=PART_MICROS):
                yield (version, environment), sums
            elif stretch.meets(start, length=PART_MICROS):
                cut.add(start)
        for start in sorted(cut):
            rows = self._rows_of(asked, hour, start)
            yield from errors_of(rows.between(stretch.start, stretch.end)).items()

    def _rows_of(self, asked: _Asked, hour: int, start: int) -> ErrorRows:
        """The rows of one part of an hour: remembered, else read."""
        revision = asked.hours.revisions[hour]
        found = self._rows.get((asked.model_id, start), revision=revision)
        if found is None:
            found = self._read(asked, start, start + PART_MICROS, self._sealed(asked, {hour}))
            self._rows.put((asked.model_id, start), found, revision=revision, weight=len(found))
        return found

    def _read(self, asked: _Asked, start: int, end: int, sealed: Mapping[int, ledger.LedgerEntry]) -> ErrorRows:
        """The rows of an hour, or of a part of it."""
        entry = sealed.get(floor(start, Grain.HOUR))
        if entry is None:
            rows = stored_rows(asked.connection, asked.model_id, start, end)
        else:
            rows = sealed_rows(self._lake, entry).between(start, end)
        asked.cost.add(len(rows), rows.byte_count)
        return rows

    def _sealed(self, asked: _Asked, hours: Set[int]) -> dict[int, ledger.LedgerEntry]:
        """The files of those of the hours whose events were removed."""
        sealed = {hour for model_id, hour in sealed_hours(asked.connection, hours) if model_id == asked.model_id}
        if not sealed:
            return {}
        files = ledger.entries(asked.connection, joined.DATASET, sealed)
        return {hour: files[asked.model_id, hour] for hour in sealed}

    def _remembered(self, asked: _Asked, wanted: Set[int]) -> dict[int, ByGroup]:
        revisions, model_id = asked.hours.revisions, asked.model_id
        found = self._hours.get_all({(model_id, hour): revisions[hour] for hour in wanted})
        return {hour: groups for (_, hour), groups in found.items()}

    def _remember(self, asked: _Asked, hour: int, groups: ByGroup) -> ByGroup:
        revision = asked.hours.revisions[hour]
        self._hours.put((asked.model_id, hour), groups, revision=revision, weight=len(groups))
        return groups


def _together(found: Iterable[tuple[Group, ErrorSums]], which: Callable[[Group], bool]) -> dict[Group, ErrorSums]:
    by: dict[Group, list[ErrorSums]] = {}
    for group, sums in found:
        if which(group):
            by.setdefault(group, []).append(sums)
    return {group: ErrorSums.merged(by[group]) for group in sorted(by)}
