"""NDJSON files that grow: read on from the last complete line.

A mark says how far a file was read and what stood around that place. A file whose bytes there are others is another
file: it was rotated, or cut and written anew. The last line may be half written: without its end it is taken only if
it is a whole JSON object, which the beginning of one never is.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

from monitoring_pipeline.events.formats.lines import OversizedLine, numbered_lines
from monitoring_pipeline.events.formats.ndjson import object_row
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected

# Of the file's beginning, and of what stands before the mark.
_PROBE_BYTES = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Behind how many bytes and line ends reading goes on, the hash of what stands there, and what the rows are."""

    offset: int = 0
    lines: int = 0
    fingerprint: str = ""
    kind: str | None = None

    @classmethod
    def of(cls, position: Mapping[str, Any] | None) -> "Mark | None":
        """The mark that a position holds, if it is one of a growing file."""
        if position is None or "offset" not in position:
            return None
        return cls(**position)

    def as_position(self) -> dict[str, Any]:
        """The mark, ready for JSON."""
        return asdict(self)

    def fits(self, file: BinaryIO) -> bool:
        """Whether this is the file that the mark was made in, as far as it was read."""
        descriptor = file.fileno()
        return os.fstat(descriptor).st_size >= self.offset and _fingerprint(descriptor, self.offset) == self.fingerprint


def stretches(file: BinaryIO, mark: Mark, *, most_rows: int, most_bytes: int) -> Iterator[tuple[list[Row], Mark]]:
    """The complete lines behind a mark, some at a time, each with the mark behind them.

    Args:
        file: the file, open for reading bytes.
        mark: where to begin.
        most_rows: of one stretch.
        most_bytes: of one stretch; a single line may be longer.
    """
    file.seek(mark.offset)
    rows: list[Row] = []
    start, before = mark.offset, mark.lines
    behind = mark
    for number, line in numbered_lines(file):
        end = file.tell()
        row = _row(before + number, line)
        has_end = _has_end(file, line, end)
        if not has_end and (row is None or row.rejected is not None):
            break
        behind = replace(mark, offset=end, lines=before + number - (not has_end))
        rows += [] if row is None else [row]
        if len(rows) >= most_rows or end - start >= most_bytes:
            yield rows, _sealed(behind, file)
            rows, start = [], end
    if behind.offset > start:
        yield rows, _sealed(behind, file)


def _row(number: int, line: bytes | OversizedLine) -> Row | None:
    if isinstance(line, OversizedLine):
        rejected = Rejected(QuarantineReason.TOO_LARGE, None, line.detail)
        return Row(number, None, line.start, len(line.start), rejected, line.fingerprint)
    return None if line.isspace() else object_row(number, line)


def _has_end(file: BinaryIO, line: bytes | OversizedLine, end: int) -> bool:
    if isinstance(line, bytes):
        return line.endswith(b"\n")
    return os.pread(file.fileno(), 1, end - 1) == b"\n"


def _sealed(mark: Mark, file: BinaryIO) -> Mark:
    return replace(mark, fingerprint=_fingerprint(file.fileno(), mark.offset))


def _fingerprint(descriptor: int, offset: int) -> str:
    digest = hashlib.sha256(os.pread(descriptor, min(_PROBE_BYTES, offset), 0))
    tail = min(_PROBE_BYTES, offset)
    digest.update(os.pread(descriptor, tail, offset - tail))
    return digest.hexdigest()
