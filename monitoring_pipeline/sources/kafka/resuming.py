"""Going on where the brokers do not give what was asked for: noted in the store first, then committed, then read.

If it ends in between, the same is found again, and nothing is told or counted twice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, TopicPartition

from monitoring_pipeline.config.models import KafkaSource
from monitoring_pipeline.database import writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.storing.transaction import take_turn
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.kafka.gaps import Resumption, resumption, stored_up_to
from monitoring_pipeline.sources.kafka.messages import Place
from monitoring_pipeline.sources.kafka.offsets import Offsets
from monitoring_pipeline.sources.kafka.settings import moves_single_partitions
from monitoring_pipeline.sources.kafka.topics import REACH_SECONDS, extent
from monitoring_pipeline.sources.positions import Position, keep, lost_part, positions_in

_LOG = logging.getLogger(__name__)


class Resumer:
    """Lets one member of a group begin with its partitions, and go on with those that have stopped.

    Args:
        consumer: the member.
        name: the source's name in the config.
        source: its declaration.
        intake: the store in which it is noted.
        offsets: of the member.
        tell: is told where a partition goes on, once that is noted.
    """

    def __init__(
        self,
        consumer: Consumer,
        name: str,
        source: KafkaSource,
        *,
        intake: Intake,
        offsets: Offsets,
        tell: Callable[[Resumption], None],
    ) -> None:
        self._consumer = consumer
        self._name = name
        self._source = source
        self._intake = intake
        self._offsets = offsets
        self._tell = tell
        self._resumed: dict[Place, int] = {}

    def begin(self, partitions: Sequence[TopicPartition]) -> None:
        """Take partitions that the group moves here; one of which it has committed nothing begins as declared.

        Raises:
            MonitorError: if the client refuses them.
        """
        begun = self._begun(partitions)
        for each in partitions:  # what was known of an earlier assignment holds no more
            self.leave(Place(each.topic, each.partition))
        self._resumed.update(begun)
        self._offsets.read_from(begun)
        placed = [_at(each, begun) for each in partitions]
        try:
            if moves_single_partitions(self._source):
                self._consumer.incremental_assign(placed)
            else:
                self._consumer.assign(placed)
        except KafkaException as error:
            raise self._refused(error) from None

    def resume(self, stopped: Mapping[Place, int | None]) -> bool:
        """Go on with partitions that are still ours, and note what is lost.

        Args:
            stopped: partitions, and at which offset they stopped; ``None`` where none was committed.

        Raises:
            MonitorError: if brokers or store do not answer, or the client refuses; then it can be tried again.
        """
        assigned = self._consumer.assignment()
        ours = {Place(each.topic, each.partition) for each in assigned}
        still = {place: at for place, at in stopped.items() if place in ours and not self._goes_on(place, at)}
        if still:
            begun = self._noted(still)
            self._offsets.commit(begun)
            self._read_from(begun, assigned)
            self._resumed.update(begun)
        return True

    def leave(self, place: Place) -> None:
        """Forget a partition that is being taken away."""
        self._resumed.pop(place, None)

    def _goes_on(self, place: Place, stopped_at: int | None) -> bool:
        """Whether the news of a stop is older than where reading has gone on since."""
        resumed = self._resumed.get(place)
        return resumed is not None and (stopped_at is None or stopped_at < resumed)

    def _begun(self, partitions: Sequence[TopicPartition]) -> dict[Place, int]:
        try:
            found = self._consumer.committed(list(partitions), timeout=REACH_SECONDS)
            return self._noted({Place(each.topic, each.partition): None for each in found if each.offset < 0})
        except (KafkaException, MonitorError) as error:
            # These partitions will stop, which is told and tried again outside of the client's callback.
            _LOG.debug("where partitions of %s begin is not known yet: %s", self._name, error)
            return {}

    def _noted(self, stopped: Mapping[Place, int | None]) -> dict[Place, int]:
        if not stopped:
            return {}
        extents = {place: extent(self._consumer, self._name, place) for place in stopped}
        with writing(self._intake.engine) as connection:
            take_turn(connection)
            kept = positions_in(connection, self._name)
            found = [self._found(place, at, extents[place], kept.get(str(place))) for place, at in stopped.items()]
            positions = [self._offsets.position(each.place, each.offset, end=each.end) for each in found]
            losses = [
                self._loss(each, kept.get(lost_part(str(each.place)), {}).get("lost", 0)) for each in found if each.lost
            ]
            keep(connection, [*positions, *losses], now=self._intake.clock())
        for each in found:
            self._tell(each)
        return {each.place: each.offset for each in found}

    def _found(
        self, place: Place, stopped_at: int | None, extent: tuple[int, int], kept: Mapping[str, Any] | None
    ) -> Resumption:
        low, high = extent
        stored = stored_up_to(kept, self._source.group)
        return resumption(place, stopped_at=stopped_at, low=low, high=high, stored=stored, begin=self._source.begin)

    def _loss(self, found: Resumption, before: int) -> Position:
        """A row of its own, so that no other member of the group writes over it."""
        value = {"lost": before + len(found.lost), "last_from": found.lost[0], "last_to": found.lost[-1]}
        return Position(source=self._name, part=lost_part(str(found.place)), value=value)

    def _read_from(self, begun: Mapping[Place, int], assigned: Sequence[TopicPartition]) -> None:
        # A partition that has stopped cannot be sought in: it must be assigned anew.
        try:
            if moves_single_partitions(self._source):
                moved = [TopicPartition(place.topic, place.partition, at) for place, at in begun.items()]
                self._consumer.incremental_unassign(moved)
                self._consumer.incremental_assign(moved)
            else:
                reached = self._consumer.position(list(assigned))
                self._consumer.assign([_at(each, {**self._resumed, **_reached(reached), **begun}) for each in reached])
        except KafkaException as error:
            raise self._refused(error) from None

    def _refused(self, error: KafkaException) -> MonitorError:
        return MonitorError(f"sources.{self._name}: partitions cannot be taken: {error.args[0].str()}")


def _reached(partitions: Sequence[TopicPartition]) -> dict[Place, int]:
    """What is read next of partitions of which anything was read."""
    return {Place(each.topic, each.partition): each.offset for each in partitions if each.offset >= 0}


def _at(partition: TopicPartition, offsets: Mapping[Place, int]) -> TopicPartition:
    """A partition at its offset, or at what the group has committed."""
    place = Place(partition.topic, partition.partition)
    return TopicPartition(place.topic, place.partition, offsets.get(place, OFFSET_STORED))
