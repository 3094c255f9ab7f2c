"""The server as a client meets it: away, hanging, refusing, failing, and back again."""

import logging
import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from monitoring_pipeline.client.sending.pauses import Pauses, retry_after_seconds
from tests.client_examples import (
    NOON,
    PREDICTIONS,
    Receiver,
    answering,
    client_of,
    hanging_up,
    nowhere,
    reply,
    taking,
)
from tests.native_services import wait_for

PROBLEM = {"detail": "this token does not grant events:append on this model"}


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_server_that_is_away_and_comes_back_gets_everything_once(tmp_path: Path, *, on_disk: bool) -> None:
    url = nowhere()
    client = client_of(url, tmp_path / "spool" if on_disk else None)

    for number in range(100):
        client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"p{number}")
    wait_for(lambda: client.stats.retries > 2)
    with Receiver(taking, port=int(url.rpartition(":")[2])) as receiver, client:
        assert client.flush(60)

    assert sorted(event["predicted_value"] for event in receiver.events) == list(range(100))
    assert (client.stats.acknowledged, client.stats.waiting) == (100, 0)


@pytest.mark.parametrize(
    "trouble",
    [
        answering(500),
        answering(502, {"detail": "no upstream"}),
        answering(503, Retry_After="0"),
        answering(429, Retry_After="0"),
        answering(408),
        answering(401, {"detail": "this token opens nothing"}),
        answering(403, {"type": "urn:monitoring-pipeline:problem:foreign-request", "detail": "not known as that"}),
        answering(404, "<html>no such page at this proxy</html>"),
        answering(405),
        answering(302, Location="http://127.0.0.1:1/elsewhere"),
        answering(200, "<html>a page of some proxy</html>"),
        answering(202, {"successful_rows": 0, "quarantined_rows": 0}),
        answering(202, {"successful_rows": "many"}),
        hanging_up,
    ],
)
def test_what_is_no_acknowledgement_is_sent_again(tmp_path: Path, trouble: Any) -> None:
    with (
        Receiver(trouble, trouble, taking) as receiver,
        client_of(receiver.url, tmp_path / "spool", first_pause_seconds=0.01) as client,
    ):
        client.log_prediction(model_id="m", predicted_value=1, prediction_id="p")
        assert client.flush(60)

    assert [event["prediction_id"] for event in receiver.events] == ["p"] * 3
    assert (client.stats.retries, client.stats.acknowledged, client.stats.refused) == (2, 1, 0)


def test_a_token_that_expired_is_told_once_and_its_successor_in_the_file_sends_what_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"

    def asking_for_the_new_one(handler: Any, received: Any) -> None:
        if received.headers["Authorization"] == "Bearer new":
            taking(handler, received)
        else:
            reply(handler, 401, {"detail": "this token opens nothing"})

    file.write_text("old\n")
    with (
        caplog.at_level(logging.INFO, logger="monitoring_pipeline.client"),
        Receiver(asking_for_the_new_one) as receiver,
        client_of(receiver.url, tmp_path / "spool", token=file) as client,
    ):
        client.log_prediction(model_id="m", predicted_value=1)
        wait_for(lambda: client.stats.retries > 3)
        file.unlink()
        wait_for(lambda: client.stats.retries > 6)
        file.write_text("new\n")
        assert client.flush(60)

    assert (client.stats.acknowledged, client.stats.refused) == (1, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "events are kept until the server takes them: it answered 401: this token opens nothing",
        "the server takes events again",
    ]


def test_a_hanging_server_delays_neither_calls_nor_their_safety(tmp_path: Path) -> None:
    release = threading.Event()

    def hang(*_: object) -> None:
        release.wait()

    with Receiver(hang) as receiver:
        client = client_of(receiver.url, tmp_path)
        client.log_prediction(model_id="m", predicted_value=0)
        wait_for(lambda: len(receiver.requests) == 1)
        for number in range(1, 1_000):
            client.log_prediction(model_id="m", predicted_value=number)
        wait_for(lambda: len(_safe(tmp_path)) == 1_000)  # while the request hangs
        release.set()
        client.close(0)

    assert client.stats.waiting == 1_000


def test_events_are_refused_alone_and_kept_with_the_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def refusing_some(handler: Any, received: Any) -> None:
        if any(event["model_id"] == "secret" for event in received.events):
            reply(handler, 403, PROBLEM)
        else:
            taking(handler, received)

    with (
        caplog.at_level(logging.INFO, logger="monitoring_pipeline.client"),
        Receiver(refusing_some) as receiver,
        client_of(receiver.url, tmp_path, linger_seconds=0.05) as client,
    ):
        for number in range(100):
            client.log_prediction(model_id="secret" if number in {17, 18, 80} else "m", predicted_value=number)
        assert client.flush(60)

    kept = [orjson.loads(line) for line in (tmp_path / "refused.ndjson").read_bytes().splitlines()]
    assert sorted(entry["event"]["predicted_value"] for entry in kept) == [17, 18, 80]
    assert {(entry["name"], entry["reason"]) for entry in kept} == {
        (PREDICTIONS, f"it answered 403: {PROBLEM['detail']}")
    }
    assert (client.stats.refused, client.stats.acknowledged, client.stats.waiting) == (3, 97, 0)
    [told] = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert told.startswith(f"the server refused an event: it answered 403: {PROBLEM['detail']}; ")
    assert told.endswith(f"set aside in {tmp_path / 'refused.ndjson'}")


