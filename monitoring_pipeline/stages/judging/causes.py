"""Which ingest batches reached a window since its finding before: what an alert's event names as its causes.

Of a rule that looks back at earlier windows, those that reached these are named, too.

A batch counts by when it was ingested, not by what its rows say about themselves. It cannot tell a batch that landed
while the finding before was being computed: it is taken for a cause of that one. Nor one whose rows retention has
removed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from types import MappingProxyType

from sqlalchemy import Connection, Table, func, or_, select

from monitoring_pipeline.alerts.causes import MOST_BATCHES, Cause, Causes
from monitoring_pipeline.alerts.vocabulary import FindingKey
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.tables import actuals, ingest_batches, predictions
from monitoring_pipeline.windows import Window

_NOWHERE: Mapping[str, int] = MappingProxyType({})
_ROWS = {Kind.PREDICTIONS: predictions, Kind.ACTUALS: actuals}


def causes_of(
    connection: Connection,
    since: Mapping[FindingKey, int | None],
    *,
    ages: Collection[str] = (),
    looks_back: Mapping[str, int] = _NOWHERE,
) -> dict[FindingKey, Causes]:
    """The batches behind the events of some alerts, newest first, at most ``MOST_BATCHES`` of each.

    Reads the rows of each window once, however many alerts it has.

    Args:
        connection: of the transaction that records the findings.
        since: the alerts that move, each with the knowledge time of its finding before; ``None``: every batch of
            the window.
        ages: ids of the rules whose judgement moves with the window's age.
        looks_back: how many microseconds before its window a rule looks back, by its id.
    """
    by_stretch: dict[tuple[str, int, int], list[FindingKey]] = defaultdict(list)
    for key in since:
        window = Window(key.window_start, key.grain)
        by_stretch[key.model_id, window.start - looks_back.get(key.rule_id, 0), window.end].append(key)
    found: dict[FindingKey, Causes] = {}
    for (model_id, start, end), keys in by_stretch.items():
        arrived = _arrivals(connection, model_id, start, end, after=min(_instant(since[key]) for key in keys))
        for key in keys:
            later = [cause for arrived_at, cause in arrived if arrived_at > _instant(since[key])]
            found[key] = Causes(
                batches=tuple(later[:MOST_BATCHES]),
                further_count=max(len(later) - MOST_BATCHES, 0),
                ages=key.rule_id in ages,
            )
    return found


def _instant(since: int | None) -> int:
    return -1 if since is None else since


def _arrivals(connection: Connection, model_id: str, start: int, end: int, *, after: int) -> list[tuple[int, Cause]]:
    """The batches that brought rows after an instant, newest first, each with the last instant at which it did."""
    found = [
        arrival
        for kind, table in _ROWS.items()
        for arrival in _arrivals_in(connection, table, kind, model_id, start, end, after)
    ]
    return sorted(found, key=lambda arrival: (-arrival[0], arrival[1].source, arrival[1].batch_id, arrival[1].kind))


def _arrivals_in(
    connection: Connection, table: Table, kind: Kind, model_id: str, start: int, end: int, after: int
) -> list[tuple[int, Cause]]:
    batch = ingest_batches.c
    # A batch is noted at its first transaction; a long one goes on, and its rows are known later than that.
    last_row = func.max(table.c.received_at)
    query = (
        select(batch.batch_id, batch.source, batch.received_at, func.count().label("rows"), last_row.label("last_row"))
        .join_from(table, ingest_batches, table.c.batch_id == batch.batch_id)
        .where(table.c.model_id == model_id, table.c.predicted_at >= start, table.c.predicted_at < end)
        .group_by(batch.batch_id, batch.source, batch.received_at)
        .having(or_(batch.received_at > after, last_row > after))
    )
    return [
        (
            max(row.received_at, row.last_row),
            Cause(
                batch_id=row.batch_id,
                source=row.source,
                kind=kind.value,
                row_count=row.rows,
                received_at=row.received_at,
            ),
        )
        for row in connection.execute(query)
    ]
