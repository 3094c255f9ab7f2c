import datetime as dt
import hashlib
import hmac
import json
import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine

from monitoring_pipeline.alerts.channels.webhook import WebhookSender
from monitoring_pipeline.alerts.deliver import deliver_due
from monitoring_pipeline.alerts.notification import DeliveryError, Notification
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.outgoing.addresses import Address, ForbiddenAddressError, Resolver, check, resolve
from tests.alerts_examples import finding, recorded, rows
from tests.conftest import FixedClock

NOTIFICATION = Notification(
    notification_id="n1", alert_id="a1", sequence=1, channel="ops", payload={"text": "mae is 12"}, attempts=0
)
# Long enough for a loaded machine where the answer comes, short where the receiver hangs.
PATIENT_SECONDS = 20.0
HANGING_SECONDS = 0.3

Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, **headers: str) -> Behaviour:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


def reset(handler: BaseHTTPRequestHandler) -> None:
    # Closing with unsent data pending sends a reset instead of an orderly end.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def endless_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    chunk = b"x" * 65536
    try:
        while True:
            handler.wfile.write(chunk)
    except OSError:
        handler.close_connection = True


class Receiver:
    """A real HTTP server on loopback; ``behaviours`` are used in turn, the last one for ever."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.release = threading.Event()
        self._behaviours = list(behaviours)
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                receiver._next()(self)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # The kernel's own pause between polls of shutdown, so that a test ends at once.
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def _next(self) -> Behaviour:
        with self._lock:
            return self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=in-the-url"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@contextmanager
def hanging(*, drip: bytes = b"") -> Iterator[str]:
    """A receiver that takes the request and never answers; with ``drip`` it sends that byte again and again."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: " if drip else b"")
            while not done.wait(0.02):
                try:
                    connection.sendall(drip)
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        done.set()
        thread.join()
        listener.close()


def sender(
    url: str,
    *,
    secret: bytes | None = None,
    allow_private: bool = True,
    timeout_seconds: float = PATIENT_SECONDS,
    clock: Callable[[], int] = lambda: 1_800_000_000_000_000,
    resolver: Resolver = resolve,
) -> WebhookSender:
    return WebhookSender(
        name="ops",
        url=url,
        secret=secret,
        allow_private=allow_private,
        timeout_seconds=timeout_seconds,
        clock=clock,
        resolver=resolver,
    )


def resolving_to(*addresses: str) -> Resolver:
    async def resolver(_host: str, _port: int) -> list[Address]:
        return [ip_address(address) for address in addresses]

    return resolver


def refusal(channel: WebhookSender) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        channel.deliver(NOTIFICATION)
    assert "\n" not in str(caught.value)
    assert "in-the-url" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_reply_is_a_delivery(status: int) -> None:
    with Receiver(answer(status)) as receiver:
        sender(receiver.url).deliver(NOTIFICATION)

    [(path, headers, body)] = receiver.requests
    assert path == "/hook?token=in-the-url"
    assert json.loads(body) == {"notification_id": "n1", "text": "mae is 12"}
    assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("n1", "application/json")
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert "X-Monitor-Signature" not in headers


