"""The notations and encodings in which events may be sent, and the limits on them."""

import asyncio
import gzip
import random
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Engine, func, select

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.ingest.documents import TooManyLinesError, rows_of
from monitoring_pipeline.api.ingest.limits import IngestLimits
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.submissions import Checked
from monitoring_pipeline.events.tables import ingest_batches, predictions, quarantine
from tests.conftest import FixedClock
from tests.serving import event, installation_on, served, serving, token_for

PREDICTIONS = "/v0/events?name=ml_model_predictions"
LIMITS = IngestLimits(sent_bytes=2_000, unpacked_bytes=20_000, lines=50)


class ObservedWriter(EventWriter):
    """Notes of each body how many rows it had, and whether all other requests waited while they were checked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checks: list[tuple[int, bool]] = []

    def check(self, rows: Sequence[Row], *, kind: Kind, source: str) -> Checked:
        self.checks.append((len(rows), asyncio._get_running_loop() is not None))
        return super().check(rows, kind=kind, source=source)


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"a": 1}', [1]),
        (b'{"a": 1}\n', [1]),
        (b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n', [1, 2]),
        (b'\n\n{"a": 1}\n\n{"a": 2}', [1, 2]),
        (b'{\n  "a": 1,\n  "b": {"c": 2}\n}', [1]),
        (b'{"b": {}\n, "a": 1}', [1]),
        (b'{\r\n"a": 1\r\n}\r\n{\r\n"a": 2\r\n}', [1, 2]),
        (b'{\n"b":\n{"a": 5}\n, "a": 1}', [1]),
        (b'[{"a": 1}, {"a": 2}]', [1, 2]),
        (b' [\n{"a": 1}\n,\n{"a": "]"}\n]\n', [1, "]"]),
        (b"[]", []),
        (b"", []),
        (b" \n\t\n", []),
    ],
)
def test_every_notation_of_objects_gives_the_same_rows(body: bytes, ids: list[object]) -> None:
    rows = rows_of(body, most=10)

    assert [row.record and row.record["a"] for row in rows] == ids


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b'{"a": 1,\n{"a": 2}', ["broken_json", None]),
        (b'{\n"a": 1,\n"b": }\n', ["broken_json"]),
        (b'{\n"a": 1,\n"a": 2}\n', ["duplicate_key"]),
        (b'[{"a": 1}, 5, {"a": 1, "a": 2}]', [None, "not_an_object", "duplicate_key"]),
        (b'[{"a": 1}', ["broken_json"]),
        (b'[{"a": 1}]\n{"a": 2}', ["not_an_object", None]),
        (b"[1 2]", ["broken_json"]),
        (b"[" * 100_000, ["broken_json"]),
        (b'{"a":' * 100_000, ["broken_json"]),
        (b'{"a": "\xff"}', ["bad_text"]),
        (b"\x00", ["broken_json"]),
        (b'"text"', ["not_an_object"]),
    ],
)
def test_what_is_no_object_is_rejected_row_by_row(body: bytes, reasons: list[str | None]) -> None:
    rows = rows_of(body, most=10)

    assert [row.rejected and row.rejected.reason for row in rows] == reasons


@pytest.mark.parametrize("body", [b'{"a": 1}\n' * 11, b"[" + b"1," * 10 + b"1]", b"\n" * 11])
def test_too_many_lines_are_noticed_before_they_are_parsed(body: bytes) -> None:
    with pytest.raises(TooManyLinesError):
        rows_of(body, most=10)


def test_the_curl_line_of_the_source_is_taken_as_it_is(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    body = b"""{
       "timestamp": "2023-05-15 14:30:00",
       "model_id": "price_prediction_model",
       "prediction_id": "pred_123456",
       "features": "{\\"feature1\\": 0.5, \\"feature2\\": 10.2}",
       "predicted_value": 42.5,
       "actual_value": 45.1,
       "model_version": "v1.2.3",
       "environment": "production"
     }"""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        reply = client.post(PREDICTIONS, content=body, headers=headers)

    assert (reply.status_code, reply.json()) == (202, {"successful_rows": 1, "quarantined_rows": 0})


def _gzipped(body: bytes) -> dict[str, Any]:
    return {"content": gzip.compress(body), "headers": {"Content-Encoding": "gzip"}}


def test_while_a_large_body_is_checked_other_requests_go_on_also_if_it_was_sent_packed_or_its_lines_are_short(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    writer = ObservedWriter(sqlite_engine, config=installation.config, clock=clock)
    small, large = (b"\n".join(orjson.dumps(event(number)) for number in range(count)) for count in (1, 1_000))
    assert len(gzip.compress(large)) < 65_536 < len(large)

    with serving(create_app(replace(service_of(installation, open_to_anybody=True), writer=writer))) as client:
        for sent in ({"content": small}, {"content": large}, _gzipped(large), {"content": b"x\n" * 600}):
            client.post(PREDICTIONS, **sent).raise_for_status()

    assert writer.checks == [(1, True), (1_000, False), (1_000, False), (600, False)]


_FULL = orjson.dumps(event(7))


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (_gzipped(_FULL), 202, None),
        ({"content": gzip.compress(_FULL) + gzip.compress(b""), "headers": {"Content-Encoding": "x-gzip"}}, 202, None),
        ({"content": _FULL, "headers": {"Content-Encoding": "identity"}}, 202, None),
        ({"content": _FULL, "headers": {"Content-Encoding": "br"}}, 415, "unsupported-encoding"),
        ({"content": _FULL, "headers": {"Content-Encoding": "gzip, gzip"}}, 415, "unsupported-encoding"),
        ({"content": _FULL, "headers": {"Content-Encoding": "gzip"}}, 400, "damaged-gzip"),
        ({"content": gzip.compress(_FULL)[:-6], "headers": {"Content-Encoding": "gzip"}}, 400, "damaged-gzip"),
        ({"content": gzip.compress(b"") * 1_200, "headers": {"Content-Encoding": "gzip"}}, 413, "body-too-large"),
        (_gzipped(b" " * 1_000_000), 413, "body-too-large"),
        ({"content": b" " * 3_000}, 413, "body-too-large"),
        ({"content": iter([b" " * 1_500] * 2)}, 413, "body-too-large"),
        ({"content": b"{}\n" * 60}, 413, "too-many-lines"),
        ({"content": b""}, 400, "empty-body"),
        ({"content": b"[]"}, 400, "empty-body"),
    ],
)
def test_bodies_are_taken_within_limits_and_refused_with_the_limit_beyond_them(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, request_: dict[str, Any], status: int, code: str | None
) -> None:
    with _limited(sqlite_engine, tmp_path, clock) as client:
        reply = client.post(PREDICTIONS, **request_)
        after = client.post(PREDICTIONS, json=event(8))

    assert reply.status_code == status
    assert after.status_code == 202
    if code is not None:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["type"] == f"urn:monitoring-pipeline:problem:{code}"
    if status == 413:
        assert str(reply.json()["allowed"]) in reply.json()["detail"]
        assert reply.json()["limit"] in {"sent_bytes", "unpacked_bytes", "lines"}


@pytest.mark.parametrize(
    "query", ["", "?name=", "?name=other", "?nam=ml_model_predictions", "?name=%00", "?" + "a&" * 2_000]
)
def test_an_unknown_name_is_refused_with_those_that_there_are(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, query: str
) -> None:
    with _limited(sqlite_engine, tmp_path, clock) as client:
        reply = client.post(f"/v0/events{query}", json=event())

    assert reply.status_code == (400 if "%00" in query else 422)
    assert reply.headers["content-type"] == "application/problem+json"
    if reply.status_code == 422:
        assert "?name=ml_model_predictions" in reply.json()["detail"]


@pytest.mark.parametrize("ending", ["stalls", "goes away"])
def test_a_body_that_does_not_come_to_its_end_stores_nothing(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, ending: str
) -> None:
    with _limited(sqlite_engine, tmp_path, clock, body_seconds=0.2 if ending == "stalls" else 30) as client:
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address, timeout=60) as connection:
            head = f"POST {PREDICTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(head.encode() + _FULL + b"\n")
            if ending == "stalls":
                answer = connection.recv(10_000)
                assert answer.startswith(b"HTTP/1.1 408 ")
                assert b"connection: close" in answer.lower()
        reply = client.post(PREDICTIONS, json=event(8))

    assert reply.status_code == 202
    with sqlite_engine.connect() as connection_:
        assert connection_.scalars(select(predictions.c.prediction_id)).all() == ["p8"]


def test_a_token_for_some_models_stores_nothing_of_a_request_that_names_another(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    header = token_for(installation, "events:append@price*")
    own, foreign = orjson.dumps(event(1)), orjson.dumps(event(2, model_id="fraud"))

    with served(installation) as client:
        refused = client.post(PREDICTIONS, content=own + b"\n" + foreign, headers=header)
        taken = client.post(PREDICTIONS, content=own + b"\n{broken\n{}", headers=header)
        nobody = client.post(PREDICTIONS, content=own)

    assert [refused.status_code, taken.status_code, nobody.status_code] == [403, 202, 401]
    assert taken.json() == {"successful_rows": 1, "quarantined_rows": 2}


def test_accepted_quarantined_and_repeated_rows_are_all_that_was_received(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rng = random.Random(5)
    told = {"successful_rows": 0, "quarantined_rows": 0}
    sent = 0

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        for _ in range(40):
            lines = [_any_line(rng) for _ in range(rng.randint(1, 30))]
            reply = client.post(PREDICTIONS, **_in_some_notation(rng, lines))
            sent += len(lines)
            told = {name: told[name] + reply.json()[name] for name in told}
            clock.advance(seconds=20)

    with engine.connect() as connection:
        names = ("received", "accepted", "duplicate", "conflict", "quarantined")
        counts = connection.execute(select(*(func.sum(ingest_batches.c[f"{name}_count"]) for name in names))).one()
        stored = connection.scalar(select(func.count()).select_from(predictions))
        kept = connection.scalar(select(func.count()).select_from(quarantine))
        batches = connection.scalar(select(func.count()).select_from(ingest_batches))
    received, accepted, repeated, conflicts, rejected = map(int, counts)
    assert received == sent == sum(told.values())
    assert accepted + repeated + conflicts + rejected == sent
    assert (accepted, accepted + repeated) == (stored, told["successful_rows"])
    assert 0 < (kept or 0) <= conflicts + rejected == told["quarantined_rows"]
    assert 1 < (batches or 0) < 40, "a batch a minute"


def _any_line(rng: random.Random) -> bytes:
    number = rng.randint(0, 200)
    good = orjson.dumps(event(number))
    other = orjson.dumps(event(number, predicted_value=rng.choice([1.5, 2.5])))
    bad = orjson.dumps(event(number, timestamp="yesterday"))
    return rng.choice([good, good, good, other, bad, b'{"a": 1', b"17", b'{"model_id": NaN}', b'{"a": "\\ud800"}'])


def _in_some_notation(rng: random.Random, lines: list[bytes]) -> dict[str, Any]:
    if all(line.endswith((b"}", b"7")) for line in lines) and rng.random() < 0.5:
        return {"content": b"[" + b",\n".join(lines) + b"]"}
    body = rng.choice([b"\n", b"\r\n", b"\n\n"]).join([b"{}x", *lines][1:])
    return _gzipped(body) if rng.random() < 0.3 else {"content": body}


def _limited(
    engine: Engine, home: Path, clock: FixedClock, *, body_seconds: float = 30
) -> AbstractContextManager[httpx.Client]:
    service = service_of(installation_on(engine, home, clock=clock), open_to_anybody=True)
    return serving(create_app(replace(service, limits=replace(LIMITS, body_seconds=body_seconds))))
