"""Events that come too late: about hours whose raw events are removed, or will be at any moment.

They are refused inside the transaction that lands events, whose turn excludes the removal: an hour cannot be
sealed between the question and the landing.
"""

from collections.abc import Container, Sequence

from sqlalchemy import Connection

from monitoring_pipeline.events.quarantine import QuarantinedRow, QuarantineReason, Rejected
from monitoring_pipeline.events.revisions import ModelHour, hour_of
from monitoring_pipeline.events.schema import Event
from monitoring_pipeline.events.seals import newest_sealed_hour, sealed_hours
from monitoring_pipeline.events.sql.lookup import Key
from monitoring_pipeline.events.storing.actuals import predicted_instants
from monitoring_pipeline.windows import HOUR_MICROS, isoformat

_SETTING = "retention.events_days"


def refuse_late(
    connection: Connection, events: Sequence[Event], *, horizon: int | None
) -> tuple[list[Event], list[QuarantinedRow]]:
    """Divide events into those that may land and those that are past retention.

    A prediction is late if it was made before the horizon, or in a sealed hour. An actual is late if its own
    timestamp is before the horizon and nobody knows its prediction; truth about a prediction that is still
    stored is welcome at any age.

    Args:
        connection: an open writing transaction whose turn it is.
        events: valid events in order of arrival.
        horizon: see :func:`monitoring_pipeline.config.retention.retention_horizon`.
    """
    newest = newest_sealed_hour(connection)
    since = horizon or 0
    limit = since if newest is None else max(since, newest + HOUR_MICROS)
    old = [event for event in events if limit and _stamp(event) < limit]
    if not old:
        return list(events), []
    sealed = sealed_hours(connection, {_hour(event)[1] for event in old if _stamp(event) >= since})
    known = predicted_instants(connection, {_key(event) for event in old if event.prediction is None})
    kept: list[Event] = []
    refused: list[QuarantinedRow] = []
    for event in events:
        verdict = _verdict(event, since=since, sealed=sealed, known=known)
        if verdict is None:
            kept.append(event)
        else:
            refused.append(QuarantinedRow.of(verdict, line=event.line, raw=event.raw, part=event.part))
    return kept, refused


def _verdict(event: Event, *, since: int, sealed: Container[ModelHour], known: Container[Key]) -> Rejected | None:
    if event.prediction is None and _key(event) in known:
        return None
    if _stamp(event) < since:
        return _past_horizon(event, since)
    if event.prediction is not None and _hour(event) in sealed:
        return _sealed(event)
    return None


def _stamp(event: Event) -> float:
    """The event's own time; an actual without one is of no age."""
    if event.prediction is not None:
        return event.prediction.predicted_at
    stamp = None if event.actual is None else event.actual.observed_at
    return float("inf") if stamp is None else stamp


def _key(event: Event) -> Key:
    about = event.prediction or event.actual
    assert about is not None, "an event tells something"
    return about.model_id, about.prediction_id


def _hour(event: Event) -> ModelHour:
    return hour_of(_key(event)[0], int(_stamp(event)))


def _past_horizon(event: Event, horizon: int) -> Rejected:
    unknown = "" if event.prediction is not None else " and its prediction is not known"
    detail = (
        f"timestamp {isoformat(int(_stamp(event)))} is before {isoformat(horizon)}, "
        f"since when {_SETTING} keeps events{unknown}; it was not taken"
    )
    return Rejected(QuarantineReason.PAST_RETENTION, "timestamp", detail)


def _sealed(event: Event) -> Rejected:
    _, hour = _hour(event)
    detail = (
        f"the events of the hour {isoformat(hour)} were removed when {_SETTING} said so; "
        "the hour's results stand and it takes no more events"
    )
    return Rejected(QuarantineReason.PAST_RETENTION, "timestamp", detail)