def test_what_is_set_aside_is_bounded_and_still_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        Receiver(answering(422, {"detail": "no"})) as receiver,
        client_of(receiver.url, tmp_path, max_spool_bytes=50_000, linger_seconds=0.05) as client,
    ):
        for number in range(60):
            client.log_prediction(model_id="m", predicted_value=number, features={"x": "y" * 200})
        assert client.flush(60)

    assert 4_000 < (tmp_path / "refused.ndjson").stat().st_size <= 5_000
    assert (client.stats.refused, client.stats.waiting) == (60, 0)
    assert any("refused events cannot be kept" in record.getMessage() for record in caplog.records)


def test_a_divided_parcel_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Each half that was taken is taken once, although the server fails between them."""
    with (
        Receiver(answering(413), taking, answering(503), answering(503), taking) as receiver,
        client_of(receiver.url, tmp_path, linger_seconds=0.2, first_pause_seconds=0.01) as client,
    ):
        for number in range(10):
            client.log_prediction(model_id="m", predicted_value=number)
        assert client.flush(60)

    assert [len(request.events) for request in receiver.requests] == [10, 5, 5, 5, 5]
    assert (client.stats.acknowledged, client.stats.retries, client.stats.waiting) == (10, 2, 0)


def test_an_event_that_the_server_fails_on_does_not_hold_up_the_others(tmp_path: Path) -> None:
    def stumbling(handler: Any, received: Any) -> None:
        if any(event["model_id"] == "bad" for event in received.events):
            reply(handler, 500)
        else:
            taking(handler, received)

    with Receiver(stumbling) as receiver:
        client = client_of(receiver.url, tmp_path, first_pause_seconds=0.001)
        client.log_prediction(model_id="bad", predicted_value=0)
        wait_for(lambda: client.stats.retries > 0)
        for number in range(20):
            client.log_prediction(model_id="m", predicted_value=number)
        wait_for(lambda: client.stats.acknowledged == 20)
        client.close(0)

    assert client.stats.waiting == 1


def test_a_server_that_is_away_is_told_once_and_its_return_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = answering(503, {"detail": "too much waits"})
    with (
        caplog.at_level(logging.INFO, logger="monitoring_pipeline.client"),
        Receiver(*[away] * 5, taking) as receiver,
        client_of(receiver.url, tmp_path, first_pause_seconds=0.01) as client,
    ):
        client.log_prediction(model_id="m", predicted_value=1, features={"x": "secret-value"})
        assert client.flush(60)

    assert [record.getMessage() for record in caplog.records] == [
        "events are kept until the server takes them: it answered 503: too much waits",
        "the server takes events again",
    ]


def test_an_end_does_not_wait_for_a_server_that_will_not_be_asked_again(tmp_path: Path) -> None:
    with Receiver(answering(503, Retry_After="3000")) as receiver:
        client = client_of(receiver.url, tmp_path)
        client.log_prediction(model_id="m", predicted_value=1)
        wait_for(lambda: client.stats.retries == 1)

        assert not client.flush(1_000)
        client.close(1_000)

    assert len(_safe(tmp_path)) == 1
    assert len(receiver.requests) == 1


def test_a_peer_that_speaks_no_http_is_a_server_that_is_away(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n")

        peer = threading.Thread(target=babble)
        peer.start()
        client = client_of(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path, timeout_seconds=0.2)
        client.log_prediction(model_id="m", predicted_value=1)
        wait_for(lambda: client.stats.retries > 0)
        peer.join()
        client.close(0)

    assert client.stats.waiting == 1


def test_large_requests_are_packed_and_bounded(tmp_path: Path) -> None:
    features = {"text": "x" * 10_000}
    with Receiver(taking) as receiver, client_of(receiver.url, tmp_path, linger_seconds=0.05) as client:
        for number in range(200):
            client.log_prediction(model_id="m", predicted_value=number, features=features)
        assert client.flush(60)

    assert sorted(event["predicted_value"] for event in receiver.events) == list(range(200))
    assert {request.headers["Content-Encoding"] for request in receiver.requests} == {"gzip"}
    assert max(len(orjson.dumps(request.events)) for request in receiver.requests) < 512_000


def test_pauses_double_are_drawn_in_full_and_never_undercut_the_server() -> None:
    ceilings: list[float] = []

    def lowest(ceiling: float) -> float:
        ceilings.append(ceiling)
        return 0.0

    pauses = Pauses(first_seconds=0.5, most_seconds=20.0, jitter=lowest)
    drawn = [pauses.seconds(failures, retry_after_seconds=7.0) for failures in (1, 2, 3, 10, 10_000)]

    assert ceilings == [0.5, 1.0, 2.0, 20.0, 20.0]
    assert drawn == [7.0] * 5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 11:59:00 GMT", -60.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("9" * 400, 999_999_999.0),
        ("Mon, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=NOON) == seconds


def _safe(spool: Path) -> list[bytes]:
    return [line for path in spool.glob("*/*.ndjson") for line in path.read_bytes().splitlines()]
