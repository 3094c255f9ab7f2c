"""Topics of Kafka: stored first, committed then; what cannot be accepted waits in quarantine."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.pool import NullPool

from monitoring_pipeline.config.models import KafkaSource, MonitoringConfig
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.schema import MAX_LINE_BYTES
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.kafka.reader import Consumed, TopicReader
from tests.conftest import FixedClock
from tests.ingest_examples import actual, prediction, stored
from tests.kafka_cluster import BRIEF, Cluster, kafka_cluster
from tests.native_services import wait_for

PARTITIONS = 2


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with kafka_cluster() as running:
        yield running


@pytest.fixture
def topic(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """A topic of the test's own."""
    return cluster.topic(str(abs(hash(request.node.name))), partitions=PARTITIONS)


def reader_of(
    cluster: Cluster,
    engine: Engine,
    clock: FixedClock,
    tell: Callable[[str], None] = lambda _sentence: None,
    **declared: Any,
) -> TopicReader:
    source = KafkaSource(**{"type": "kafka", "servers": cluster.servers, "settings": BRIEF, **declared})
    intake = Intake(engine=engine, config=MonitoringConfig(), clock=clock)
    return TopicReader("live", source, intake=intake, environ={}, tell=tell, first_pause_seconds=0.01)


def caught_up(cluster: Cluster, engine: Engine, clock: FixedClock, **declared: Any) -> Account:
    with reader_of(cluster, engine, clock, **declared) as reader:
        reader.run(stop=lambda: False, until_caught_up=True)
    return reader.account


