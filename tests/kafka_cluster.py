"""Brokers of Kafka for tests: those that librdkafka itself brings, in this process, reachable by any other."""

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka
from confluent_kafka import Producer

_PRODUCER = 0
_WAIT_SECONDS = 30.0

BRIEF = {"session.timeout.ms": 2_000, "heartbeat.interval.ms": 500}
"""Settings of members: the brokers let whoever joins a group wait for those that left, until their session would end.

The client looks only twice a second whether a heartbeat is due: a session of half a second is lost again and again.
"""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running mock cluster of one broker."""

    servers: str
    library: ctypes.CDLL
    handle: ctypes.c_void_p

    def topic(self, name: str, *, partitions: int = 2) -> str:
        """Create a topic."""
        assert self.library.rd_kafka_mock_topic_create(self.handle, name.encode(), partitions, 1) == 0
        return name

    def send(
        self, topic: str, values: Iterable[bytes | None], *, compression: str = "none", partition: int = -1
    ) -> None:
        """Produce messages, and wait until the broker has them; neighbours go to different partitions by default."""
        producer = Producer(
            {"bootstrap.servers": self.servers, "compression.type": compression, "message.max.bytes": 5_000_000}
        )
        for number, value in enumerate(values):
            producer.produce(topic, value=value, key=str(number), partition=partition, headers={"trace": b"x"})
        assert producer.flush(_WAIT_SECONDS) == 0


@contextmanager
def kafka_cluster() -> Iterator[Cluster]:
    """A cluster whose groups are balanced at once."""
    library = _library()
    reason = ctypes.create_string_buffer(512)
    client = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, library.rd_kafka_conf_new(), reason, len(reason)))
    assert client.value, reason.value
    handle = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, 1))
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(handle, 0)
    try:
        servers = library.rd_kafka_mock_cluster_bootstraps(handle).decode()
        yield Cluster(servers=servers, library=library, handle=handle)
    finally:
        library.rd_kafka_mock_cluster_destroy(handle)
        library.rd_kafka_destroy(client)


def _library() -> ctypes.CDLL:
    # The wheel brings it under a name with a hash. Loaded again by its path, it is the one that the client uses.
    [path] = (Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs").glob("librdkafka*")
    library = ctypes.CDLL(str(path))
    library.rd_kafka_conf_new.restype = ctypes.c_void_p
    library.rd_kafka_new.restype = ctypes.c_void_p
    library.rd_kafka_new.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
    library.rd_kafka_mock_topic_create.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.restype = None
    library.rd_kafka_mock_cluster_destroy.argtypes = [ctypes.c_void_p]
    library.rd_kafka_mock_cluster_destroy.restype = None
    library.rd_kafka_destroy.argtypes = [ctypes.c_void_p]
    library.rd_kafka_destroy.restype = None
    return library
