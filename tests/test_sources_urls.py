"""A file behind an address: fetched once for each state of it, from where the config says and nowhere else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.config.models import MonitoringConfig, UrlSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.urls import pull_url
from tests.conftest import FixedClock
from tests.ingest_examples import prediction, stored

SECRET = "geheim"


class Bucket(ThreadingHTTPServer):
    """An object store with one object; what it is asked for is noted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = orjson.dumps(prediction()) + b"\n"
        self.status = 200
        self.headers: dict[str, str] = {"ETag": '"1"'}
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/bucket/p.ndjson?signature={SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Bucket

    def do_GET(self) -> None:
        bucket = self.server
        tag = self.headers.get("If-None-Match")
        status = 304 if tag is not None and tag == bucket.headers.get("ETag") else bucket.status
        bucket.answers.append(status)
        self.send_response(status)
        for name, value in bucket.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(bucket.body if status == 200 else b"")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket() as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def read_on(engine: Engine, clock: FixedClock, bucket: Bucket, **changes: Any) -> Account:
    declared = {"type": "url", "url_env": "OBJECT", "format": "ndjson", "allow_private": True, **changes}
    intake, account = Intake(engine=engine, config=MonitoringConfig(), clock=clock), Account(source="object")
    source = UrlSource.model_validate(declared)
    pull_url("object", source, intake=intake, environ={"OBJECT": bucket.url}, into=account)
    return account


def test_a_file_is_landed_once_and_again_when_it_has_changed(engine: Engine, clock: FixedClock, bucket: Bucket) -> None:
    first, again = read_on(engine, clock, bucket), read_on(engine, clock, bucket)
    bucket.body += orjson.dumps(prediction(prediction_id="p2")) + b"\n"
    bucket.headers = {"ETag": '"2"'}

    changed = read_on(engine, clock, bucket)

    assert [(each.accepted, each.duplicates) for each in (first, again, changed)] == [(1, 0), (0, 0), (1, 1)]
    assert bucket.answers == [200, 304, 200]
    assert {row["source"] for row in stored(engine, "ingest_batches")} == {"object"}


def test_a_server_that_names_no_state_is_recognised_by_the_bytes(
    sqlite_engine: Engine, clock: FixedClock, bucket: Bucket
) -> None:
    bucket.headers = {}

    accounts = [read_on(sqlite_engine, clock, bucket) for _ in range(2)]

    assert [account.received for account in accounts] == [1, 0]
    assert bucket.answers == [200, 200]


@pytest.mark.parametrize(
    ("changes", "server", "told"),
    [
        ({"allow_private": False}, {}, "127.0.0.1 is refused: 127.0.0.1 is not a public address"),
        (
            {},
            {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
            "answered 302; redirects are not followed",
        ),
        ({}, {"status": 403}, "answered 403"),
        ({}, {"headers": {"Content-Encoding": "gzip"}}, "packs the file on the way"),
        ({"most_bytes": 10}, {}, "more than 10 bytes"),
        ({"format": "parquet"}, {}, "^sources.object cannot be read as Parquet"),
    ],
)
def test_what_is_not_the_file_that_was_meant_is_refused(
    sqlite_engine: Engine,
    clock: FixedClock,
    bucket: Bucket,
    changes: dict[str, Any],
    server: dict[str, Any],
    told: str,
) -> None:
    for name, value in server.items():
        setattr(bucket, name, value)

    with pytest.raises(MonitorError, match=told) as refused:
        read_on(sqlite_engine, clock, bucket, **changes)

    assert SECRET not in str(refused.value)
    assert stored(sqlite_engine, "source_positions") == []


@pytest.mark.parametrize(
    "url", ["", "ftp://host/x", "http://", "http://127.0.0.1:1/x?s=geheim", "http://no.such.invalid/"]
)
def test_an_address_that_leads_nowhere_is_told_without_what_is_secret_in_it(
    sqlite_engine: Engine, clock: FixedClock, bucket: Bucket, url: str
) -> None:
    bucket.url = url

    with pytest.raises(MonitorError, match=r"sources\.object") as refused:
        read_on(sqlite_engine, clock, bucket)

    assert SECRET not in str(refused.value)
