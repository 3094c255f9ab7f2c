"""Lines of a byte stream, numbered, none of them longer than a row may be, so that memory stays bounded."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from monitoring_pipeline.events.schema import MAX_LINE_BYTES

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN_BYTES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedLine:
    """A line that was not kept: its beginning, its length, and a hash that stands for the whole of it."""

    start: bytes
    size: int
    fingerprint: str

    @property
    def detail(self) -> str:
        """One sentence for people."""
        return f"the line has {self.size} bytes; allowed are {MAX_LINE_BYTES}"


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | OversizedLine]]:
    """Each line with its 1-based number, without a byte order mark before the first."""
    readline = stream.readline
    line = readline(MAX_LINE_BYTES + 1).removeprefix(BYTE_ORDER_MARK)
    number = 1
    while line:
        yield number, line if len(line) <= MAX_LINE_BYTES else _skip_oversized(stream, line)
        line = readline(MAX_LINE_BYTES + 1)
        number += 1


def _skip_oversized(stream: BinaryIO, start: bytes) -> OversizedLine:
    digest, size, piece = hashlib.sha256(start), len(start), start
    while not piece.endswith(b"\n") and (piece := stream.readline(MAX_LINE_BYTES)):
        digest.update(piece)
        size += len(piece)
    return OversizedLine(start=start[:_SHOWN_BYTES], size=size, fingerprint=digest.hexdigest())
