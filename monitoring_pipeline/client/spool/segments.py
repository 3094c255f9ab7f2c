"""Segments: files of the spool that lines are appended to, and that are removed once the server has stored them.

A line counts as safe after the fsync that follows it. What a crash leaves behind the last line end may be cut short;
it was never called safe, and is passed over by who reads it.
"""

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from monitoring_pipeline.client.events import Kind

_SUFFIX = ".ndjson"


@dataclass(slots=True, kw_only=True)
class Segment:
    """A file that lines are still appended to.

    Args:
        path: the file, whose name begins with the instant at which it was begun and holds its kind.
        kind: what its lines are.
        descriptor: of the open file; no buffer of ours is between it and the disk, so a fork copies none.
    """

    path: Path
    kind: Kind
    descriptor: int
    byte_count: int = 0
    event_count: int = 0

    @classmethod
    def begin(cls, folder: Path, kind: Kind) -> "Segment":
        """Make an empty one; only its owner can read it, for it holds features.

        Raises:
            OSError: if the folder does not take it.
        """
        path = folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.{kind.value}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        segment = cls(path=path, kind=kind, descriptor=descriptor)
        try:
            sync_folder(folder)
        except OSError:
            segment.seal()
            raise
        return segment

    def append(self, lines: Sequence[bytes]) -> None:
        """Add lines, all safe afterwards, or none of them there.

        Raises:
            OSError: if the disk does not take them.
        """
        data = b"".join(line + b"\n" for line in lines)
        try:
            _write_all(self.descriptor, data)
            os.fsync(self.descriptor)
        except OSError:
            # Else they would be sent from here as well as from where they are kept now: harmless, but counted twice.
            with suppress(OSError):
                os.ftruncate(self.descriptor, self.byte_count)
            raise
        self.byte_count += len(data)
        self.event_count += len(lines)

    def seal(self) -> None:
        """Append no more."""
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a segment holds: its whole lines, and how many others there were."""

    lines: tuple[bytes, ...]
    torn_count: int


def read_segment(path: Path) -> Content:
    """The lines of a segment.

    Raises:
        OSError: if it cannot be read.
    """
    *ended, rest = path.read_bytes().split(b"\n")
    # Where a machine lost power there may be anything, zeros mostly, in place of what had not been made safe.
    whole = [line for line in ended if line[:1] == b"{" and line[-1:] == b"}"]
    if _is_whole(rest):
        whole.append(rest)
    found_count = sum(map(bool, ended)) + bool(rest)
    return Content(lines=tuple(whole), torn_count=found_count - len(whole))


def _is_whole(line: bytes) -> bool:
    """Whether a line without its end lacks nothing else: no beginning of an object is an object."""
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def kind_of(path: Path) -> Kind:
    """What the lines of a segment are, by its name."""
    return Kind(path.name.removesuffix(_SUFFIX).rpartition(".")[2])


def segments_in(folder: Path) -> Iterator[Path]:
    """The segments of a folder, oldest first."""
    kinds = tuple(f".{kind.value}{_SUFFIX}" for kind in Kind)
    yield from sorted(path for path in folder.iterdir() if path.name.endswith(kinds))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe.

    Raises:
        OSError: if the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
