"""Reading a model's past labels: the label sums of its hours, with how far each hour's labels were looked at."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import orjson
from sqlalchemy import Connection, and_, select

from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.performance.labels.history import DelayHistory, HourDelays
from monitoring_pipeline.performance.labels.sums import LabelSums
from monitoring_pipeline.performance.mergeable.log_histogram import CELLS_PER_OCTAVE, OCTAVE_EDGES, LogHistogram
from monitoring_pipeline.results.as_of import held_at
from monitoring_pipeline.results.tables import performance_sums
from monitoring_pipeline.stages.measuring.families.labels import LABELS
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.stages.measuring.performance_results import HOURLY
from monitoring_pipeline.windows import DAY_MICROS

LOOK_BACK_MICROS = 30 * DAY_MICROS
"""Four weekends are in it."""

LONGEST_SILENCE_MICROS = 9 * DAY_MICROS
"""Within the longest look-back in which a stop is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelHistory:
    """One environment's labels in the look-back, all versions together.

    Attributes:
        environment: whose they are.
        hours: the delays of each hour and version.
        arrived_count: rows that were ever labelled.
        corrected_count: of those, changed later.
        retracted_count: of those, taken back and not given again.
    """

    environment: str
    hours: tuple[HourDelays, ...]
    arrived_count: int
    corrected_count: int
    retracted_count: int


def label_histories(
    connection: Connection, model_id: str, *, now: int, look_back: int = LOOK_BACK_MICROS, is_present: bool = False
) -> list[LabelHistory]:
    """A model's labels as they were known at an instant, by environment.

    Reads one row for each hour, version and environment of the look-back. It begins so long before the newest hour
    that has a label: what has been silent for months is still compared with what it was.

    Args:
        connection: a reading transaction.
        model_id: whose labels.
        now: microseconds UTC.
        look_back: the length of the history in microseconds.
        is_present: ``now`` is the present instant. What stands is then read whatever its knowledge time: that of a
            host whose clock runs ahead lies in the future, and would hide all that was published since.
    """
    table = performance_sums.c
    of_model = (
        table.model_id == model_id,
        table.family == LABELS,
        table.segment == ALL,
        held_at(performance_sums, None if is_present else now),
    )
    labelled = select(table.window_start).where(*of_model, table.labelled_count > 0, table.window_start < now)
    newest = connection.scalar(labelled.order_by(table.window_start.desc()).limit(1))
    anchor = now if newest is None else newest
    since, until = anchor - look_back, min(now, anchor + look_back)
    query = select(table.window_start, table.environment, table.sums).where(
        *of_model, table.window_start >= since, table.window_start < until
    )
    looked_at = _looked_at(connection, model_id, since=since, until=until)
    found: dict[str, list[tuple[int, LabelSums]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.environment].append((row.window_start, LabelSums.from_dict(orjson.loads(row.sums))))
    return [_history(environment, hours, looked_at, now=now) for environment, hours in sorted(found.items())]


def judged_at(delays: DelayHistory, *, now: int) -> int:
    """The instant at which labels are to be judged: now, unless the last one came longer ago than a stop can be told.

    What stopped nine days ago is judged as it stood then; later, the silence would have become the history.
    """
    last = delays.last_arrival()
    return now if last is None else min(now, last + LONGEST_SILENCE_MICROS)


def _history(
    environment: str, hours: list[tuple[int, LabelSums]], looked_at: Mapping[int, int], *, now: int
) -> LabelHistory:
    return LabelHistory(
        environment=environment,
        hours=tuple(
            HourDelays(
                window_start=start,
                prediction_count=sums.prediction_count,
                delays=delay_cells(sums.delay_seconds),
                observed_until=min(now, looked_at.get(start, now)),
            )
            for start, sums in hours
        ),
        arrived_count=sum(sums.delay_seconds.count for _, sums in hours),
        corrected_count=sum(sums.corrected_count for _, sums in hours),
        retracted_count=sum(sums.retracted_count for _, sums in hours),
    )


def _looked_at(connection: Connection, model_id: str, *, since: int, until: int) -> dict[int, int]:
    """When the hours that changed since were last computed: labels that came later are stored, but not counted yet."""
    ledger, revision = partition_ledger.c, hour_revision.c
    same_hour = and_(ledger.model_id == revision.model_id, ledger.window_start == revision.hour)
    query = (
        select(ledger.window_start, ledger.published_at)
        .join(hour_revision, same_hour)
        .where(
            ledger.dataset == HOURLY,
            ledger.model_id == model_id,
            ledger.window_start >= since,
            ledger.window_start < until,
            ledger.revision < revision.revision,
        )
    )
    return {row.window_start: row.published_at for row in connection.execute(query)}


def delay_cells(histogram: LogHistogram) -> list[tuple[float, int]]:
    """A histogram's cells by their upper bound, ascending.

    >>> delay_cells(LogHistogram(zero_count=2, cells=((35, 1),)))  # below 1 second
    [(0.0, 2), (1.0, 1)]
    """
    zeros = [(0.0, histogram.zero_count)] if histogram.zero_count else []
    return zeros + [(_upper_bound(cell), count) for cell, count in histogram.cells]


@cache  # a year of delays has some 1,500 cells, a look-back has tens of thousands
def _upper_bound(cell: int) -> float:
    exponent, step = divmod(cell + 1, CELLS_PER_OCTAVE)
    return math.ldexp(OCTAVE_EDGES[step], exponent)
