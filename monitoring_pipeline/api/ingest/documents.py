"""What people send as events: NDJSON, one object over several lines, several such objects, or an array of objects.

All are turned into NDJSON, so that one parser gives one verdict on a row, whatever notation it came in. What cannot be
read as any of the others is NDJSON, whose broken lines are quarantined one by one.
"""

import io
import json
import re
from collections.abc import Callable, Iterator

import orjson

from monitoring_pipeline.events.formats.keys import may_mislead
from monitoring_pipeline.events.formats.lines import BYTE_ORDER_MARK
from monitoring_pipeline.events.formats.ndjson import NdjsonSource
from monitoring_pipeline.events.formats.rows import Row

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


class TooManyLinesError(Exception):
    """More rows than one request may hold."""


def rows_of(body: bytes, *, most: int) -> list[Row]:
    """The rows of a body, in order.

    Args:
        body: what was sent, unpacked.
        most: the most lines or elements.

    Raises:
        TooManyLinesError: if there are more.
    """
    lines = as_lines(body.removeprefix(BYTE_ORDER_MARK), most=most)
    if lines.count(b"\n") > most:
        raise TooManyLinesError
    # One look through all lines costs a fifth of a look at each of them.
    source = NdjsonSource(io.BytesIO(lines), fraction=lambda: 1.0, is_plain=not may_mislead(lines))
    return list(source.rows())


def as_lines(body: bytes, *, most: int) -> bytes:
    """The body with one row on each line.

    >>> as_lines(b'[{"a": 1}, {"a": 2}]', most=10)
    b'{"a": 1}\\n{"a": 2}\\n'
    >>> as_lines(b'{\\n"a": 1\\n}', most=10)
    b'{ "a": 1 }\\n'

    Args:
        body: without a byte order mark.
        most: the most elements of an array.

    Raises:
        TooManyLinesError: if an array has more.
    """
    start = body[:1] if body[:1] > b" " else body.lstrip()[:1]
    if start == b"[":
        elements = _joined(body, array_elements, most)
        return body if elements is None else elements
    if start == b"{" and _first_is_open(body):
        objects = _joined(body, _in_a_row, most)
        return _broken(body) if objects is None else objects
    return body


def array_elements(text: str) -> Iterator[str]:
    """The text of each element of a JSON array.

    Raises:
        ValueError: if the text is anything else, or more.
        RecursionError: if it is nested too deeply.
    """
    place = _behind_space(text, _behind_space(text, 0) + 1)
    is_first = True
    while not (is_first and text[place : place + 1] == "]"):
        _, end = _DECODER.raw_decode(text, place)
        yield text[place:end]
        place, is_first = _behind_space(text, end), False
        if text[place : place + 1] == "]":
            break
        if text[place : place + 1] != ",":
            raise ValueError("an array goes on with a comma")
        place = _behind_space(text, place + 1)
    if _behind_space(text, place + 1) != len(text):
        raise ValueError("the array is not all")


def _in_a_row(text: str) -> Iterator[str]:
    """The text of each of several JSON values with nothing but space between them."""
    place = _behind_space(text, 0)
    while place < len(text):
        _, end = _DECODER.raw_decode(text, place)
        yield text[place:end]
        place = _behind_space(text, end)


def _joined(body: bytes, divide: Callable[[str], Iterator[str]], most: int) -> bytes | None:
    """Each part of the body on a line of its own; ``None`` if it is not what ``divide`` divides."""
    lines: list[bytes] = []
    try:
        for part in divide(body.decode()):
            if len(lines) >= most:
                raise TooManyLinesError
            lines.append(_flat(part.encode()) + b"\n")
    except (ValueError, RecursionError):
        return None
    return b"".join(lines)


def _first_is_open(body: bytes) -> bool:
    """Whether the first line begins an object that goes on below it."""
    first, newline, rest = body.lstrip().partition(b"\n")
    if not newline or not rest.strip():
        return False
    if first.rstrip().endswith(b"}") and _is_object(first):  # nearly always
        return False
    try:
        json.loads(first)
    except json.JSONDecodeError as error:
        return error.pos >= len(error.doc.rstrip())
    except (ValueError, RecursionError):
        return False
    return False


def _broken(body: bytes) -> bytes:
    """One broken object over several lines is one row; a broken line among good ones is a row of its own."""
    has_good_lines = any(_is_object(line) for line in body.split(b"\n") if line.lstrip()[:1] == b"{")
    return body if has_good_lines else _flat(body) + b"\n"


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _flat(text: bytes) -> bytes:
    """Without line breaks, which inside JSON stand between tokens only."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def _behind_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None, "no space is space, too"
    return found.end()
