"""Topics of Kafka as a source: messages are stored first, and only then are their offsets committed.

Whatever happens between the two, the messages are read again and recognised as they land. One thread polls, stores and
commits, so when partitions are taken away in a rebalance, all that was polled before is stored.

While the store is away, the partitions are paused and polling goes on, which tells the group that this member lives;
what was polled already waits in memory and is tried again.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin._metadata import TopicMetadata  # the package hides it from type checkers

from monitoring_pipeline.config.models import KafkaSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.kafka_settings import consumer_settings
from monitoring_pipeline.sources.messages import Place, place_of, portions
from monitoring_pipeline.sources.positions import Position

_LOG = logging.getLogger(__name__)

MOST_MESSAGES = 10_000  # of one transaction
MOST_BYTES = 32_000_000
_AT_A_TIME = 500
_POLL_SECONDS = 0.5  # how long a signal may wait to be seen
_REACH_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 30.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """How far a source is, after each transaction."""

    account: Account
    lag: int  # messages that are there and not stored, as far as the brokers have said


class TopicReader:
    """Reads the topics of one source; use it as a context manager.

    Args:
        name: the source's name in the config.
        source: its declaration.
        intake: where the rows go.
        environ: where secrets are looked up.
        tell: takes a sentence for people about what hinders the reading.
        first_pause_seconds: until the store is tried again when it is away; each further pause is twice as long.

    Raises:
        MonitorError: if a secret is missing or a setting is not known.
    """

    def __init__(
        self,
        name: str,
        source: KafkaSource,
        *,
        intake: Intake,
        environ: Mapping[str, str],
        tell: Tell = _LOG.warning,
        first_pause_seconds: float = 1.0,
    ) -> None:
        self.account = Account(source=name)
        self._source = source
        self._intake = intake
        self._tell = tell
        self._first_pause_seconds = first_pause_seconds
        self._early: list[Message] = []  # polled while waiting for the store
        self._uncommitted: dict[Place, int] = {}
        self._ends: set[Place] = set()  # partitions whose end was reached
        self._lags: dict[Place, int] = {}
        settings = consumer_settings(name, source, environ)
        try:
            self._consumer = Consumer({**settings, "error_cb": self._on_error}, logger=_LOG)
        except KafkaException as error:
            raise MonitorError(f"sources.{name}.settings: {error.args[0].str()}; mend the setting") from None

    def __enter__(self) -> Self:
        self._consumer.subscribe(list(self._source.topics), on_revoke=self._on_revoke)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the group, so that others take over at once."""
        self._consumer.close()

    def check_topics(self) -> None:
        """Make sure that the brokers answer and know the topics.

        Raises:
            MonitorError: if not.
        """
        self._known_topics()

    def _known_topics(self) -> dict[str, TopicMetadata]:
        try:
            known: dict[str, TopicMetadata] = self._consumer.list_topics(timeout=_REACH_SECONDS).topics
        except KafkaException as error:
            raise MonitorError(
                f"sources.{self.account.source}: the brokers do not answer ({error.args[0].str()}); "
                "check servers and settings, and that they are running"
            ) from None
        if missing := [topic for topic in self._source.topics if topic not in known]:
            raise MonitorError(f"sources.{self.account.source}: there is no topic {', '.join(missing)}; create it")
        return known

    def run(
        self,
        *,
        stop: Callable[[], bool],
        until_caught_up: bool = False,
        progress: Callable[[Consumed], None] | None = None,
    ) -> None:
        """Read until told to stop, or until the end of every partition was reached once.

        Args:
            stop: asked between transactions, and every half second while there is nothing to do.
            until_caught_up: end when all that was there is stored.
            progress: called after each transaction.

        Raises:
            MonitorError: if reading cannot go on. Nothing is lost: what is not stored is not committed.
        """
        wanted = self._present_ends() if until_caught_up else {}
        while not stop():
            messages = self._gather()
            if messages and not self._store(messages, stop):
                return
            if messages and progress is not None:
                progress(Consumed(account=self.account, lag=sum(self._lags.values())))
            if until_caught_up and not messages and self._has_caught_up(wanted):
                return

    def _gather(self) -> list[Message]:
        """All that is there, as far as one transaction holds it; waits for the first message only."""
        messages, self._early = self._early, []
        size = sum(map(len, messages))
        first = None if messages else self._consumer.poll(_POLL_SECONDS)
        polled = [] if first is None else [first]
        while polled:
            taken = [message for message in polled if self._is_content(message)]
            messages += taken
            size += sum(map(len, taken))
            if len(messages) >= MOST_MESSAGES or size >= MOST_BYTES:
                break
            polled = self._consumer.consume(_AT_A_TIME, timeout=0)
        return messages

    def _is_content(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (the client's own name for it)
            self._ends.add(place_of(message))
        else:
            self._on_error(error)
        return False

    def _store(self, messages: Sequence[Message], stop: Callable[[], bool]) -> bool:
        """Store messages, then commit their offsets; false if told to stop before the store came back."""
        reached = {place_of(message): (message.offset() or 0) + 1 for message in messages}
        rows = portions(messages, self._source)
        failures = 0
        while True:
            try:
                tallies = self._intake.land(rows, positions=[self._position(*found) for found in reached.items()])
                break
            except MonitorError as error:
                failures += 1
                seconds = min(_LONGEST_PAUSE_SECONDS, self._first_pause_seconds * 2 ** (failures - 1))
                self._tell(f"{len(messages)} messages wait, reading is paused, next try in {seconds:g} s: {error}")
                if not self._wait(seconds, stop):
                    return False
        if failures:
            self._consumer.resume(self._consumer.assignment())
            self._tell("the store is back; reading goes on")
        for tally in tallies:
            self.account.add(tally)
        self.account.passed_over += sum(message.value() is None for message in messages)
        self._commit(reached)
        return True

    def _wait(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Let time pass as a member of the group that takes no messages; false if told to stop."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if stop():
                return False
            self._consumer.pause(self._consumer.assignment())  # again: a rebalance brings partitions that are not
            message = self._consumer.poll(min(left, _POLL_SECONDS))
            if message is not None and self._is_content(message):
                self._early.append(message)
        return True

    def _commit(self, reached: Mapping[Place, int]) -> None:
        """Commit what is stored, of partitions that are still ours: others may have gone on with the rest."""
        self._uncommitted.update(reached)
        ours = set(self._assigned())
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
            _LOG.warning("offsets of %s are not committed yet: %s", self.account.source, error.args[0].str())

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = {Place(partition.topic, partition.partition) for partition in partitions}
        if any(place in self._uncommitted for place in leaving):
            self._commit({})
        self._ends -= leaving
        for place in leaving:
            self._uncommitted.pop(place, None)
            self._lags.pop(place, None)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            raise MonitorError(f"sources.{self.account.source}: reading cannot go on: {error.str()}")
        self._tell(f"sources.{self.account.source}: {error.str()}")

    def _present_ends(self) -> dict[Place, int]:
        """Up to where each partition that holds messages must be read."""
        topics = self._known_topics()
        places = [Place(topic, number) for topic in self._source.topics for number in topics[topic].partitions]
        ends: dict[Place, int] = {}
        for place in places:
            partition = TopicPartition(place.topic, place.partition)
            found = self._consumer.get_watermark_offsets(partition, timeout=_REACH_SECONDS)
            if found is not None and found[0] < found[1]:
                ends[place] = found[1]
        return ends

    def _has_caught_up(self, wanted: Mapping[Place, int]) -> bool:
        """Whether the whole group has stored all that was wanted: partitions may be with others, dead ones too."""
        missing = [TopicPartition(place.topic, place.partition) for place in wanted if place not in self._ends]
        try:
            found = self._consumer.committed(missing, timeout=_REACH_SECONDS) if missing else []
        except KafkaException as error:
            _LOG.warning("what the group has committed is not known: %s", error.args[0].str())
            return False
        return all(each.offset >= wanted[Place(each.topic, each.partition)] for each in found)

    def _assigned(self) -> list[Place]:
        return [Place(partition.topic, partition.partition) for partition in self._consumer.assignment()]

    def _position(self, place: Place, offset: int) -> Position:
        """Only for people to see: where reading goes on is what the group has committed."""
        found = self._consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), cached=True)
        end = max(offset, found[1] if found else offset)
        self._lags[place] = end - offset
        return Position(
            source=self.account.source, part=str(place), value={"next": offset, "end": end, "lag": end - offset}
        )
