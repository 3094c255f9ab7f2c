"""The topics of one source, as the brokers know them."""

import sys
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin._metadata import TopicMetadata  # the package hides it from type checkers

from monitoring_pipeline.config.models import KafkaSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.kafka.messages import Place

REACH_SECONDS = 30.0  # how long a question to the brokers may take


def check_topics(consumer: Consumer, name: str, source: KafkaSource) -> None:
    """Make sure that the brokers answer and know the topics of a source.

    Raises:
        MonitorError: if not.
    """
    _known_topics(consumer, name, source)


def present_ends(consumer: Consumer, name: str, source: KafkaSource) -> dict[Place, range]:
    """Which offsets say that a partition was read up to its present end, of each in which there is anything to find:
    messages, or those that were deleted before the group has read them.

    An offset that the group has committed beyond the end, as of a topic that was created anew, is none of them.

    Raises:
        MonitorError: if the brokers do not answer, or do not know a topic.
    """
    topics = _known_topics(consumer, name, source)
    places = [Place(topic, number) for topic in source.topics for number in topics[topic].partitions]
    committed = _committed(consumer, name, places)  # first: the end may move on meanwhile
    ends: dict[Place, range] = {}
    for place in places:
        low, high = extent(consumer, name, place)
        if low < high or 0 <= committed[place] < high:
            ends[place] = range(high, committed[place] if committed[place] > high else sys.maxsize)
    return ends


def extent(consumer: Consumer, name: str, place: Place) -> tuple[int, int]:
    """The first offset that a partition holds, and the one after its last.

    Raises:
        MonitorError: if the brokers do not say.
    """
    partition = TopicPartition(place.topic, place.partition)
    try:
        found: tuple[int, int] | None = consumer.get_watermark_offsets(partition, timeout=REACH_SECONDS)
    except KafkaException as error:
        raise _unanswered(name, error.args[0].str()) from None
    if found is None:  # as if it were empty, all that it holds would pass for read
        raise _unanswered(name, f"nothing was said of {place} in {REACH_SECONDS:g} s")
    return found


def _committed(consumer: Consumer, name: str, places: Sequence[Place]) -> dict[Place, int]:
    partitions = [TopicPartition(place.topic, place.partition) for place in places]
    try:
        found = consumer.committed(partitions, timeout=REACH_SECONDS)
    except KafkaException as error:
        raise _unanswered(name, error.args[0].str()) from None
    return {Place(each.topic, each.partition): each.offset for each in found}


def _known_topics(consumer: Consumer, name: str, source: KafkaSource) -> dict[str, TopicMetadata]:
    try:
        known: dict[str, TopicMetadata] = consumer.list_topics(timeout=REACH_SECONDS).topics
    except KafkaException as error:
        raise _unanswered(name, error.args[0].str()) from None
    if missing := [topic for topic in source.topics if topic not in known]:
        raise MonitorError(f"sources.{name}: there is no topic {', '.join(missing)}; create it")
    return known


def _unanswered(name: str, what: str) -> MonitorError:
    return MonitorError(
        f"sources.{name}: the brokers do not answer ({what}); check servers and settings, and that they are running"
    )
