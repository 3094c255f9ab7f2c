"""The two threads behind a client: one makes lines safe, the other sends them.

Everything here belongs to one process. A forked child throws its parent's away and makes its own, for threads do not
survive a fork, and what waits is the parent's to send.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from monitoring_pipeline.client.account import Account, Stats
from monitoring_pipeline.client.events import Kind
from monitoring_pipeline.client.inbox import Inbox, weight_bytes
from monitoring_pipeline.client.notices import Notices
from monitoring_pipeline.client.sending.posting import Poster
from monitoring_pipeline.client.sending.sender import Lines, Sender
from monitoring_pipeline.client.settings import Settings
from monitoring_pipeline.client.spool.backlog import Backlog
from monitoring_pipeline.client.spool.parcels import divided
from monitoring_pipeline.client.spool.refused import Refused

BATCH_BYTES = 200_000  # somewhat less than a segment
_THREAD_COUNT = 2
_FAULT_PAUSE_SECONDS = 1.0
_REFUSED_SHARE = 10  # the file of refused events may grow to a tenth of the spool

_LOG = logging.getLogger("monitoring_pipeline.client")


class Shipping:
    """What a client does behind its caller's back.

    Args:
        settings: what the client was told.
        poster: the way to the server.
    """

    def __init__(self, settings: Settings, poster: Poster) -> None:
        self.account = Account()
        self.notices = Notices()
        self.inbox = Inbox(most_bytes=settings.most_memory_bytes, batch_bytes=BATCH_BYTES)
        self._settings = settings
        self._poster = poster
        self._changed = threading.Condition()
        self._news = 0
        self._stopping = False
        self._spooling_ended = False
        self._sending_again_at = 0.0  # of time.monotonic
        self._backlog = Backlog(
            settings.spool,
            most_bytes=settings.most_spool_bytes,
            overflow=settings.overflow,
            changed=self.wake,
            account=self.account,
            notices=self.notices,
        )
        refused = Refused(
            settings.spool,
            most_bytes=settings.most_spool_bytes // _REFUSED_SHARE,
            account=self.account,
            notices=self.notices,
        )
        self._sender = Sender(
            backlog=self._backlog,
            poster=poster,
            refused=refused,
            pauses=settings.pauses,
            in_memory_settled=self._release,
            account=self.account,
            notices=self.notices,
        )
        self._threads: list[threading.Thread] = []

    @property
    def is_running(self) -> bool:
        """Whether both threads have been started."""
        return len(self._threads) == _THREAD_COUNT

    def start(self) -> None:
        """Start the threads.

        Raises:
            RuntimeError: if the interpreter is ending, or the system has no room for them.
        """
        # Daemons: the interpreter does not wait for them, and its end is bounded by at_exit.
        works = ((self._spool, "monitor-client-spool"), (self._send, "monitor-client-send"))
        for work, name in works[len(self._threads) :]:
            thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stats(self) -> Stats:
        """The account as it stands."""
        turned_away, put = self.inbox.turned_away_count, self.inbox.put_count
        return replace(self.account.stats(), logged=put, dropped_memory=turned_away)

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until the fate of everything so far is known; ``False`` if it is not, or cannot be, by then.

        It does not wait for a server that will not be tried again in that time.
        """
        deadline = time.monotonic() + timeout_seconds
        put = self.inbox.put_count
        self.inbox.hurry()
        if not self._wait(lambda: self.inbox.has_spooled(put), deadline):
            return False
        waiting = self._backlog.names
        self._wait(lambda: waiting.isdisjoint(self._backlog.names) or self._sending_again_at > deadline, deadline)
        return waiting.isdisjoint(self._backlog.names)

    def close(self, timeout_seconds: float) -> None:
        """Flush, end the threads, and leave the spool; what was not sent stays there."""
        deadline = time.monotonic() + timeout_seconds
        self.inbox.close()
        if self._threads:
            self.flush(timeout_seconds)
        self._stopping = True
        self.wake()
        if not self._threads and self.inbox.put_count:  # the interpreter starts no threads while it ends
            self._spool()
            self._leave()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._settings.spool is None and (waiting := self.stats().waiting):
            self.notices.trouble("lost", f"{waiting} events were not sent in time, and there is no spool to keep them")
        self.notices.tell()

    def abandon(self) -> None:
        """In a forked child: let go of what is the parent's."""
        self._backlog.abandon()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do a thread's work, again if it fails: a fault of ours must not end the monitoring of a service."""
        while True:
            try:
                work()
            except Exception:  # noqa: BLE001  (told in full; else events would pile up unseen)
                _LOG.exception("the monitor's client failed and begins again; please report this")
                self._wait(lambda: self._stopping, time.monotonic() + _FAULT_PAUSE_SECONDS)
            else:
                return

    def _spool(self) -> None:
        """The first thread: what is in memory becomes safe."""
        while entries := self.inbox.take(linger_seconds=self._settings.linger_seconds):
            for kind in Kind:
                for lines in divided([line for its, line in entries if its is kind], most_bytes=BATCH_BYTES):
                    if self._backlog.add(kind, lines):
                        self._release(lines)
            self.inbox.spooled(len(entries))
            self.notices.tell()
            self.wake()
        self._spooling_ended = True
        self.wake()

    def _send(self) -> None:
        """The second thread: what is in the backlog reaches the server."""
        adopting_at = time.monotonic()
        while not self._stopping:
            if time.monotonic() >= adopting_at:
                self._backlog.adopt()
                adopting_at = time.monotonic() + self._settings.adopt_every_seconds
            news = self._news
            pause_seconds = self._sender.send_next()
            self.notices.tell()
            if pause_seconds is None:
                self._wait(partial(self._moved_on, news), adopting_at)
            elif pause_seconds:
                self._pause(pause_seconds)
        self._wait(lambda: self._spooling_ended, None)
        self._leave()

    def _moved_on(self, news: int) -> bool:
        """Whether there is something to do that there was not when the news were looked at."""
        return self._news != news or self._stopping

    def _pause(self, seconds: float) -> None:
        self._sending_again_at = time.monotonic() + seconds
        self.wake()
        self._wait(lambda: self._stopping, self._sending_again_at)
        self._sending_again_at = 0.0

    def _leave(self) -> None:
        self._backlog.close()
        self._poster.close()
        self.notices.tell()

    def _release(self, lines: Lines) -> None:
        self.inbox.release(weight_bytes(lines))

    def wake(self) -> None:
        """Let who waits look again."""
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def _wait(self, happened: Callable[[], bool], deadline: float | None) -> bool:
        with self._changed:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            return self._changed.wait_for(happened, timeout=remaining)
