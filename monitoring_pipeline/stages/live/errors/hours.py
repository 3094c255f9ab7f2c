"""Errors of hours and of their parts, at one state of the store: remembered, else kept, else computed from their rows.

What is kept of an hour (see :mod:`monitoring_pipeline.events.hour_errors.keeping`) is good for one revision of it; an
hour whose kept errors are behind is computed from its rows, to be kept again. Whole hours are also remembered in
memory, so that an answer reads only those that have changed since the one before.
"""

from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import (
    PART_MICROS,
    ByGroup,
    ByPart,
    Group,
    by_group,
    read_groups,
    read_parts,
)
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.stages.live.answer import Cost
from monitoring_pipeline.stages.live.errors.kept import ModelHours, kept_texts
from monitoring_pipeline.stages.live.errors.reader import RowReader, sealed_files
from monitoring_pipeline.stages.live.errors.rows import errors_by_part, errors_of
from monitoring_pipeline.stages.live.recent import Recent
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.windows import HOUR_MICROS

MOST_GROUPS_REMEMBERED = 50_000  # an hour of a model by version and environment: about 1 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question under way: the state of the store that it is about, what it cost, and what was computed for it."""

    connection: Connection
    hours: ModelHours
    cost: Cost = field(default_factory=Cost)
    computed: dict[int, tuple[int, ByPart]] = field(default_factory=dict)

    @property
    def model_id(self) -> str:
        """The model that it is about."""
        return self.hours.model_id

    def texts(self, wanted: Collection[int], column: str) -> dict[int, str]:
        """What is kept of those hours whose kept errors are up to date."""
        found = kept_texts(self.connection, self.hours, wanted, hour_errors.c[column])
        self.cost.add(len(found), sum(map(len, found.values())))
        return found


class HourErrors:
    """Errors by hour; one for each process, used by all its threads.

    Args:
        lake: where the rows of hours are whose events were removed.
    """

    def __init__(self, lake: Lake) -> None:
        self._rows = RowReader(lake)
        self._recent: Recent[ByGroup] = Recent(most_weight=MOST_GROUPS_REMEMBERED)
        self._computing = Lock()

    def whole(self, asked: Asked, wanted: Set[int]) -> dict[int, ByGroup]:
        """The errors of whole hours."""
        found = self._remembered(asked, wanted)
        for hour, text in asked.texts(wanted - found.keys(), "errors").items():
            found[hour] = self._remember(asked, hour, read_groups(text))
        if missing := wanted - found.keys():
            with self._computing:  # of many who ask at once, one computes
                found |= self._remembered(asked, missing)
                for hour, parts in self._computed(asked, missing - found.keys()):
                    found[hour] = self._remember(asked, hour, by_group(parts.items()))
        return found

    def parts(self, asked: Asked, wanted: Set[int]) -> dict[int, ByPart]:
        """The errors of the parts of hours."""
        found: dict[int, ByPart] = {hour: read_parts(text) for hour, text in asked.texts(wanted, "parts").items()}
        found |= self._computed(asked, wanted - found.keys())
        return found

    def within(self, asked: Asked, hour: int, parts: ByPart, stretch: Stretch) -> Iterator[tuple[Group, ErrorSums]]:
        """What a stretch holds of an hour of which it holds only some: whole parts as they are, others from rows."""
        cut = set()
        for (start, version, environment), sums in parts.items():
            if stretch.holds(start, length=PART_MICROS):
                yield (version, environment), sums
            elif stretch.meets(start, length=PART_MICROS):
                cut.add(start)
        revision = asked.hours.revisions[hour]
        for start in sorted(cut):
            rows = self._rows.of_part(asked.connection, asked.model_id, start, revision=revision, cost=asked.cost)
            yield from errors_of(rows.between(stretch.start, stretch.end)).items()

    def _computed(self, asked: Asked, wanted: Set[int]) -> Iterator[tuple[int, ByPart]]:
        """The errors of the parts of hours, from their rows."""
        files = sealed_files(asked.connection, asked.model_id, wanted)
        for hour in sorted(wanted):
            rows = self._rows.between(
                asked.connection, asked.model_id, hour, hour + HOUR_MICROS, files=files, cost=asked.cost
            )
            parts = errors_by_part(rows)
            asked.computed[hour] = (asked.hours.revisions[hour], parts)
            yield hour, parts

    def _remembered(self, asked: Asked, wanted: Set[int]) -> dict[int, ByGroup]:
        revisions, model_id = asked.hours.revisions, asked.model_id
        found = self._recent.get_all({(model_id, hour): revisions[hour] for hour in wanted})
        return {hour: groups for (_, hour), groups in found.items()}

    def _remember(self, asked: Asked, hour: int, groups: ByGroup) -> ByGroup:
        revision = asked.hours.revisions[hour]
        self._recent.put((asked.model_id, hour), groups, revision=revision, weight=len(groups))
        return groups
