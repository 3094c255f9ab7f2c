"""All families of one collection, kept for a few seconds: however many scrapers ask, the store is asked seldom."""

import logging
import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.exposition import alerts, drift, performance, pipeline, predictions, quality
from monitoring_pipeline.exposition.families import Family
from monitoring_pipeline.exposition.moment import MOST_MODELS, Moment, seconds
from monitoring_pipeline.installation import Installation

KEPT_SECONDS = 5.0
"""Shorter than any sensible scrape interval; scrapers that come together share one collection."""

_SOURCES = (predictions, performance, drift, quality, alerts, pipeline)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What one collection found.

    Args:
        number: tells it from the one before.
        families: each within its bound.
    """

    number: int
    families: Sequence[Family]


class Collector:
    """Collects when it is asked to, one collection at a time; threads may share it.

    Args:
        installation: the config and the store.
        timer: seconds that only grow.
    """

    def __init__(self, installation: Installation, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._installation = installation
        self._timer = timer
        self._lock = threading.Lock()
        self._last = Collection(number=0, families=())
        self._collected_at: float | None = None

    def collection(self) -> Collection:
        """The last collection, or a new one if that is too old. A store out of reach is told by ``mlmon_store_up``.

        Whoever asks while a collection is being made is given the one before: a crowd of scrapers must not hold all
        threads that others need.
        """
        if not self._lock.acquire(blocking=self._collected_at is None):
            return self._last
        try:
            if self._collected_at is None or self._timer() - self._collected_at >= KEPT_SECONDS:
                self._last = Collection(number=self._last.number + 1, families=self._collect())
                self._collected_at = self._timer()
            return self._last
        finally:
            self._lock.release()

    def _collect(self) -> list[Family]:
        began = self._timer()
        try:
            with reading(self._installation.engine) as connection:
                moment = Moment.of(self._installation, connection)
                found = [family for source in _SOURCES for family in source.families(moment)]
        except MonitorError as error:
            _LOG.error("metrics could not be collected: %s", error)
            return [*_of_monitor(self._installation), _store_up(is_up=False)]
        capped = [family.capped() for family in found]
        lost = {family.name: count for family, count in capped}
        took = self._timer() - began
        return [
            *(family for family, _ in capped),
            *_of_monitor(self._installation),
            _store_up(is_up=True),
            _dropped(lost, models=max(0, moment.model_count - MOST_MODELS)),
            _gauge("mlmon_collection_duration_seconds", "How long this collection took.", took),
            _gauge("mlmon_heartbeat_timestamp_seconds", "When this collection was made.", seconds(moment.now)),
        ]


def _gauge(name: str, meaning: str, value: float) -> Family:
    return Family(name=name, meaning=meaning, samples=[((), value)], most=1)


def _store_up(*, is_up: bool) -> Family:
    return _gauge("mlmon_store_up", "1 if the store answered.", float(is_up))


def _of_monitor(installation: Installation) -> list[Family]:
    labels = (version("monitoring-pipeline"), platform.python_version(), installation.engine.dialect.name)
    return [
        Family(
            name="mlmon_build_info",
            meaning="What runs here; always 1.",
            labels=("version", "python", "store"),
            samples=[(labels, 1.0)],
            most=1,
        )
    ]


def _dropped(lost: dict[str, int], *, models: int) -> Family:
    return Family(
        name="mlmon_series_dropped",
        meaning="Series that are not shown because a family has too many; of family models: models that are not.",
        labels=("family",),
        samples=[((name,), float(count)) for name, count in {**lost, "models": models}.items()],
        most=50,
    )
