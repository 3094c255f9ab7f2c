"""Undoing gzip within a limit: a bomb is noticed at the limit, never inflated."""

import zlib
from http import HTTPStatus

from monitoring_pipeline.api.problems import Problem

_GZIP = 16 + zlib.MAX_WBITS  # tells zlib to expect the header and checksum of gzip
_PIECE_BYTES = 65_536
_MOST_MEMBERS = 1_000  # of one body; programs write one, or one for each block of 64 KiB


def gunzip(packed: bytes, *, limit: int) -> bytes:
    """What was packed.

    Args:
        packed: one or more members of gzip.
        limit: the most bytes that may come out.

    Raises:
        Problem: 413 beyond the limit, 400 if it is damaged or cut off.
    """
    try:
        return b"".join(_members(packed, limit))
    except zlib.error:
        raise _damaged("it is damaged") from None


def _members(packed: bytes, limit: int) -> list[bytes]:
    found: list[bytes] = []
    room, members = limit, 0
    current = zlib.decompressobj(_GZIP)
    for start in range(0, len(packed), _PIECE_BYTES):
        rest = packed[start : start + _PIECE_BYTES]
        while rest:
            if current.eof:
                current, members = zlib.decompressobj(_GZIP), members + 1
            if members >= _MOST_MEMBERS:
                raise _damaged(f"it has more than {_MOST_MEMBERS} members")
            found.append(current.decompress(rest, room + 1))
            room -= len(found[-1])
            if room < 0:
                raise too_large("unpacked", limit)
            rest = current.unused_data if current.eof else current.unconsumed_tail
    if not current.eof:
        raise _damaged("it ends too early")
    return found


def too_large(what: str, limit: int) -> Problem:
    """The answer to a body that is longer than allowed.

    Args:
        what: how the bytes are counted: ``sent`` or ``unpacked``.
        limit: the most bytes.
    """
    detail = f"the body has more than the {limit} bytes allowed ({what}); send the events in several requests"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail, limit=f"{what}_bytes", allowed=limit)


def _damaged(how: str) -> Problem:
    detail = f"the body is announced as gzip but {how}; pack it again, or send it without Content-Encoding"
    return Problem(HTTPStatus.BAD_REQUEST, "damaged-gzip", detail)
