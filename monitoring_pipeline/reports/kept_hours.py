"""What was computed of hours, kept for as long as nothing comes to them: asking again costs a merge."""

from collections.abc import Callable, Mapping

from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.stages.live.recent import Recent
from monitoring_pipeline.stages.measuring.groups import GroupKey

MOST_HOURS_KEPT = 2_000


class KeptHours:
    """The sums of models' hours; threads may share it."""

    def __init__(self) -> None:
        self._kept: Recent[Mapping[GroupKey, Sums]] = Recent(most_weight=MOST_HOURS_KEPT)

    def sums(
        self, name: str, revisions: Mapping[int, int], compute: Callable[[int], Mapping[GroupKey, Sums]]
    ) -> dict[GroupKey, Sums]:
        """The sums of some hours.

        Args:
            name: what tells models apart, and declarations of one that are not measured alike.
            revisions: of each hour, read before any of its rows.
            compute: the sums of an hour of which none of this revision are kept.
        """
        found: dict[GroupKey, Sums] = {}
        for hour, revision in sorted(revisions.items()):
            kept = self._kept.get((name, hour), revision=revision)
            if kept is None:
                kept = compute(hour)
                self._kept.put((name, hour), kept, revision=revision)
            found |= kept
        return found
