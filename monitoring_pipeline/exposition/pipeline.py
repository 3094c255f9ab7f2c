"""Whether the pipeline keeps up: hours that are due, the last success of each dataset, and rows that came in."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import func, select

from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.totals.ingest_totals import RowOutcome
from monitoring_pipeline.events.totals.tables import ingest_counters
from monitoring_pipeline.exposition.families import MODEL, Family
from monitoring_pipeline.exposition.moment import Moment, seconds
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.stages.due import due_hours
from monitoring_pipeline.windows import DAY_MICROS

LOOK_BACK_MICROS = 35 * DAY_MICROS
"""How far back due hours are looked for: the cost grows with it, and truth mostly comes within a month."""

_RECENT_MICROS = 2 * DAY_MICROS


def families(moment: Moment) -> Iterator[Family]:
    """The families of this module."""
    yield from _due(moment)
    yield Family(
        name="mlmon_last_success_timestamp_seconds",
        meaning="When a dataset was last published, of its newest two days.",
        labels=("dataset",),
        samples=[((dataset,), seconds(at)) for dataset, at in _published(moment)],
        most=50,
    )
    yield from _ingest(moment)


def _due(moment: Moment) -> Iterator[Family]:
    lately = replace(moment.span, start=max(moment.span.start, moment.now - LOOK_BACK_MICROS))
    hours: dict[str, list[int]] = defaultdict(list)
    for due in due_hours(moment.connection, now=moment.now, span=lately):
        hours[due.model_id].append(due.window_start)
    yield Family(
        name="mlmon_due_hours",
        meaning="Ended hours of the last 35 days that are not computed, or have changed since.",
        labels=(MODEL,),
        samples=[((model_id,), len(hours.get(model_id, ()))) for model_id in moment.rank],
        most=200,
    )
    yield Family(
        name="mlmon_oldest_due_hour_timestamp_seconds",
        meaning="When the oldest due hour began; absent where none is due.",
        labels=(MODEL,),
        samples=[((model_id,), seconds(min(hours[model_id]))) for model_id in moment.rank if model_id in hours],
        most=200,
    )


def _published(moment: Moment) -> Iterator[tuple[str, int]]:
    """From dataset to dataset along the index, which holds a row for each window there ever was."""
    table = partition_ledger.c
    dataset = moment.connection.scalar(select(func.min(table.dataset)))
    while dataset is not None:
        newest = select(func.max(table.window_start)).where(table.dataset == dataset).scalar_subquery()
        lately = (table.dataset == dataset, table.window_start > newest - _RECENT_MICROS)
        at = moment.connection.scalar(select(func.max(table.published_at)).where(*lately))
        if at is not None:
            yield dataset, at
        dataset = moment.connection.scalar(select(func.min(table.dataset)).where(table.dataset > dataset))


def _ingest(moment: Moment) -> Iterator[Family]:
    outcomes: dict[tuple[str, str], int] = {(kind.value, outcome.value): 0 for kind in Kind for outcome in RowOutcome}
    reasons: dict[tuple[str, str], int] = {}
    for row in moment.connection.execute(select(ingest_counters)):
        outcomes[row.kind, row.outcome] += row.row_count
        if row.reason:
            reasons[row.kind, row.reason] = row.row_count
    yield Family(
        name="mlmon_ingest_rows_total",
        meaning="Rows that were received, by what became of them: each is counted once.",
        labels=("kind", "outcome"),
        samples=sorted(outcomes.items()),
        most=20,
    )
    yield Family(
        name="mlmon_quarantined_rows_total",
        meaning="Rows that could not be accepted, by reason; conflicts among them.",
        labels=("kind", "reason"),
        samples=sorted(reasons.items()),
        most=80,
    )
