"""Errors of any stretch of time as of now: whole hours as they are kept, the edges from parts and rows.

The sums are exact, so the bits are those of all rows summed at once, whatever was kept and whatever was read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.hour_errors.texts import ByGroup, Group
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.stages.chunks import chunks
from monitoring_pipeline.stages.live.answer import Cost
from monitoring_pipeline.stages.live.errors.hours import Asked, HourErrors
from monitoring_pipeline.stages.live.errors.kept import keep, model_hours
from monitoring_pipeline.stages.live.stretches import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Errors of several stretches of time, all from one state of the store.

    Attributes:
        groups: by version and environment, for each stretch; those without rows are left out.
        cost: what had to be read.
    """

    groups: Sequence[ByGroup]
    cost: Cost


class LiveErrors:
    """Errors of models as of now; one for each process, used by all its threads.

    Args:
        engine: the store.
        lake: where the rows of hours are whose events were removed.

    Attributes:
        snapshots: the store, each of whose transactions reads one state of it.
    """

    def __init__(self, engine: Engine, *, lake: Lake) -> None:
        self._engine = engine
        # An answer reads more than once; on PostgreSQL only this makes all of it one state.
        is_postgresql = engine.dialect.name == "postgresql"
        self.snapshots = engine.execution_options(isolation_level="REPEATABLE READ") if is_postgresql else engine
        self._by_hour = HourErrors(lake)

    def of(self, model_id: str, stretches: Sequence[Stretch], *, which: Callable[[Group], bool]) -> Found:
        """The errors of the predictions made in each stretch, by version and environment.

        Args:
            model_id: the model.
            stretches: at least one.
            which: the groups to tell about.

        Raises:
            MonitorError: if the store cannot be reached, or a file of a sealed hour cannot be read.
        """
        with reading(self.snapshots) as connection:
            asked = Asked(connection=connection, hours=model_hours(connection, model_id, stretches))
            hours = asked.hours.revisions
            inside = [stretch.whole(hours) for stretch in stretches]
            edges = [stretch.cut() & hours.keys() for stretch in stretches]
            whole = self._by_hour.whole(asked, set().union(*inside))
            parts = self._by_hour.parts(asked, set().union(*edges))
            groups = []
            for stretch, held, cut in zip(stretches, inside, edges, strict=True):
                found = [entry for hour in held for entry in whole[hour].items()]
                for hour in cut:
                    found += self._by_hour.within(asked, hour, parts[hour], stretch)
                groups.append(_together(found, which))
        keep(self._engine, model_id, asked.computed)
        return Found(groups=groups, cost=asked.cost)

    def newest_hours(self, model_id: str, stretch: Stretch, *, which: Callable[[Group], bool], count: int) -> list[int]:
        """The newest hours of a stretch that hold a number of predictions of some groups, newest first."""
        chosen: list[int] = []
        with reading(self.snapshots) as connection:
            asked = Asked(connection=connection, hours=model_hours(connection, model_id, [stretch]))
            for some in reversed(chunks(asked.hours.revisions)):
                for hour, groups in sorted(self._by_hour.whole(asked, set(some)).items(), reverse=True):
                    there = sum(sums.prediction_count for group, sums in groups.items() if which(group))
                    if there and count > 0:
                        chosen.append(hour)
                        # An hour of which the stretch holds only a part may hold none of them in it.
                        count -= there if stretch.holds(hour) else 0
                if count <= 0:
                    break
        keep(self._engine, model_id, asked.computed)
        return chosen


def _together(found: Iterable[tuple[Group, ErrorSums]], which: Callable[[Group], bool]) -> dict[Group, ErrorSums]:
    by: dict[Group, list[ErrorSums]] = {}
    for group, sums in found:
        if which(group):
            by.setdefault(group, []).append(sums)
    return {group: ErrorSums.merged(by[group]) for group in sorted(by)}
