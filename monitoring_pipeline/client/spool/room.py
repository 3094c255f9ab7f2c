"""How much of a spool is used, and what to give up when that is too much."""

from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from monitoring_pipeline.client.spool.segments import segments_in


class Overflow(StrEnum):
    """What to give up when the spool is full."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"


def used_bytes(spool: Path) -> int:
    """Of all segments in a spool, those of other processes included.

    Raises:
        OSError: if the spool cannot be read.
    """
    return sum(size for folder in spool.iterdir() if folder.is_dir() for size in _sizes(folder))


def size_bytes(path: Path) -> int:
    """Of a segment; nothing if it is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sizes(folder: Path) -> Iterator[int]:
    # Others remove what they have sent, and their folders, while this looks.
    with suppress(FileNotFoundError):
        yield from map(size_bytes, segments_in(folder))
