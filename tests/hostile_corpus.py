"""What nobody should send, and somebody does: events, bodies, connections and parameters that break parsers."""

import gzip
import io
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.serving import event

PREDICTIONS = "/v0/events?name=ml_model_predictions"
ACTUALS = "/v0/events?name=ml_model_actuals"
TRUTH = {"model_id": "price", "prediction_id": "p0", "actual_value": 45.1, "timestamp": "2026-03-02 11:50:00"}
MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """A whole request, as a client library can send it."""

    name: str
    body: bytes
    method: str = "POST"
    path: str = PREDICTIONS
    headers: dict[str, str] = field(default_factory=dict)
    in_pieces: bool = False  # chunked, without a length that would give it away


# Written as JSON, for most of it cannot be written by a JSON library.
VALUES = {
    "NaN": "NaN",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "1e308": "1e308",
    "smallest": "5e-324",
    "-0": "-0",
    "-0.0": "-0.0",
    "leading zero": "007",
    "hexadecimal": "0x10",
    "plus": "+1",
    "no digits": ".",
    "64 bits and one": "9223372036854775808",
    "a thousand digits": "9" * 1_000,
    "ten thousand digits": "9" * 10_000,
    "a thousand decimals": "0." + "3" * 1_000,
    "null": "null",
    "true": "true",
    "empty text": '""',
    "space": '"   "',
    "NUL": '"a\\u0000b"',
    "raw NUL": '"a\x00b"',
    "high surrogate": '"\\ud800"',
    "low surrogate": '"\\udc00x"',
    "swapped surrogates": '"\\udc00\\ud800"',
    "not a character": '"\\uffff\\ufdd0"',
    "right to left": '"\\u202egnp.exe"',
    "control characters": '"\\u0001\\u001b[2J\\u0007"',
    "arabic digits": '"١٢٣"',
    "fullwidth digits": '"\uff11\uff12.\uff15"',
    "superscript": '"²"',
    "number as text": '"1e3"',
    "underscored number": '"1_000"',
    "a megabyte of text": f'"{"x" * 900_000}"',
    "SQL": '"\'; DROP TABLE predictions; --"',
    "HTML": '"<script>alert(1)</script>"',
    "CRLF": '"a\\r\\nSet-Cookie: x=1"',
    "path": '"../../../etc/passwd"',
    "template": '"{{7*7}}${7*7}%n%s%x"',
    "list": "[]",
    "nested list": "[[[[1]]]]",
    "object": "{}",
    "object of objects": '{"a":{"b":{"c":1}}}',
    "deep": "[" * 500 + "]" * 500,
    "very deep": "[" * 100_000 + "]" * 100_000,
}
FIELDS = ("timestamp", "model_id", "prediction_id", "features", "predicted_value", "model_version", "latency_ms")
INJECTIONS = (
    "'; DROP TABLE predictions; --",
    '" OR ""="',
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: x=1",
    "../../../../etc/passwd",
    "%00",
    "\x00",
    "\ufdd0\u202e",
    "-1",
    "0",
    "99999999999999999999",
    "1e400",
    "NaN",
    "١٢",
    "²",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-13-45 99:99:99",
    "{{7*7}}",
    "x" * 5_000,
    "",
)


def events() -> Iterator[Request]:
    """Each hostile value in each field of an event, and events that are hostile as a whole."""
    for field_name in FIELDS:
        for name, value in VALUES.items():
            fields = {key: json.dumps(known) for key, known in event().items()} | {field_name: value}
            line = "{" + ",".join(f'"{key}":{written}' for key, written in fields.items()) + "}"
            yield Request(name=f"{name} as {field_name}", body=line.encode())
    for name, value in VALUES.items():
        truth = {key: json.dumps(known) for key, known in TRUTH.items()} | {"actual_value": value}
        line = "{" + ",".join(f'"{key}":{written}' for key, written in truth.items()) + "}"
        yield Request(name=f"{name} as truth", body=line.encode(), path=ACTUALS)
        yield Request(
            name=f"{name} in features", body=_line(features="HERE").replace(b'"HERE"', b'{"x":%s}' % value.encode())
        )
        yield Request(name=f"{name} alone", body=value.encode())


