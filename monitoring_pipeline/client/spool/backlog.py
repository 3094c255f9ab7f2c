"""All that waits to be sent: segments in the spool, and in memory what the spool did not take.

Two threads use it. One adds; the other takes the next parcel, sends it, and settles it. The lock is held while files
are written, and never by who only asks how much waits.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from monitoring_pipeline.client.account import Account
from monitoring_pipeline.client.events import Kind
from monitoring_pipeline.client.notices import Notices
from monitoring_pipeline.client.spool.folder import OwnFolder
from monitoring_pipeline.client.spool.parcels import Parcel, Parcels
from monitoring_pipeline.client.spool.room import Overflow, size_bytes, used_bytes
from monitoring_pipeline.client.spool.segments import Segment, kind_of, read_segment

SEGMENT_BYTES = 256_000  # of one request, before it is packed: some hundred to a thousand events

# A full spool gives up its oldest segment: at most one of so many parts of it.
_LEAST_SEGMENTS = 8


class Backlog:
    """What waits to be sent.

    Args:
        spool: the folder that processes share; ``None`` keeps everything in memory.
        most_bytes: of the whole spool, all its processes together.
        overflow: what is given up beyond that.
        account: counts what is given up or adopted.
        notices: tells of a spool that cannot be used.
        changed: called when there is more to send, or less waits.
    """

    def __init__(
        self,
        spool: Path | None,
        *,
        most_bytes: int,
        overflow: Overflow,
        account: Account,
        notices: Notices,
        changed: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._most_bytes = most_bytes
        self._segment_bytes = min(SEGMENT_BYTES, most_bytes // _LEAST_SEGMENTS)
        self._overflow = overflow
        self._account = account
        self._notices = notices
        self._changed = changed
        self._disk = threading.Lock()
        self._folder: OwnFolder | None = None
        self._open: dict[Kind, Segment] = {}
        self._parcels = Parcels()
        self._numbers = count()

    def add(self, kind: Kind, lines: Sequence[bytes]) -> bool:
        """Keep lines until they are settled; ``False`` if they are still in memory."""
        if self._spool is not None:
            try:
                with self._disk:
                    self._store(self._spool, kind, lines)
            except OSError as error:
                self._spool_failed(error)
            else:
                self._notices.over("spool", "the spool can be used again")
                self._changed()
                return True
        name = f"memory-{next(self._numbers):020d}"
        self._parcels.add(Parcel(name=name, kind=kind, event_count=len(lines), lines=tuple(lines)))
        self._changed()
        return False

    def take(self) -> Parcel | None:
        """The next parcel to send; it is under way until it is settled or put back."""
        if not self._parcels.have_fresh:
            with self._disk:
                self._seal_all()
        return self._parcels.take()

    def put_back(self, parcel: Parcel, *, rest_count: int, is_divided: bool, is_server_fault: bool) -> None:
        """So many of its events were not stored; send them again later."""
        self._parcels.put_back(parcel, rest_count=rest_count, is_divided=is_divided, is_server_fault=is_server_fault)

    def settle(self, parcel: Parcel) -> None:
        """The fate of all its events is known."""
        self._forget(parcel)
        if not self.names:
            self._notices.over("full", "the spool is empty again")
        self._changed()

    def _forget(self, parcel: Parcel) -> None:
        if parcel.path is not None:
            try:
                parcel.path.unlink(missing_ok=True)
            except OSError as error:  # then it is sent once more by who adopts it, which is harmless
                self._spool_failed(error)
        self._parcels.forget(parcel)

    def adopt(self) -> None:
        """Take over what dead processes left in the spool."""
        if self._spool is None:
            return
        try:
            with self._disk:
                for path in self._own(self._spool).adopt():
                    self._take_over(path)
        except OSError as error:
            self._spool_failed(error)
        self._changed()

    @property
    def names(self) -> frozenset[str]:
        """Of everything that waits."""
        # In the order in which they move, so that none is missed on its way from here to there.
        being_filled = {segment.path.name for segment in tuple(self._open.values())}
        return self._parcels.names | being_filled

    def close(self) -> None:
        """Leave the spool; what waits there can be adopted."""
        with self._disk:
            self._seal_all()
            if self._folder is not None:
                try:
                    self._folder.release()
                except OSError as error:
                    self._spool_failed(error)
                self._folder = None

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, without a lock that nobody here could release."""
        descriptors = [segment.descriptor for segment in self._open.values()]
        for descriptor in [*descriptors, *([] if self._folder is None else [self._folder.lock])]:
            with suppress(OSError):  # the parent was just closing it
                os.close(descriptor)

    def _store(self, spool: Path, kind: Kind, lines: Sequence[bytes]) -> None:
        folder = self._own(spool)
        if not self._makes_room(spool, sum(map(len, lines)) + len(lines)):
            self._give_up(len(lines))
            return
        segment = self._open.get(kind)
        if segment is None:
            segment = self._open[kind] = Segment.begin(folder.path, kind)
        try:
            segment.append(lines)
        except OSError:
            self._seal(kind)
            raise
        if segment.byte_count >= self._segment_bytes:
            self._seal(kind)

    def _own(self, spool: Path) -> OwnFolder:
        if self._folder is not None and not self._folder.path.is_dir():  # somebody has removed it
            self._folder.disown()
            self._folder = None
        if self._folder is None:
            self._folder = OwnFolder.claim(spool)
        return self._folder

    def _seal_all(self) -> None:
        for kind in list(self._open):
            self._seal(kind)

    def _seal(self, kind: Kind) -> None:
        segment = self._open[kind]
        segment.seal()
        name = segment.path.name
        self._parcels.add(Parcel(name=name, kind=kind, event_count=segment.event_count, path=segment.path))
        del self._open[kind]

    def _take_over(self, path: Path) -> None:
        found = len(read_segment(path).lines)
        self._account.add(adopted=found)
        self._parcels.add(Parcel(name=path.name, kind=kind_of(path), event_count=found, path=path))

    def _makes_room(self, spool: Path, size: int) -> bool:
        excess = used_bytes(spool) + size - self._most_bytes
        while excess > 0 and self._overflow is Overflow.DROP_OLDEST and (oldest := self._oldest()) is not None:
            assert oldest.path is not None  # as only such are found
            excess -= size_bytes(oldest.path)
            self._give_up(oldest.event_count)
            self._forget(oldest)
        return excess <= 0

    def _oldest(self) -> Parcel | None:
        oldest = self._parcels.take_oldest_on_disk()
        if oldest is None and self._open:
            self._seal_all()
            oldest = self._parcels.take_oldest_on_disk()
        return oldest

    def _give_up(self, event_count: int) -> None:
        self._account.add(dropped_spool=event_count)
        self._notices.trouble("full", f"the spool is full: events are given up, as {self._overflow.value} says")

    def _spool_failed(self, error: OSError) -> None:
        self._account.add(spool_errors=1)
        where = self._spool if error.filename is None else error.filename
        reason = f"the spool cannot be used ({where}: {error.strerror}); until it can, events wait in memory only"
        self._notices.trouble("spool", reason)
