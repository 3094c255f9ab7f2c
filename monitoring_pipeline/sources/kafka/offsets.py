"""How far a group has read: what is stored is committed, and what is left is told."""

import logging
from collections.abc import Collection, Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from monitoring_pipeline.sources.kafka.messages import Place
from monitoring_pipeline.sources.kafka.topics import REACH_SECONDS
from monitoring_pipeline.sources.positions import Position

_LOG = logging.getLogger(__name__)


class Offsets:
    """The offsets of one member of a group.

    Args:
        consumer: the member.
        source: the source's name in the config.
        group: the group's name.
    """

    def __init__(self, consumer: Consumer, source: str, group: str) -> None:
        self._consumer = consumer
        self._source = source
        self._group = group
        self._uncommitted: dict[Place, int] = {}
        self._lags: dict[Place, int] = {}

    @property
    def lag(self) -> int:
        """Messages that are there and not stored, as far as the brokers have said."""
        return sum(self._lags.values())

    def position(self, place: Place, offset: int, *, end: int | None = None) -> Position:
        """For people to see: where reading goes on is what the group has committed.

        Args:
            place: the partition.
            offset: up to which it is stored.
            end: behind its last message; what the brokers have said last if left out.
        """
        if end is None:
            found = self._consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), cached=True)
            end = max(offset, found[1] if found else offset)
        self._lags[place] = end - offset
        value = {"next": offset, "end": end, "lag": end - offset, "group": self._group}
        return Position(source=self._source, part=str(place), value=value)

    def commit(self, reached: Mapping[Place, int]) -> None:
        """Commit what is stored, of partitions that are still ours: others may have gone on with the rest."""
        self._uncommitted.update(reached)
        ours = {Place(partition.topic, partition.partition) for partition in self._consumer.assignment()}
        offsets = [
            TopicPartition(place.topic, place.partition, offset)
            for place, offset in self._uncommitted.items()
            if place in ours
        ]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
            self._uncommitted.clear()
        except KafkaException as error:
            # Stored all the same: committed with what comes next, or read again by whoever comes next.
            _LOG.warning("offsets of %s are not committed yet: %s", self._source, error.args[0].str())

    def read_from(self, begun: Mapping[Place, int]) -> None:
        """Take note of where partitions begin; it is committed with what comes next, or as they are taken away."""
        self._uncommitted.update(begun)

    def leave(self, places: Collection[Place]) -> None:
        """Commit what is stored of partitions that are being taken away, and forget them."""
        if any(place in self._uncommitted for place in places):
            self.commit({})
        for place in places:
            self._uncommitted.pop(place, None)
            self._lags.pop(place, None)

    def are_committed(self, wanted: Mapping[Place, range]) -> bool:
        """Whether the group has committed all that is wanted, its other members and dead ones included."""
        partitions = [TopicPartition(place.topic, place.partition) for place in wanted]
        try:
            found = self._consumer.committed(partitions, timeout=REACH_SECONDS) if partitions else []
        except KafkaException as error:
            _LOG.warning("what the group has committed is not known: %s", error.args[0].str())
            return False
        return all(each.offset in wanted[Place(each.topic, each.partition)] for each in found)
