"""What a topic's retention deletes before it was read: told, counted, kept, and reading goes on behind it.

The brokers of these tests keep 5 MB of a partition, so that messages of that size delete what came before, as the
retention of a topic does.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitoring_pipeline.api.components.component import Status
from monitoring_pipeline.api.components.of_store import ingest as ingest_component
from monitoring_pipeline.config.models import KafkaSource, MonitoringConfig
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.kafka.gaps import resumption
from monitoring_pipeline.sources.kafka.messages import Place
from monitoring_pipeline.sources.kafka.reader import TopicReader
from monitoring_pipeline.sources.positions import Losses, Position, keep, losses_in, positions_of
from monitoring_pipeline.windows import DAY_MICROS
from tests.conftest import FixedClock
from tests.ingest_examples import prediction, stored
from tests.kafka_cluster import BRIEF, Cluster, kafka_cluster

PLACE = Place("t", 0)
LARGE = b" " * 900_000  # refused as no object; six of them are more than the brokers keep


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with kafka_cluster() as running:
        yield running


@pytest.fixture
def topic(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """A topic of the test's own, of one partition."""
    return cluster.topic(re.sub(r"[^a-z0-9]+", "-", request.node.name), partitions=1)


def reader_of(cluster: Cluster, engine: Engine, clock: FixedClock, topic: str, **declared: Any) -> TopicReader:
    settings = {**BRIEF, **declared.pop("settings", {})}
    where = {"servers": cluster.servers, "topics": {topic: "predictions"}, "group": topic, "settings": settings}
    source = KafkaSource(**{"type": "kafka", **where, **declared})
    intake = Intake(engine=engine, config=MonitoringConfig(), clock=clock)
    return TopicReader("live", source, intake=intake, environ={}, tell=lambda _sentence: None)


def caught_up(cluster: Cluster, engine: Engine, clock: FixedClock, topic: str, **declared: Any) -> Account:
    with reader_of(cluster, engine, clock, topic, **declared) as reader:
        reader.run(stop=lambda: False, until_caught_up=True)
    return reader.account


def predictions(first: int, count: int) -> list[bytes]:
    return [orjson.dumps(prediction(prediction_id=f"p{number}")) for number in range(first, first + count)]


def commit(cluster: Cluster, topic: str, offset: int) -> None:
    """Say what the group has read, as a member that has left."""
    member = Consumer({"bootstrap.servers": cluster.servers, "group.id": topic})
    member.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    member.close()


def brokers_say(cluster: Cluster, topic: str, *, number: int = 0) -> tuple[int, int, int]:
    """The first offset of a partition, the one behind its last, and what the group has committed."""
    asking = Consumer({"bootstrap.servers": cluster.servers, "group.id": topic})
    partition = TopicPartition(topic, number)
    low, high = asking.get_watermark_offsets(partition, timeout=10)
    [found] = asking.committed([partition], timeout=10)
    asking.close()
    return low, high, found.offset


@pytest.mark.parametrize("begin", ["earliest", "latest"])
def test_what_was_deleted_before_it_was_read_is_told_counted_and_kept(
    cluster: Cluster, engine: Engine, clock: FixedClock, begin: str
) -> None:
    topic = cluster.topic(f"deleted-{engine.dialect.name}-{begin}", partitions=1)
    cluster.send(topic, predictions(0, 30))
    commit(cluster, topic, 10)
    cluster.send(topic, [LARGE] * 12)
    cluster.send(topic, predictions(100, 5))

    account = caught_up(cluster, engine, clock, topic, begin=begin)
    again = caught_up(cluster, engine, clock, topic, begin=begin)

    low, high, committed = brokers_say(cluster, topic)
    assert low > 30
    assert (account.accepted, account.received, account.lost) == (5, high - low, low - 10)
    assert account.as_json()["lost"] == low - 10
    [sentence] = account.troubles
    assert sentence.startswith(
        f"{topic}/0: offsets 10 to {low - 1} were deleted before they were read, "
        f"so up to {low - 10} messages are lost; reading goes on at offset {low}."
    )
    assert {row["prediction_id"] for row in stored(engine, "predictions")} == {f"p{n}" for n in range(100, 105)}
    assert committed == high
    assert positions_of(engine, "live") == {
        f"{topic}/0": {"next": high, "end": high, "lag": 0, "group": topic},
        f"{topic}/0 lost": {"lost": low - 10, "last_from": 10, "last_to": low - 1},
    }
    with reading(engine) as connection:
        health = ingest_component(connection, now=clock.now)
        a_day_later = ingest_component(connection, now=clock.now + DAY_MICROS)
    assert (health.status, a_day_later.status) == (Status.DEGRADED, Status.HEALTHY)
    assert a_day_later.figures["lost_messages"] == low - 10
    assert (again.received, again.lost, again.troubles, again.remarks) == (0, 0, [], [])


