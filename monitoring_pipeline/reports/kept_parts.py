"""The sums of parts of hours, kept small: an hour has sixty of them, and a server may have hundreds of models."""

from collections.abc import Mapping

import orjson

from monitoring_pipeline.performance.operations.sums import OperationsSums
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.stages.live.recent import Recent
from monitoring_pipeline.stages.measuring.families.operations import OPERATIONS
from monitoring_pipeline.stages.measuring.groups import ALL, GroupKey

MOST_BYTES_KEPT = 16_000_000


class KeptParts:
    """How models served in parts of an hour, as text: 2 kB for 600 predictions instead of 13. Threads may share it.

    Args:
        most_bytes: of text; beyond it, what was asked for least recently is dropped.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES_KEPT) -> None:
        self._kept: Recent[str] = Recent(most_weight=most_bytes)

    def get_all(self, model_id: str, hour: int, counts: Mapping[int, int]) -> dict[int, dict[GroupKey, Sums]]:
        """What is kept of the parts of an hour.

        Args:
            model_id: the model.
            hour: its start.
            counts: predictions of each part now: of another number nothing is good any more.
        """
        found = self._kept.get_all({(model_id, part): count for part, count in counts.items()})
        return {part: _read(text, hour) for (_, part), text in found.items()}

    def put(self, model_id: str, part: int, found: Mapping[GroupKey, Sums], *, count: int) -> None:
        """Keep the sums of every version and environment of a part with so many predictions."""
        sums_of = [(key.model_version, key.environment, sums.to_dict()) for key, sums in found.items()]
        text = orjson.dumps(sums_of).decode()  # a text: orjson's bytes hold up to fifty times the memory that they show
        self._kept.put((model_id, part), text, revision=count, weight=len(text))


def _read(text: str, hour: int) -> dict[GroupKey, Sums]:
    return {
        operations_key(hour, version, environment): OperationsSums.from_dict(sums)
        for version, environment, sums in orjson.loads(text)
    }


def operations_key(hour: int, version: str, environment: str) -> GroupKey:
    """What the sums of how a version served in an hour belong to."""
    return GroupKey(window_start=hour, model_version=version, environment=environment, segment=ALL, family=OPERATIONS)