def test_the_receiver_can_verify_the_signature_over_stamp_and_body() -> None:
    with Receiver(answer(200)) as receiver:
        sender(receiver.url, secret=b"key").deliver(NOTIFICATION)

    [(_, headers, body)] = receiver.requests
    assert headers["X-Monitor-Timestamp"] == "1800000000"
    expected = hmac.new(b"key", b"1800000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Monitor-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 500, 502])
def test_any_other_reply_is_a_failed_attempt_that_names_the_status(status: int) -> None:
    with Receiver(answer(status, Retry_After="60")) as receiver:
        failure = refusal(sender(receiver.url))

    assert (str(failure), failure.retry_after_seconds) == (f"answered {status}", None)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Fri, 15 Jan 2027 08:02:00 GMT", 120.0),
        ("Fri, 15 Jan 2027 08:02:00 -0000", 120.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("9" * 5000, 999_999_999.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", None),
        ("Mon, 01 Jan 2026 99999999999:00:00 GMT", None),
    ],
)
def test_a_receiver_that_asks_to_wait_is_heard(status: int, header: str, seconds: float | None) -> None:
    with Receiver(answer(status, Retry_After=header)) as receiver:
        failure = refusal(sender(receiver.url))

    assert failure.retry_after_seconds == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_even_to_a_willing_receiver(status: int) -> None:
    with Receiver(answer(200)) as other, Receiver(answer(status, Location=other.url)) as receiver:
        failure = refusal(sender(receiver.url))

    assert str(failure) == f"answered {status}; redirects are not followed"
    assert other.requests == []


def test_a_receiver_that_refuses_connections_is_a_failed_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert "cannot connect to 127.0.0.1" in str(refusal(sender(f"http://127.0.0.1:{port}/?token=in-the-url")))


def test_a_receiver_that_resets_the_connection_is_a_failed_attempt() -> None:
    with Receiver(reset) as receiver:
        failure = refusal(sender(receiver.url))

    assert str(failure).startswith("127.0.0.1: ")


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_receiver_that_hangs_or_drips_is_left_after_the_timeout_for_the_whole(drip: bytes) -> None:
    with hanging(drip=drip) as url:
        failure = refusal(sender(url, timeout_seconds=HANGING_SECONDS))

    assert str(failure) == "127.0.0.1 did not answer within 0.3 s"


@pytest.mark.parametrize("location", ["http://xn--a/", "http://[::1", "http://host:port/", "\x00", "//"])
def test_a_redirect_to_what_is_no_address_is_a_failed_attempt(location: str) -> None:
    with Receiver(answer(302, Location=location)) as receiver:
        failure = refusal(sender(receiver.url))

    assert "302" in str(failure) or str(failure).startswith("127.0.0.1")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:99999/", "cannot connect to 127.0.0.1: 99999 is not a port; the last is 65535"),
        ("http://xn--a/", "cannot resolve xn--a: "),
    ],
)
def test_an_address_that_cannot_exist_is_a_failed_attempt(url: str, expected: str) -> None:
    assert str(refusal(sender(url))).startswith(expected)


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_certificates_that_cannot_be_read_are_a_failed_attempt(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = tmp_path / "authority.pem"
    if content is not None:
        certificates.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))

    failure = refusal(sender("https://127.0.0.1:9/"))

    assert str(failure).startswith("cannot read the certificates (SSL_CERT_FILE or SSL_CERT_DIR): ")


def test_the_secret_in_an_url_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with Receiver(answer(200)) as receiver:
        sender(receiver.url).deliver(NOTIFICATION)

    assert "in-the-url" not in caplog.text


def test_an_endless_reply_is_not_read() -> None:
    with Receiver(endless_body) as receiver:
        sender(receiver.url).deliver(NOTIFICATION)

    assert len(receiver.requests) == 1


def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(answer(200)) as proxy, Receiver(answer(200)) as receiver:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        sender(receiver.url).deliver(NOTIFICATION)

    assert (len(proxy.requests), len(receiver.requests)) == (0, 1)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "0.0.0.0"])
def test_no_way_of_writing_loopback_reaches_it(host: str) -> None:
    with Receiver(answer(200)) as receiver:
        failure = refusal(sender(f"http://{host}:{receiver.port}/", allow_private=False))

    assert "is refused" in str(failure) or "cannot resolve" in str(failure)
    assert receiver.requests == []


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    with Receiver(answer(200)) as receiver:
        url = f"http://rebind.example:{receiver.port}/"
        failure = refusal(sender(url, allow_private=False, resolver=resolving_to("93.184.215.14", "127.0.0.1")))

    assert str(failure) == ("rebind.example is refused: 127.0.0.1 is not a public address and allow_private is not set")
    assert receiver.requests == []


