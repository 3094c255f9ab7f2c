"""NDJSON: one JSON object per line."""

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

import orjson

from monitoring_pipeline.events.formats.keys import has_as_many_keys, may_mislead, strict_object
from monitoring_pipeline.events.formats.lines import OversizedLine, numbered_lines
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected


class NdjsonSource:
    """Rows of a stream of NDJSON lines; blank lines are passed over.

    Args:
        stream: the bytes, already unpacked.
        fraction: tells how much of the underlying file has been read.
        is_plain: whether somebody looked through the whole of it, and no line :func:`.keys.may_mislead`.
    """

    columns: frozenset[str] | None = None

    def __init__(self, stream: BinaryIO, *, fraction: Callable[[], float], is_plain: bool = False) -> None:
        self._stream = stream
        self._is_plain = is_plain
        self.fraction = fraction

    def rows(self) -> Iterator[Row]:
        """The rows, once."""
        is_plain = self._is_plain
        for number, line in numbered_lines(self._stream):
            if isinstance(line, OversizedLine):
                rejected = Rejected(QuarantineReason.TOO_LARGE, None, line.detail)
                yield Row(number, None, line.start, len(line.start), rejected, line.fingerprint)
            elif (record := _plain_object(line, is_plain=is_plain)) is not None:
                yield Row(number, record, line, len(line))
            elif not line.isspace():
                yield _doubtful_row(number, line)


def object_row(number: int, written: bytes) -> Row:
    """The row of a text that is to be one JSON object, on however many lines; blank text is refused, too."""
    # A line break between a key and its colon hides the key from the count, as a blank would.
    record = None if b"\n" in written[:-1] else _plain_object(written)
    return _doubtful_row(number, written) if record is None else Row(number, record, written, len(written))


def _plain_object(line: bytes, *, is_plain: bool = False) -> dict[str, object] | None:
    """The object on a line that is plainly right, else ``None``."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if type(record) is not dict or not has_as_many_keys(line, record):
        return None
    return record if is_plain or not may_mislead(line) else None


def _doubtful_row(number: int, line: bytes) -> Row:
    try:
        return Row(number, parse_object(line), line, len(line))
    except Rejected as rejected:
        return Row(number, None, line, len(line), rejected)


def parse_object(line: bytes) -> dict[str, object]:
    """The object that one line of JSON writes, or what is wrong with it.

    The stricter and faster parser has refused the line, or it may repeat a key. NaN and lone surrogates are let
    through here: validation can name the field that holds them.

    Raises:
        Rejected: broken_json, bad_text, not_an_object, duplicate_key.
    """
    try:
        record = strict_object(line.decode().rstrip())
    except UnicodeDecodeError as undecodable:
        detail = f"byte {undecodable.start + 1} of the line is not UTF-8"
        raise Rejected(QuarantineReason.BAD_TEXT, None, detail) from None
    except (ValueError, RecursionError) as error:
        raise Rejected(QuarantineReason.BROKEN_JSON, None, f"the line is not JSON: {_fault(error)}") from None
    if not isinstance(record, dict):
        found = "list" if isinstance(record, list) else "single value"
        raise Rejected(QuarantineReason.NOT_AN_OBJECT, None, f"the line is a JSON {found}; write one object per line")
    return record


def _fault(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos + 1}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "an integer in it has too many digits"
