"""Seals: the hours whose raw events were removed. What was computed of them stands, and stands for ever.

A seal is a row of the ledger, written in the transaction that removes the events. So it does not depend on
what ``retention.events_days`` says today: an hour without events is never taken for an hour without predictions,
also after the setting was widened or taken out.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.orm import aliased

from monitoring_pipeline.events.revisions import ModelHour
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.tables import partition_ledger

SEALED_EVENTS = "sealed_events"
"""The ledger's name for seals: ``revision`` is the hour's last, ``row_count`` the events that were removed."""

# Asked in every transaction of ingest: made once, it costs half as much.
_NEWEST = select(func.max(partition_ledger.c.window_start)).where(partition_ledger.c.dataset == SEALED_EVENTS)

# A seal has no bytes to check, so its checksum says what an undeclared model's task is inferred from.
_EVIDENCE = {
    (False, False): "numbers",
    (True, False): "classes",
    (False, True): "probabilities",
    (True, True): "classes and probabilities",
}


def seal(
    model_id: str, hour: int, *, revision: int, event_count: int, has_class: bool, has_probability: bool
) -> ledger.LedgerEntry:
    """The seal of a model's hour, to be published with :func:`monitoring_pipeline.lake.ledger.publish`.

    Args:
        model_id: the model.
        hour: start of the hour.
        revision: the hour's last revision.
        event_count: predictions and actuals that were removed.
        has_class: whether any of the predictions was a class name.
        has_probability: whether any of the predictions came with a probability.
    """
    return ledger.LedgerEntry(
        dataset=SEALED_EVENTS,
        model_id=model_id,
        window_start=hour,
        revision=revision,
        checksum=_EVIDENCE[has_class, has_probability],
        row_count=event_count,
    )


def sealed_hours(connection: Connection, hours: Collection[int]) -> set[ModelHour]:
    """The (model, hour) pairs among ``hours`` that are sealed."""
    return set(ledger.entries(connection, SEALED_EVENTS, hours))


def is_sealed(model_id: ColumnElement[str], hour: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that a model's hour, given as columns of a query, is sealed."""
    found = aliased(partition_ledger).c
    return (
        select(1).where(found.dataset == SEALED_EVENTS, found.model_id == model_id, found.window_start == hour).exists()
    )


def newest_sealed_hour(connection: Connection) -> int | None:
    """The latest hour of any model that is sealed; ``None`` if none is."""
    newest: int | None = connection.scalar(_NEWEST)
    return newest


def sealed_evidence(connection: Connection, model_id: str) -> tuple[bool, bool]:
    """Whether a model's removed predictions carried class names, and whether they carried a probability."""
    table = partition_ledger.c
    query = select(table.checksum).where(table.dataset == SEALED_EVENTS, table.model_id == model_id).distinct()
    found = set(connection.scalars(query))
    kinds = [flags for flags, evidence in _EVIDENCE.items() if evidence in found]
    return any(has_class for has_class, _ in kinds), any(has_probability for _, has_probability in kinds)
