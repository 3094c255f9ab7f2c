"""What was computed lately of a model's hours, in memory, within a bound."""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Generic, TypeVar

from monitoring_pipeline.events.revisions import ModelHour

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by model and hour, each good for one revision of the hour. Threads may share it.

    Args:
        most_weight: beyond it, what was asked for least recently is dropped.
    """

    def __init__(self, *, most_weight: int) -> None:
        self._most_weight = most_weight
        self._weight = 0
        self._values: OrderedDict[ModelHour, tuple[int, V, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: ModelHour, *, revision: int) -> V | None:
        """What is kept of this revision."""
        return self.get_all({key: revision}).get(key)

    def get_all(self, revisions: Mapping[ModelHour, int]) -> dict[ModelHour, V]:
        """What is kept of each key at the revision that it is asked for."""
        found: dict[ModelHour, V] = {}
        with self._lock:
            for key, revision in revisions.items():
                kept = self._values.get(key)
                if kept is not None and kept[0] == revision:
                    self._values.move_to_end(key)
                    found[key] = kept[1]
        return found

    def put(self, key: ModelHour, value: V, *, revision: int, weight: int = 1) -> None:
        """Keep a value instead of that of an older revision."""
        with self._lock:
            before = self._values.pop(key, None)
            if before is not None and before[0] > revision:  # a slower thread brings what is outdated already
                self._values[key] = before
                return
            self._values[key] = (revision, value, weight)
            self._weight += weight - (before[2] if before else 0)
            while self._weight > self._most_weight and len(self._values) > 1:
                _, (_, _, dropped) = self._values.popitem(last=False)
                self._weight -= dropped