@pytest.mark.parametrize(
    ("low", "told"),
    [
        (5, "t/0: offset 4 was deleted before it was read, so up to one message is lost; "),
        (6, "t/0: offsets 4 to 5 were deleted before they were read, so up to 2 messages are lost; "),
    ],
)
def test_what_is_lost_is_told_with_its_offsets(low: int, told: str) -> None:
    sentence = resumption(PLACE, stopped_at=4, low=low, high=9, stored=None, begin="earliest").sentence

    assert sentence is not None
    assert sentence.startswith(f"{told}reading goes on at offset {low}.")


def test_what_is_deleted_while_it_is_read_is_noticed_and_added_up(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str
) -> None:
    cluster.send(topic, predictions(0, 5))
    lows: list[int] = []

    with reader_of(cluster, sqlite_engine, clock, topic) as reader:
        for first in (100, 200):
            reader.run(stop=lambda: reader.account.accepted >= 5 * (1 + len(lows)))
            reader._consumer.pause(reader._consumer.assignment())  # it is too slow
            cluster.send(topic, [*[LARGE] * 12, *predictions(first, 5)])
            lows.append(brokers_say(cluster, topic)[0])
            reader._consumer.resume(reader._consumer.assignment())
        reader.run(stop=lambda: reader.account.accepted >= 15)

    first_end, second_begin = 5 + 12 + 5, lows[1]
    kept = positions_of(sqlite_engine, "live")[f"{topic}/0 lost"]
    assert reader.account.lost == kept["lost"] == lows[0] - 5 + second_begin - first_end
    assert (kept["last_from"], kept["last_to"]) == (first_end, second_begin - 1)
    assert len(reader.account.troubles) == 2


def test_a_gap_is_seen_although_the_brokers_have_forgotten_the_group(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str
) -> None:
    """As after seven days without a member: brokers forget what was committed, about when they delete messages.

    Here the group has never committed, and only the store knows that it has read.
    """
    cluster.send(topic, predictions(0, 5))
    read = Position(source="live", part=f"{topic}/0", value={"next": 5, "end": 5, "lag": 0, "group": topic})
    with writing(sqlite_engine) as connection:
        keep(connection, [read], now=clock())
    cluster.send(topic, [LARGE] * 12)

    account = caught_up(cluster, sqlite_engine, clock, topic, begin="latest")

    low, high, _ = brokers_say(cluster, topic)
    assert (account.lost, account.received) == (low - 5, high - low)


def test_a_topic_that_ends_before_the_offset_of_the_group_is_read_from_its_first_message(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str
) -> None:
    """As one that was deleted and created anew: the library would have gone on at its end with begin: latest."""
    cluster.send(topic, predictions(0, 5))
    commit(cluster, topic, 1_000)

    account = caught_up(cluster, sqlite_engine, clock, topic, begin="latest")

    assert (account.accepted, account.lost, account.troubles) == (5, 0, [])
    [remark] = account.remarks
    assert "is read again from offset 0; what is stored already is recognised" in remark
    assert brokers_say(cluster, topic)[2] == 5