def _line(**changes: Any) -> bytes:
    return json.dumps(event(**changes)).encode()


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _bomb(size: int) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for _ in range(size // MEGABYTE):
            file.write(bytes(MEGABYTE))
    return packed.getvalue()


def bodies() -> Iterator[Request]:
    """Bodies that are no events, or claim to be something that they are not."""
    plain = {
        "nothing": b"",
        "only line breaks": b"\n" * 100_000,
        "only spaces": b" " * 100_000,
        "many empty objects": b"{}\n" * 5_000,
        "too many lines": b"{}\n" * 200_000,
        "too many brackets": b"[" * MEGABYTE,
        "an array that never ends": b"[" + b"{}," * 5_000,
        "too many elements": b"[" + b"{}," * 200_000 + b"{}]",
        "duplicate keys": b'{"model_id":"a","model_id":"b","timestamp":1,"timestamp":2}',
        "many keys": b"{" + b",".join(b'"k%d":1' % number for number in range(50_000)) + b"}",
        "a long key": b'{"%s":1}' % (b"k" * 900_000),
        "half an object": b'{"model_id": "a"',
        "one quote": b'"',
        "binary": bytes(range(256)) * 100,
        "BOM": b"\xef\xbb\xbf" + _line(),
        "two BOMs": b"\xef\xbb\xbf" * 2 + _line(),
        "UTF-16": json.dumps(event()).encode("utf-16"),
        "UTF-32": json.dumps(event()).encode("utf-32"),
        "overlong": b'{"model_id":"\xc0\xaf"}',
        "overlong NUL": b'{"model_id":"\xc0\x80"}',
        "surrogate bytes": b'{"model_id":"\xed\xa0\x80"}',
        "beyond unicode": b'{"model_id":"\xf4\x90\x80\x80"}',
        "cut off UTF-8": b'{"model_id":"\xe2\x82',
        "a comment": b"// hello\n" + _line(),
        "single quotes": b"{'model_id': 'a'}",
        "trailing comma": b'{"model_id":"a",}',
        "YAML": b"model_id: a\n",
        "XML entities": b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;&b;</a>',
        "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system",
        "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "deep features": _line(features="HERE").replace(b'"HERE"', b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "deep features as text": _line(features="[" * 100_000),
        "a number as wide as a line": b"1" * 900_000,
    }
    for name, body in plain.items():
        yield Request(name=name, body=body)
        yield Request(
            name=f"{name}, packed, in pieces, as truth",
            body=_gzip(body),
            path=ACTUALS,
            headers={"Content-Encoding": "gzip"},
            in_pieces=True,
        )
    yield Request(name="50 MB", body=b"x" * (50 * MEGABYTE))
    yield Request(name="50 MB in pieces", body=b"x" * (50 * MEGABYTE), in_pieces=True)
    yield from packed()


def packed() -> Iterator[Request]:
    """Bodies whose gzip is a trap."""
    good = _gzip(_line())
    small, large = _bomb(20 * MEGABYTE), _bomb(100 * MEGABYTE)
    damaged = {
        "bomb": large,
        "bomb of many members": small * 200,
        "many empty members": _gzip(b"") * 50_000,
        "bomb in a bomb": _gzip(large),
        "two members": good + _gzip(b"\n" + _line(prediction_id="second")),
        "cut off": good[:-12],
        "only the header": good[:10],
        "only the magic": good[:2],
        "wrong checksum": good[:-8] + struct.pack("<I", 7) + good[-4:],
        "wrong length": good[:-4] + struct.pack("<I", 7),
        "garbage behind": good + b"garbage",
        "zeros behind": good + bytes(1_000),
        "not packed": _line(),
        "zlib": zlib.compress(_line()),
        "empty": b"",
        "reserved flags": good[:3] + b"\xff" + good[4:],
        "endless name": good[:3] + b"\x08" + good[4:10] + b"n" * MEGABYTE,
    }
    for name, body in damaged.items():
        yield Request(name=f"gzip: {name}", body=body, headers={"Content-Encoding": "gzip"})
        yield Request(name=f"gzip in pieces: {name}", body=body, headers={"Content-Encoding": "gzip"}, in_pieces=True)
    for encoding in ("br", "deflate", "gzip, gzip", "GZIP", "", "identity", "gzip;q=1", "x" * 1_000):
        yield Request(name=f"encoding {encoding[:20]!r}", body=good, headers={"Content-Encoding": encoding})
    for kind in ("text/csv", "application/x-www-form-urlencoded", "multipart/form-data; boundary=", "/", "a" * 5_000):
        yield Request(name=f"type {kind[:20]!r}", body=_line(), headers={"Content-Type": kind})


def methods(paths: list[str]) -> Iterator[Request]:
    """Methods that an address does not take, and headers that ask for another one."""
    for path in paths:
        for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "PROPFIND", "LINK"):
            yield Request(name=f"{method} {path}", method=method, path=path, body=b"")
        override = {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/docs", "X-Forwarded-Host": "evil.example"}
        yield Request(name=f"override {path}", method="GET", path=path, body=b"", headers=override)


_HEAD = b"POST /v0/events?name=ml_model_predictions HTTP/1.1\r\nHost: localhost\r\n"
_GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
_SMUGGLED = b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n"

CONNECTIONS = {
    "nothing": b"",
    "a line break": b"\r\n" * 1_000,
    "zeros": bytes(100_000),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "absolute address": b"GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "raw bytes in the path": b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "broken percents": b"GET /%zz%ff%u0041?%=%&&=%c0%af HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "brackets": b"GET //[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a broken host": b"GET /docs HTTP/1.1\r\nHost: [\r\n\r\n",
    "a long address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a long query": b"GET /livez?" + b"a=1&" * 50_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header flood": _GET + b"X: y\r\n" * 100_000,
    "a long header": _GET + b"X: " + b"y" * MEGABYTE,
    "a long method": b"G" * MEGABYTE,
    "a folded header": _GET + b"X: a\r\n b\r\n\r\n",
    "a header without a name": _GET + b": a\r\n\r\n",
    "a header without a colon": _GET + b"X\r\n\r\n",
    "NUL in a header": _GET + b"X: a\x00b\r\n\r\n",
    "LF alone": b"GET /livez HTTP/1.1\nHost: localhost\n\n",
    "length and chunks": _HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "two lengths": _HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + _SMUGGLED,
    "a negative length": _HEAD + b"Content-Length: -1\r\n\r\n{}",
    "a signed length": _HEAD + b"Content-Length: +2\r\n\r\n{}",
    "an underscored length": _HEAD + b"Content-Length: 1_0\r\n\r\n{}",
    "a length in arabic": _HEAD + "Content-Length: ٢\r\n\r\n{}".encode(),
    "a huge length": _HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "a length beyond what follows": _HEAD + b"Content-Length: 50000000\r\n\r\n{}",
    "a length below what follows": _HEAD + b"Content-Length: 1\r\n\r\n{}{}{}",
    "unknown coding": _HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "chunked twice": _HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a chunk that lies": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n",
    "a chunk without a size": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n",
    "a chunk that is huge": _HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    "a chunk that is negative": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}",
    "chunks of one byte": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 30_000,
    "a chunk with long words": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"w" * MEGABYTE,
    "headers behind the body": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 50_000,
    "pipelined": (_GET + b"\r\n") * 2_000,
    "pipelined events": (_HEAD + b"Content-Length: 2\r\n\r\n{}") * 500,
    "expect": _HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    "another expectation": _HEAD + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}",
    "an upgrade": _GET
    + b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    + bytes(100),
    "a websocket": _GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n" + bytes(100),
    "a list of hosts": b"GET /livez HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n",
    "many cookies": _GET + b"Cookie: " + b"a=b;" * 3_000 + b"\r\n\r\n",
    "many tokens": _GET + b"Authorization: Bearer x\r\n" * 90 + b"\r\n",
    "a broken range": _GET + b"Range: bytes=-1,-2,9-1\r\n\r\n",
}
"""The bytes of whole connections; after them the client says nothing more."""
