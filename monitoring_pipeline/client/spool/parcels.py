"""Parcels: events that are sent together, and which of them is sent next."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from monitoring_pipeline.client.events import Kind
from monitoring_pipeline.client.spool.segments import Content, read_segment

# After so many server faults in a row a parcel lets others go ahead: it may be the one that the server stumbles over.
_FAULTS_BEFORE_STEPPING_BACK = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Events that are sent together.

    Args:
        name: sorts by age.
        kind: what they are.
        event_count: how many are not settled.
        path: the segment that holds them; or else
        lines: they themselves.
        is_divided: some of the events that the segment holds are settled, and not counted here.
    """

    name: str
    kind: Kind
    event_count: int
    path: Path | None = None
    lines: tuple[bytes, ...] = ()
    is_divided: bool = False

    def content(self) -> Content:
        """The events.

        Raises:
            OSError: if the segment cannot be read.
        """
        return Content(lines=self.lines, torn_count=0) if self.path is None else read_segment(self.path)


class Parcels:
    """Those that wait, the one under way included; its lock is never held while something slow is done."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # as a signal's handler may flush while this thread does
        self._waiting: dict[str, Parcel] = {}
        self._under_way: set[str] = set()
        self._faults: dict[str, int] = {}

    def add(self, parcel: Parcel) -> None:
        """One more waits."""
        with self._lock:
            self._waiting[parcel.name] = parcel

    def take(self) -> Parcel | None:
        """The one to be sent next: the oldest that the server does not stumble over."""
        with self._lock:
            parcel = min(self._free(), key=self._turn_of, default=None)
            return self._begun(parcel)

    def take_oldest_on_disk(self) -> Parcel | None:
        """The one to be given up next."""
        with self._lock:
            on_disk = [parcel for parcel in self._free() if parcel.path is not None]
            return self._begun(min(on_disk, key=lambda parcel: parcel.name, default=None))

    def put_back(self, parcel: Parcel, *, rest_count: int, is_divided: bool, is_server_fault: bool) -> None:
        """So many of its events wait again."""
        with self._lock:
            self._waiting[parcel.name] = replace(parcel, event_count=rest_count, is_divided=is_divided)
            self._under_way.discard(parcel.name)
            self._faults[parcel.name] = self._faults.get(parcel.name, 0) + is_server_fault

    def forget(self, parcel: Parcel) -> None:
        """It waits no more."""
        with self._lock:
            self._waiting.pop(parcel.name, None)
            self._under_way.discard(parcel.name)
            self._faults.pop(parcel.name, None)

    @property
    def have_fresh(self) -> bool:
        """Whether one waits that the server has not stumbled over."""
        with self._lock:
            return any(self._turn_of(parcel)[0] == 0 for parcel in self._free())

    @property
    def names(self) -> frozenset[str]:
        """Of all that wait."""
        with self._lock:
            return frozenset(self._waiting)

    def _free(self) -> list[Parcel]:
        return [parcel for name, parcel in self._waiting.items() if name not in self._under_way]

    def _begun(self, parcel: Parcel | None) -> Parcel | None:
        if parcel is not None:
            self._under_way.add(parcel.name)
        return parcel

    def _turn_of(self, parcel: Parcel) -> tuple[int, str]:
        return self._faults.get(parcel.name, 0) // _FAULTS_BEFORE_STEPPING_BACK, parcel.name


def divided(lines: Sequence[bytes], *, most_bytes: int) -> Iterator[Sequence[bytes]]:
    """Lines in groups of at most so many bytes; a longer line is a group of its own."""
    group: list[bytes] = []
    size = 0
    for line in lines:
        if group and size + len(line) > most_bytes:
            yield group
            group, size = [], 0
        group.append(line)
        size += len(line)
    if group:
        yield group