@pytest.mark.parametrize(("begin", "accepted"), [("earliest", 10), ("latest", 5)])
def test_a_group_that_has_read_nothing_begins_as_declared_and_misses_nothing_from_then_on(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str, begin: str, accepted: int
) -> None:
    cluster.send(topic, predictions(0, 5))
    with reader_of(cluster, sqlite_engine, clock, topic, begin=begin) as reader:
        reader.run(stop=lambda: bool(reader._consumer.assignment()))
    cluster.send(topic, predictions(5, 5))  # while nobody reads

    account = caught_up(cluster, sqlite_engine, clock, topic, begin=begin)

    assert reader.account.accepted + account.accepted == accepted
    assert (account.lost, account.troubles, account.remarks) == (0, [], [])


@pytest.mark.parametrize(("begin", "accepted"), [("earliest", 10), ("latest", 5)])
def test_a_member_that_was_killed_before_its_first_commit_is_gone_on_from_where_it_began(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, begin: str, accepted: int
) -> None:
    """Only the store knows where it began: it had noted that, and no message came that would have been committed."""
    topic = cluster.topic(f"killed-{begin}", partitions=1)
    cluster.send(topic, predictions(0, 5))
    began = {"next": 0 if begin == "earliest" else 5, "end": 5, "lag": 0, "group": topic}
    with writing(sqlite_engine) as connection:
        keep(connection, [Position(source="live", part=f"{topic}/0", value=began)], now=clock())
    cluster.send(topic, predictions(5, 5))

    account = caught_up(cluster, sqlite_engine, clock, topic, begin=begin)

    assert (account.accepted, account.lost, account.troubles) == (accepted, 0, [])


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_other_partitions_are_neither_missed_nor_read_twice_when_one_has_a_gap(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, strategy: str
) -> None:
    topic = cluster.topic(f"others-{strategy}", partitions=4)
    cluster.send(topic, predictions(0, 200))
    commit(cluster, topic, 0)
    ends = [brokers_say(cluster, topic, number=number)[1] for number in range(4)]
    cluster.send(topic, [LARGE] * 12, partition=0)

    account = caught_up(cluster, sqlite_engine, clock, topic, settings={"partition.assignment.strategy": strategy})

    assert account.lost == positions_of(sqlite_engine, "live")[f"{topic}/0 lost"]["lost"] >= ends[0]
    assert (account.accepted, account.duplicates) == (sum(ends[1:]), 0)


def test_only_what_was_lost_is_counted_as_lost_whatever_the_name_of_a_file(engine: Engine, clock: FixedClock) -> None:
    lost = {"lost": 7, "last_from": 3, "last_to": 9}
    rows = [("exports/paradise lost", {"offset": 40}), ("t/0", {"next": 10}), ("t/0 lost", lost), ("t/1 lost", lost)]
    with writing(engine) as connection:
        keep(connection, [Position(source="live", part=part, value=value) for part, value in rows], now=clock())

        losses = losses_in(connection)

    assert losses == Losses(messages=14, last_at=clock.now)


offsets = st.integers(0, 30)


@given(st.none() | offsets, offsets, offsets, st.none() | offsets, st.sampled_from(["earliest", "latest"]))
def test_no_message_that_is_there_and_not_stored_is_passed_over_and_none_is_lost_twice(
    stopped_at: int | None, low: int, length: int, stored: int | None, begin: Any
) -> None:
    high = low + length

    found = resumption(PLACE, stopped_at=stopped_at, low=low, high=high, stored=stored, begin=begin)

    never_read = stopped_at is None and (stored is None or stored > high)
    wanted_from = high if never_read else stored
    goes_on = stopped_at is None and begin == "latest" and wanted_from is not None and wanted_from >= low
    assert found.offset == (wanted_from if goes_on else low)
    known = [offset for offset in (stopped_at, stored) if offset is not None and offset <= high]
    has_skipped = bool(known) and min(known) < low and (stopped_at is None or stopped_at <= high)
    assert set(found.lost) == ({offset for offset in range(low) if offset >= max(known)} if has_skipped else set())
    after = resumption(PLACE, stopped_at=stopped_at, low=low, high=high, stored=found.offset, begin=begin)
    assert not after.lost
