"""Topics of Kafka as a source: messages are stored first, and only then are their offsets committed.

Whatever happens between the two, the messages are read again and recognised as they land. One thread polls, stores and
commits, so when partitions are taken away in a rebalance, all that was polled before is stored.

While the store is away, the partitions are paused and polling goes on, which tells the group that this member lives;
what was polled already waits in memory and is tried again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from monitoring_pipeline.config.models import KafkaSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.storing.report import Tally
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.kafka.gaps import Resumption
from monitoring_pipeline.sources.kafka.messages import Place, place_of, portions
from monitoring_pipeline.sources.kafka.offsets import Offsets
from monitoring_pipeline.sources.kafka.patience import Patience, Tell
from monitoring_pipeline.sources.kafka.polling import Poller
from monitoring_pipeline.sources.kafka.resuming import Resumer
from monitoring_pipeline.sources.kafka.settings import consumer_settings
from monitoring_pipeline.sources.kafka.topics import check_topics, present_ends

_LOG = logging.getLogger(__name__)


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
        settings = consumer_settings(name, source, environ)
        try:
            self._consumer = Consumer({**settings, "error_cb": self._on_error}, logger=_LOG)
        except KafkaException as error:
            raise MonitorError(f"sources.{name}.settings: {error.args[0].str()}; mend the setting") from None
        self._poller = Poller(self._consumer, self._on_error)
        self._patience = Patience(self._poller, tell, first_pause_seconds=first_pause_seconds)
        self._offsets = Offsets(self._consumer, name, source.group)
        self._resumer = Resumer(
            self._consumer, name, source, intake=intake, offsets=self._offsets, tell=self._on_resumption
        )

    def __enter__(self) -> Self:
        self._consumer.subscribe(list(self._source.topics), on_assign=self._on_assign, on_revoke=self._on_revoke)
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
        check_topics(self._consumer, self.account.source, self._source)

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
        wanted = present_ends(self._consumer, self.account.source, self._source) if until_caught_up else {}
        while not stop():
            messages = self._poller.gather()
            if messages and not self._store(messages, stop):
                return
            if self._poller.stopped and not self._resume(stop):
                return
            if messages and progress is not None:
                progress(Consumed(account=self.account, lag=self._offsets.lag))
            if until_caught_up and not messages and self._has_caught_up(wanted):
                return

    def _store(self, messages: Sequence[Message], stop: Callable[[], bool]) -> bool:
        """Store messages, then commit their offsets; false if told to stop before the store came back."""
        reached = {place_of(message): (message.offset() or 0) + 1 for message in messages}
        rows = portions(messages, self._source)

        def land() -> list[Tally]:
            return self._intake.land(rows, positions=[self._offsets.position(*found) for found in reached.items()])

        tallies = self._patience.until_done(land, f"{len(messages)} messages", stop=stop)
        if tallies is None:
            return False
        for tally in tallies:
            self.account.add(tally)
        self.account.passed_over += sum(message.value() is None for message in messages)
        self._offsets.commit(reached)
        return True

    def _resume(self, stop: Callable[[], bool]) -> bool:
        """Go on with partitions that have stopped; false if told to stop before that was noted."""
        stopped = self._poller.stopped
        if not self._patience.until_done(lambda: self._resumer.resume(stopped), "partitions", stop=stop):
            return False
        stopped.clear()
        return True

    def _has_caught_up(self, wanted: Mapping[Place, range]) -> bool:
        """Whether the whole group has stored all that was wanted: partitions may be with others."""
        return self._offsets.are_committed(
            {place: end for place, end in wanted.items() if place not in self._poller.ends}
        )

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._resumer.begin(partitions)

    def _on_resumption(self, found: Resumption) -> None:
        self.account.lost += len(found.lost)
        if found.sentence is not None:
            self._tell(found.sentence)
            (self.account.regret if found.lost else self.account.remark)(found.sentence)

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = {Place(partition.topic, partition.partition) for partition in partitions}
        self._offsets.leave(leaving)
        self._poller.ends -= leaving
        for place in leaving:
            self._poller.stopped.pop(place, None)
            self._resumer.leave(place)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            raise MonitorError(f"sources.{self.account.source}: reading cannot go on: {error.str()}")
        self._tell(f"sources.{self.account.source}: {error.str()}")
