"""Taking messages from the brokers: as many as one transaction holds, and none while the store is away."""

import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, Message

from monitoring_pipeline.sources.kafka.messages import Place, place_of

MOST_MESSAGES = 10_000  # of one transaction
MOST_BYTES = 32_000_000
_AT_A_TIME = 500
_POLL_SECONDS = 0.5  # how long a signal may wait to be seen


class Poller:
    """Polls for one member of a group.

    Args:
        consumer: the member.
        on_error: is told what the brokers complain of.

    Attributes:
        ends: partitions whose end was reached.
        stopped: partitions that the brokers do not give from where reading was, by that offset; ``None`` where the
            group has committed none.
    """

    def __init__(self, consumer: Consumer, on_error: Callable[[KafkaError], None]) -> None:
        self._consumer = consumer
        self._on_error = on_error
        self._early: list[Message] = []  # polled while waiting for the store
        self.ends: set[Place] = set()
        self.stopped: dict[Place, int | None] = {}

    def gather(self) -> list[Message]:
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

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool:
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

    def go_on(self) -> None:
        """Take messages again after waiting."""
        self._consumer.resume(self._consumer.assignment())

    def _is_content(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (the client's own name for it)
            self.ends.add(place_of(message))
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001  (the client's own name for it)
            self.stopped[place_of(message)] = message.offset()
        else:
            self._on_error(error)
        return False
