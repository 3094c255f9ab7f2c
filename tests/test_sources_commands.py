"""``monitor consume`` and ``monitor sync`` as people and supervisors run them: as processes, stopped and killed."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
import yaml
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.database import open_engine
from monitoring_pipeline.events.tables import predictions
from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.migrations import upgrade
from tests.ingest_examples import prediction, write_ndjson
from tests.kafka_cluster import BRIEF, Cluster, kafka_cluster
from tests.native_services import PATIENCE_SECONDS, wait_for

MOST_AHEAD = 5_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with kafka_cluster() as running:
        yield running


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def declare(**sources: Any) -> None:
    Path("monitoring.yaml").write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")


def kafka(cluster: Cluster, topic: str) -> dict[str, Any]:
    return {"type": "kafka", "servers": cluster.servers, "topics": {topic: "predictions"}, "settings": BRIEF}


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "monitoring_pipeline.cli", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


def invoked(*words: str) -> tuple[int, list[dict[str, Any]], str]:
    result = CliRunner().invoke(app, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout or "[]"), result.stderr


@contextmanager
def a_store(file: Path) -> Iterator[Engine]:
    """The store that a process will open, made beforehand."""
    file.parent.mkdir(exist_ok=True)
    engine = open_engine(f"sqlite:///{file}")
    upgrade(engine)
    yield engine
    engine.dispose()


def stored_count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.sum(version_totals.c.prediction_count))) or 0


class Producer(threading.Thread):
    """Sends predictions without end; what it has sent is in its ledger, which neither consumer nor store keeps.

    It is never far ahead of the store: these brokers keep 5 MB of a partition, and forget what came before.
    """

    def __init__(self, cluster: Cluster, topic: str, engine: Engine) -> None:
        super().__init__()
        self.ledger: list[str] = []
        self._cluster, self._topic, self._engine = cluster, topic, engine
        self._randomness = random.Random(5)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.02):
            if len(self.ledger) - stored_count(self._engine) > MOST_AHEAD:
                continue
            ids = [f"p{len(self.ledger) + number}" for number in range(self._randomness.randrange(1, 200))]
            self._cluster.send(self._topic, [orjson.dumps(prediction(prediction_id=each)) for each in ids])
            self.ledger += ids

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()


def stores_more_than(count: int, engine: Engine, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, ended(process)
    return stored_count(engine) > count


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_consumer_that_is_killed_loses_nothing_and_stores_nothing_twice(
    cluster: Cluster, tmp_path: Path, kills: int
) -> None:
    topic = cluster.topic(f"kills-{kills}", partitions=3)
    declare(live=kafka(cluster, topic))

    with a_store(tmp_path / "home" / "monitor.db") as engine:
        with Producer(cluster, topic, engine) as producer:
            for _ in range(kills):
                process = started("consume")
                wait_for(partial(stores_more_than, stored_count(engine), engine, process), pause_seconds=0.01)
                process.kill()
                process.communicate()
        code, [account], err = invoked("consume", "--until-caught-up")

        with engine.connect() as connection:
            found = connection.execute(select(predictions.c.prediction_id)).scalars().all()
    assert code == 0, err
    assert (account["received"], account["quarantined"]) == (account["accepted"] + account["duplicates"], 0)
    assert sorted(found) == sorted(producer.ledger)


def test_a_consumer_that_is_asked_to_end_stores_what_it_has_and_leaves(cluster: Cluster, tmp_path: Path) -> None:
    topic = cluster.topic("asked")
    declare(live=kafka(cluster, topic))
    cluster.send(topic, [orjson.dumps(prediction(prediction_id=f"p{i}")) for i in range(30)])

    with a_store(tmp_path / "home" / "monitor.db") as engine:
        process = started("consume", "--json")
        wait_for(lambda: stored_count(engine) == 30)
        process.send_signal(signal.SIGTERM)
        code, out, err = ended(process)

    [account] = json.loads(out)
    assert (code, account["accepted"]) == (0, 30), err
    assert f"reading {topic}" in err


def test_refused_messages_end_a_batch_with_exit_code_3(cluster: Cluster) -> None:
    topic = cluster.topic("refused")
    declare(live=kafka(cluster, topic))
    cluster.send(topic, [b"{broken", orjson.dumps(prediction())])

    code, [account], err = invoked("consume", "--until-caught-up")

    assert (code, account["accepted"], account["reasons"]) == (3, 1, {"broken_json": 1})
    assert "live: 1 row refused (1 broken_json)" in err


def test_messages_that_were_deleted_unread_end_a_batch_with_exit_code_1_and_their_number(cluster: Cluster) -> None:
    topic = cluster.topic("deleted", partitions=1)
    declare(live={**kafka(cluster, topic), "group": topic})
    member = Consumer({"bootstrap.servers": cluster.servers, "group.id": topic})
    member.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    cluster.send(topic, [b" " * 900_000] * 12)  # these brokers keep 5 MB
    low, _ = member.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    member.close()

    code, [account], err = invoked("consume", "--until-caught-up")

    assert (code, account["lost"]) == (1, low)
    assert f"{topic}/0: offsets 0 to {low - 1} were deleted before they were read" in err


def test_a_topic_that_is_missing_ends_a_batch_with_one_sentence(cluster: Cluster) -> None:
    declare(live=kafka(cluster, "nowhere"))

    code, [account], err = invoked("consume", "--until-caught-up")

    assert (code, account["received"]) == (1, 0)
    assert err.endswith("monitor: sources.live: there is no topic nowhere; create it\n")


def test_sync_reads_files_and_tables_and_the_second_time_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    write_ndjson(tmp_path / "in" / "p.ndjson", [prediction(), "{broken"])
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, other:
        other.execute("CREATE TABLE truth (prediction_id, model_id, actual_value, timestamp)")
        other.execute("INSERT INTO truth VALUES ('p1', 'delay', 20.0, '2026-03-02T10:00:00Z')")
    monkeypatch.setenv("OTHER", f"sqlite:///{tmp_path / 'other.db'}")
    table = {"type": "sql", "url_env": "OTHER", "table": "truth", "watermark": "timestamp", "kind": "actuals"}
    declare(drop={"type": "files", "path": "in"}, truth=table)

    first, again = invoked("sync"), invoked("sync")

    assert [(each["source"], each["accepted"], each["quarantined"]) for each in first[1]] == [
        ("drop", 1, 1),
        ("truth", 1, 0),
    ]
    assert [(each["received"], each["duplicates"]) for each in again[1]] == [(0, 0), (1, 1)]
    assert (first[0], again[0]) == (3, 0)


def test_sync_goes_on_until_it_is_asked_to_end(tmp_path: Path) -> None:
    declare(drop={"type": "files", "path": "in/*.ndjson"})
    (tmp_path / "in").mkdir()

    with a_store(tmp_path / "home" / "monitor.db") as engine:
        process = started("sync", "--watch", "0.1", "--json")
        for number in (1, 2):
            write_ndjson(tmp_path / "in" / f"{number}.ndjson", [prediction(prediction_id=f"p{number}")])
            wait_for(lambda number=number: stored_count(engine) == number)  # type: ignore[misc]  # bound at once
        process.send_signal(signal.SIGINT)
        code, out, err = ended(process)

    assert (code, out.count('"accepted":1')) == (0, 2), err


NO_SOURCE = "the config names no source of type files, url or sql; add one under sources (docs/how-to/sources.md)"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sync",), NO_SOURCE),
        (("sync", "--source", "droop"), NO_SOURCE),
        (
            ("consume", "--source", "life"),
            "there is no source 'life' of type kafka; allowed: live; did you mean 'live'?",
        ),
    ],
)
def test_a_source_that_is_not_declared_is_told(cluster: Cluster, words: tuple[str, ...], told: str) -> None:
    declare(live=kafka(cluster, "any"))

    code, _, err = invoked(*words)

    assert (code, err) == (1, f"monitor: {told}\n")
