"""One window of one group: looked at alone, and a small hour together with those before it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.drift.looks import best_look
from monitoring_pipeline.drift.verdict import DriftType
from monitoring_pipeline.stages.drifting.groups import GroupRows
from monitoring_pipeline.stages.drifting.prepared.base import PreparedReference, WindowRows
from monitoring_pipeline.stages.drifting.result_rows import Comparison
from monitoring_pipeline.stages.drifting.subjects import Subject, criteria
from monitoring_pipeline.windows import HOUR_MICROS, Grain


def comparisons(
    model: Model, grain: Grain, start: int, group: GroupRows, references: Mapping[Subject, PreparedReference]
) -> Iterator[Comparison]:
    """Every subject of one group's window, measured; nothing for a window without rows.

    Args:
        model: the declaration.
        grain: of the window.
        start: of the window.
        group: the group's rows of the window, and of as many hours before as an hour may be pooled with.
        references: what each subject is compared with.
    """
    looks = _looks(model, grain, start, group)
    for comparison in comparisons_between(model, grain, looks, group, references):
        yield replace(comparison, key=comparison.key.within(start))


def comparisons_between(
    model: Model,
    grain: Grain,
    looks: Sequence[tuple[int, int]],
    group: GroupRows,
    references: Mapping[Subject, PreparedReference],
) -> Iterator[Comparison]:
    """Every subject of one group, measured by the best of some looks, each from where to where; nothing without one.

    Args:
        model: the declaration.
        grain: of the windows that references are prepared for.
        looks: start and end of each.
        group: the group's rows.
        references: what each subject is compared with.
    """
    if not looks:
        return
    rows_of_looks = [_rows(group, look, grain) for look in looks]
    tests: Counter[DriftType] = Counter()
    for subject, reference in references.items():
        tests[subject.drift_type] += len(reference.names)
    for subject, reference in references.items():
        alpha = model.drift.alpha / tests[subject.drift_type] / len(looks)
        wanted = criteria(model, subject)
        found = [reference.measure(rows, criteria=wanted, alpha=alpha) for rows in rows_of_looks]
        for name in reference.names:
            yield Comparison(
                key=group.key,
                drift_type=subject.drift_type,
                name=name,
                reference_id=reference.reference_id,
                measured=best_look([of_look[name] for of_look in found]),
            )


def _rows(group: GroupRows, look: tuple[int, int], grain: Grain) -> WindowRows:
    start, end = look
    table, hours = group.between(start, end)
    return WindowRows(table=table, hours=hours, grain=grain, window_count=-(-(end - start) // grain.micros))


def pooled_hours(model: Model, grain: Grain) -> int:
    """How many hours before a window may be looked at with it."""
    return model.drift.pool.hours - 1 if grain is Grain.HOUR else 0


def following(model: Model, grain: Grain, starts: Collection[int]) -> set[int]:
    """The later windows that these may be looked at with."""
    hours = range(1, pooled_hours(model, grain) + 1)
    return {start + hour * HOUR_MICROS for start in starts for hour in hours} - set(starts)


def _looks(model: Model, grain: Grain, start: int, group: GroupRows) -> list[tuple[int, int]]:
    """Where each look begins and ends: the window alone; the last hours if it is small."""
    end = start + grain.micros
    own = group.count(start, end)
    if own == 0:
        return []
    alone = (start, end)
    if grain is not Grain.HOUR or own >= model.drift.pool.rows:
        return [alone]
    earliest = start - pooled_hours(model, grain) * HOUR_MICROS
    before = range(start - HOUR_MICROS, earliest - 1, -HOUR_MICROS)
    enough = (first for first in before if group.count(first, end) >= model.drift.pool.rows)
    first = next(enough, earliest)
    if group.count(first, end) == own:
        return [alone]
    return [alone, (first, end)]
