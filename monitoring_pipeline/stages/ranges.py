"""Which due windows one run computes: ranges without gaps, or groups of hours that lie apart."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection

from monitoring_pipeline.events.read import hour_revisions
from monitoring_pipeline.stages.due import DueWindow
from monitoring_pipeline.windows import HOUR_MICROS, Grain

# Windows bridged at once. An event of Dagster for each of them and stage costs about as much as a run does
# for a gap of this width.
MOST_BRIDGED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRange:
    """Due windows of all models, to be computed in one run.

    Args:
        starts: the windows, ascending.
        revision: grows with every change of any of them; part of the run key.
    """

    starts: tuple[int, ...]
    revision: int


def contiguous(
    due: Iterable[DueWindow], grain: Grain, *, longest: int, empty: Collection[int] = frozenset()
) -> list[DueRange]:
    """Due windows of all models as ranges without gaps.

    Args:
        due: the windows, of any models.
        grain: their grain.
        longest: the most windows of one range.
        empty: windows that may be bridged, because no model has an event in them and so nothing is computed
            there: without them each quiet night would cost a run of its own.
    """
    revisions = _revisions(due)
    ranges: list[list[int]] = []
    for start in sorted(revisions):
        gap = range(ranges[-1][-1] + grain.micros, start, grain.micros) if ranges else range(0)
        joins = bool(ranges) and len(gap) <= MOST_BRIDGED and all(between in empty for between in gap)
        if joins and len(ranges[-1]) + len(gap) < longest:
            ranges[-1] += [*gap, start]
        else:
            ranges.append([start])
    return [DueRange(starts=tuple(starts), revision=sum(revisions[s] for s in starts)) for starts in ranges]


def gathered(due: Iterable[DueWindow], *, longest: int) -> list[DueRange]:
    """The due windows of all models, whatever lies between them, as groups of at most ``longest``."""
    revisions = _revisions(due)
    ordered = sorted(revisions)
    groups = [ordered[first : first + longest] for first in range(0, len(ordered), longest)]
    return [DueRange(starts=tuple(group), revision=sum(revisions[start] for start in group)) for group in groups]


def empty_hours(connection: Connection, due: Sequence[DueWindow]) -> set[int]:
    """The hours between the due ones, in short gaps, in which no model has any event."""
    starts = sorted({window.window_start for window in due})
    between: set[int] = set()
    for before, after in pairwise(starts):
        if HOUR_MICROS < after - before <= (MOST_BRIDGED + 1) * HOUR_MICROS:
            between.update(range(before + HOUR_MICROS, after, HOUR_MICROS))
    return between - {revision.hour for revision in hour_revisions(connection, between)}


def _revisions(due: Iterable[DueWindow]) -> Counter[int]:
    """By window, the revisions of all its models together."""
    revisions: Counter[int] = Counter()
    for window in due:
        revisions[window.window_start] += window.revision
    return revisions