def committed(cluster: Cluster, topic: str, group: str = "monitoring-pipeline") -> int:
    """The sum of a group's offsets, as the brokers hold them."""
    asking = Consumer({"bootstrap.servers": cluster.servers, "group.id": group})
    found = asking.committed([TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=10)
    asking.close()
    return sum(max(0, partition.offset) for partition in found)


def predictions(numbers: Sequence[int]) -> list[bytes]:
    return [orjson.dumps(prediction(prediction_id=f"p{number}")) for number in numbers]


def test_predictions_and_late_truth_come_from_topics_of_their_own(
    cluster: Cluster, engine: Engine, clock: FixedClock, topic: str
) -> None:
    truth = cluster.topic(f"{topic}-truth")
    cluster.send(topic, predictions(range(50)), compression="gzip")
    cluster.send(truth, [orjson.dumps(actual(prediction_id=f"p{i}")) for i in range(20)], compression="lz4")

    account = caught_up(cluster, engine, clock, topics={topic: "predictions", truth: "actuals"}, group=topic)

    assert (account.received, account.accepted, account.rejected) == (70, 70, 0)
    assert len(stored(engine, "predictions")) == 50
    assert all(row["predicted_at"] is not None for row in stored(engine, "actuals"))
    assert (committed(cluster, topic, topic), committed(cluster, truth, topic)) == (50, 20)


def test_messages_that_cannot_be_accepted_wait_in_quarantine_with_their_offset(
    cluster: Cluster, engine: Engine, clock: FixedClock
) -> None:
    topic = cluster.topic(f"poison-{engine.dialect.name}", partitions=1)
    pretty = orjson.dumps(prediction(prediction_id="pretty"), option=orjson.OPT_INDENT_2)
    huge = b'{"model_id": "' + b"x" * MAX_LINE_BYTES + b'"}'
    cluster.send(topic, [pretty, b"{broken", b"", None, b"\xff\x00", huge, b"[1]", *predictions([1])])

    account = caught_up(cluster, engine, clock, topics={topic: "predictions"})

    found = {(row["source"], row["line"]): row["reason"] for row in stored(engine, "quarantine")}
    assert found == {
        (f"{topic}/0", 1): "broken_json",
        (f"{topic}/0", 2): "broken_json",
        (f"{topic}/0", 4): "bad_text",
        (f"{topic}/0", 5): "too_large",
        (f"{topic}/0", 6): "not_an_object",
    }
    assert (account.received, account.accepted, account.quarantined, account.passed_over) == (7, 2, 5, 1)
    assert max(len(row["raw"]) for row in stored(engine, "quarantine")) <= 1_000


def test_an_offset_beyond_32_bits_is_kept(sqlite_engine: Engine, postgres_engine: Engine) -> None:
    types = {str(engine.dialect.name): _type_of_line(engine) for engine in (sqlite_engine, postgres_engine)}

    assert types == {"sqlite": "BIGINT", "postgresql": "BIGINT"}


def _type_of_line(engine: Engine) -> str:
    return next(str(column["type"]) for column in inspect(engine).get_columns("quarantine") if column["name"] == "line")


@pytest.mark.parametrize("kind_field", [None, "what"])
def test_messages_of_a_mixed_topic_say_what_they_are(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str, kind_field: str | None
) -> None:
    said = {} if kind_field is None else {"what": "predictions"}, {} if kind_field is None else {"what": "actual"}
    messages = [prediction(**said[0]), actual(**said[1]), {"model_id": "delay"}]
    cluster.send(topic, map(orjson.dumps, messages))

    account = caught_up(cluster, sqlite_engine, clock, topics={topic: "mixed"}, kind_field=kind_field)

    assert (account.accepted, account.reasons) == (2, {"missing_field": 1})
    assert len(stored(sqlite_engine, "actuals")) == 1


def test_what_is_read_again_is_stored_once(cluster: Cluster, engine: Engine, clock: FixedClock, topic: str) -> None:
    cluster.send(topic, predictions(range(30)))

    accounts = [caught_up(cluster, engine, clock, topics={topic: "predictions"}, group=group) for group in ("a", "b")]

    assert [(account.accepted, account.duplicates) for account in accounts] == [(30, 0), (0, 30)]


def test_reading_goes_on_where_the_group_has_committed(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str
) -> None:
    declared: dict[str, Any] = {"topics": {topic: "predictions"}, "group": topic}
    cluster.send(topic, predictions(range(10)))
    caught_up(cluster, sqlite_engine, clock, **declared)
    cluster.send(topic, predictions(range(10, 15)))

    account = caught_up(cluster, sqlite_engine, clock, **declared)

    assert (account.accepted, account.duplicates) == (5, 0)


def test_how_far_it_is_can_be_seen(cluster: Cluster, engine: Engine, clock: FixedClock, topic: str) -> None:
    cluster.send(topic, predictions(range(20)))

    caught_up(cluster, engine, clock, topics={topic: "predictions"})

    rows = stored(engine, "source_positions")
    assert {row["part"] for row in rows} <= {f"{topic}/{number}" for number in range(PARTITIONS)}
    assert {row["read_at"] for row in rows} == {clock.now}
    positions = [orjson.loads(row["position"]) for row in rows]
    assert (sum(found["next"] for found in positions), {found["lag"] for found in positions}) == (20, {0})


def test_nothing_is_committed_while_the_store_is_away_and_nothing_lost_when_it_is_back(
    cluster: Cluster, postgres_engine: Engine, postgres_url: Callable[[str], str], clock: FixedClock, topic: str
) -> None:
    database = str(postgres_engine.url.database)
    admin = create_engine(postgres_url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def open_to_connections(allowed: str) -> None:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {allowed}")
            connection.exec_driver_sql(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
            )

    told: list[str] = []
    committed_meanwhile: list[int] = []

    def tell(sentence: str) -> None:
        if "store" not in sentence:  # what brokers say of a slow machine
            return
        told.append(sentence)
        if len(told) == 3:  # it has been away for three tries
            committed_meanwhile.append(committed(cluster, topic, topic))
            cluster.send(topic, predictions(range(40, 60)))
            open_to_connections("true")

    def go_away(consumed: Consumed) -> None:
        if consumed.account.accepted == 10:
            open_to_connections("false")
            cluster.send(topic, predictions(range(10, 40)))

    cluster.send(topic, predictions(range(10)))

    with reader_of(cluster, postgres_engine, clock, tell, topics={topic: "predictions"}, group=topic) as reader:
        reader.run(stop=lambda: reader.account.accepted >= 60, progress=go_away)

    assert committed_meanwhile == [10]
    assert "messages wait, reading is paused" in told[0]
    assert told[-1] == "the store is back; reading goes on"
    assert len(stored(postgres_engine, "predictions")) == 60
    assert committed(cluster, topic, topic) == 60
    admin.dispose()


def test_who_is_stopped_while_the_store_is_away_leaves_the_messages_to_others(
    cluster: Cluster, sqlite_engine: Engine, tmp_path: Any, clock: FixedClock, topic: str
) -> None:
    away = create_engine(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")
    asked: list[str] = []
    cluster.send(topic, predictions(range(5)))

    with reader_of(cluster, away, clock, asked.append, topics={topic: "predictions"}, group=topic) as reader:
        reader.run(stop=lambda: bool(asked))
    account = caught_up(cluster, sqlite_engine, clock, topics={topic: "predictions"}, group=topic)

    assert (reader.account.received, account.accepted) == (0, 5)


def test_partitions_that_move_to_another_member_are_neither_missed_nor_stored_twice(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str
) -> None:
    stop = threading.Event()
    declared: dict[str, Any] = {"topics": {topic: "predictions"}, "group": topic}
    members: list[TopicReader] = []
    sent = list(range(100))
    cluster.send(topic, predictions(sent))

    def partly_read_by_the_second() -> bool:
        if len(members) == 2 and members[1].account.received:
            return True
        more = range(len(sent), len(sent) + 20)
        cluster.send(topic, predictions(more))
        sent.extend(more)
        return False

    def run() -> None:
        with reader_of(cluster, sqlite_engine, clock, **declared) as reader:
            members.append(reader)
            reader.run(stop=stop.is_set)

    with ThreadPoolExecutor(2) as threads:
        try:
            one = threads.submit(run)
            wait_for(lambda: len(stored(sqlite_engine, "predictions")) == len(sent))
            two = threads.submit(run)
            wait_for(partly_read_by_the_second)
            wait_for(lambda: len(stored(sqlite_engine, "predictions")) == len(sent))
            # Who was taken for dead in between reads again what was not committed, and commits it then.
            wait_for(lambda: committed(cluster, topic, topic) == len(sent))
        finally:
            stop.set()
        one.result()
        two.result()

    assert {row["prediction_id"] for row in stored(sqlite_engine, "predictions")} == {f"p{i}" for i in sent}


def test_a_topic_that_is_not_there_is_told(
    cluster: Cluster, sqlite_engine: Engine, clock: FixedClock, topic: str
) -> None:
    with (
        reader_of(cluster, sqlite_engine, clock, topics={topic: "mixed", "no such topic": "actuals"}) as reader,
        pytest.raises(MonitorError, match="there is no topic no such topic; create it"),
    ):
        reader.check_topics()


def test_a_setting_that_is_not_known_is_told(cluster: Cluster, sqlite_engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(MonitorError, match=r"sources\.live\.settings: .*no\.such\.setting"):
        reader_of(cluster, sqlite_engine, clock, topics={"t": "mixed"}, settings={"no.such.setting": 1})


def test_a_secret_that_is_not_set_is_told(cluster: Cluster, sqlite_engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(MonitorError, match=r"secrets_env: the environment variable NO_SUCH_SECRET is not set"):
        reader_of(cluster, sqlite_engine, clock, topics={"t": "mixed"}, secrets_env={"sasl.password": "NO_SUCH_SECRET"})
