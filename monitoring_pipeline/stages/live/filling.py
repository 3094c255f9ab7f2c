"""Computing the errors of hours before anybody asks for them: a store that an older version filled keeps none.

An answer computes what it lacks and keeps it, which takes minutes where it lacks years. Here the same is done in
advance, the newest hours first, one at a time, each kept for good: it may end at any moment and goes on from there, and
an hour that is up to date costs nothing.
"""

import logging
import threading
from collections.abc import Sequence
from time import perf_counter

from sqlalchemy import Connection, and_, select
from sqlalchemy.exc import OperationalError

from monitoring_pipeline.database import reading, without_values
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.revisions import ModelHour
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.windows import HOUR_MICROS

_LOG = logging.getLogger(__name__)

# So many hours an answer computes by itself without anybody noticing.
_WORTH_TELLING = 24


def hours_behind(connection: Connection) -> list[ModelHour]:
    """The hours whose errors are not kept as they are now, the newest first."""
    revised, kept = hour_revision.c, hour_errors.c
    same = and_(kept.model_id == revised.model_id, kept.hour == revised.hour, kept.revision == revised.revision)
    query = (
        select(revised.model_id, revised.hour)
        .select_from(hour_revision.outerjoin(hour_errors, same))
        .where(kept.revision.is_(None))
        .order_by(revised.hour.desc(), revised.model_id)
    )
    return [(model_id, hour) for model_id, hour in connection.execute(query)]


def fill(live: Live, stop: threading.Event) -> None:
    """Compute and keep the errors of all hours that are behind, resting after each as long as it took.

    Args:
        live: the store.
        stop: ends it after the hour under way.
    """
    try:
        with reading(live.engine) as connection:
            behind = hours_behind(connection)
    except MonitorError as error:
        _LOG.warning("errors of hours are not computed in advance: %s", without_values(error))
        return
    if len(behind) > _WORTH_TELLING:
        _LOG.warning("answers that look back far are slow until the errors of %s hours are computed", len(behind))
    failures: list[Exception] = []
    for model_id, hour in behind:
        if stop.is_set():
            return
        began = perf_counter()
        try:
            live.errors.of(model_id, [Stretch(hour, hour + HOUR_MICROS)], which=lambda _: False)
        except (MonitorError, OperationalError) as error:
            failures.append(error)
        stop.wait(perf_counter() - began)
    _tell_end(len(behind), failures)


def _tell_end(count: int, failures: Sequence[Exception]) -> None:
    if failures:
        why = without_values(failures[0])  # the others are likely to say the same
        _LOG.warning("the errors of %s hours cannot be computed in advance, for example: %s", len(failures), why)
    elif count > _WORTH_TELLING:
        _LOG.warning("the errors of %s hours are computed", count)