def test_a_name_that_does_not_resolve_is_a_failed_attempt() -> None:
    async def unknown(_host: str, _port: int) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    nowhere = refusal(sender("http://nowhere.example/", resolver=unknown))

    assert str(nowhere) == "cannot resolve nowhere.example: Name or service not known"
    assert "no name looks like this" in str(refusal(sender(f"http://{'a' * 64}.example/")))
    assert "it has no address" in str(refusal(sender("http://empty.example/", resolver=resolving_to())))


def test_the_next_checked_address_is_tried_when_the_first_does_not_connect() -> None:
    with Receiver(answer(200)) as receiver:
        url = f"http://two.example:{receiver.port}/"
        sender(url, resolver=resolving_to("127.0.0.9", "127.0.0.1")).deliver(NOTIFICATION)

    [(_, headers, _)] = receiver.requests
    assert headers["Host"] == f"two.example:{receiver.port}"


PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"]
OWN_NETWORK = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:0:808:808::80ff:fffe",
]
NOBODY = [
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "ff02::1",
    "::ffff:0.0.0.0",
    "4000::1",
    "64:ff9b:1::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_connected_to(text: str) -> None:
    check([ip_address(text)], allow_private=False)


@pytest.mark.parametrize("text", OWN_NETWORK)
def test_an_address_of_ones_own_network_needs_the_owners_word(text: str) -> None:
    check([ip_address(text)], allow_private=True)

    with pytest.raises(ForbiddenAddressError, match="not a public address"):
        check([ip_address(text)], allow_private=False)


@pytest.mark.parametrize("text", NOBODY)
@pytest.mark.parametrize("allow_private", [True, False])
def test_an_address_that_no_receiver_can_have_is_refused_always(text: str, allow_private: bool) -> None:
    with pytest.raises(ForbiddenAddressError, match="cannot be a receiver"):
        check([ip_address(text)], allow_private=allow_private)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, for receiver.example only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    pem = serialization.Encoding.PEM
    key_bytes = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key_bytes + made.public_bytes(pem))
    return path


@pytest.mark.parametrize(("host", "trusted"), [("receiver.example", True), ("other.example", False)])
def test_tls_is_verified_against_the_name_while_the_checked_address_is_connected(
    host: str, trusted: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with Receiver(answer(200)) as receiver:
        receiver.server.socket = context.wrap_socket(
            receiver.server.socket, server_side=True, do_handshake_on_connect=False
        )
        channel = sender(f"https://{host}:{receiver.port}/hook", resolver=resolving_to("127.0.0.1"))
        if trusted:
            channel.deliver(NOTIFICATION)
        else:
            assert "CERTIFICATE_VERIFY_FAILED" in str(refusal(channel))

    assert names == [host]
    assert len(receiver.requests) == int(trusted)


def test_a_receiver_that_fails_in_every_way_gets_each_message_in_the_end(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, *(finding(day=day) for day in range(5)), now=clock())
    bad_days = [answer(500), reset, answer(429, Retry_After="30"), answer(302, Location="/x"), answer(404)]

    with Receiver(*bad_days, answer(200)) as receiver:
        channels = {"ops": sender(receiver.url, clock=clock)}
        for _ in range(4):
            deliver_due(engine, channels, clock=clock)
            clock.advance(hours=1)

    stored = rows(engine, notifications)
    assert {row["state"] for row in stored} == {"delivered"}
    keys = [headers["Idempotency-Key"] for _, headers, _ in receiver.requests]
    assert set(keys) == {row["notification_id"] for row in stored}
    assert len(keys) == len(bad_days) + len(stored)


def test_a_429_moves_the_next_attempt_to_where_the_receiver_wants_it(engine: Engine, clock: FixedClock) -> None:
    recorded(engine, finding(), now=clock())

    with Receiver(answer(429, Retry_After="7200")) as receiver:
        deliver_due(engine, {"ops": sender(receiver.url, clock=clock)}, clock=clock)

    [row] = rows(engine, notifications)
    assert (row["next_attempt_at"] - clock(), row["last_error"]) == (7_200_000_000, "answered 429")
