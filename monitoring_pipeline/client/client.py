"""The client: what a model's service calls."""

import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from monitoring_pipeline.client.account import Stats
from monitoring_pipeline.client.endings import look_after, look_after_worker
from monitoring_pipeline.client.events import Clock, Kind, system_clock
from monitoring_pipeline.client.recording.monitored import Timer, system_timer
from monitoring_pipeline.client.recording.recorder import Recorder
from monitoring_pipeline.client.sending.pauses import Jitter, Pauses, system_jitter
from monitoring_pipeline.client.sending.posting import Poster
from monitoring_pipeline.client.settings import Settings, address_of, checked_token
from monitoring_pipeline.client.shipping import Shipping
from monitoring_pipeline.client.spool.room import Overflow


class MonitorClient(Recorder):
    """Tells the monitor of predictions and their truth, without ever delaying or breaking the service that it serves.

    Calls return at once: they put a line into a bounded queue. What goes wrong is counted in :attr:`stats` and told
    once by the logger ``monitoring_pipeline.client``; no call of ``log_…`` or ``retract`` raises because of it. Use it
    as a context manager, or call :meth:`close`; the interpreter's end closes it as well.

    Args:
        url: of the server: ``https://monitor.example.com``.
        token: with the scope ``events:append``; a path is a file that holds it, read for each request, so that a new
            token needs no restart.
        spool: a folder in which events are safe until the server has stored them. Processes may share it, and take over
            what those that died have left. Without one events wait in memory only.
        environment: of predictions that name none.
        max_memory_bytes: of events in memory; further ones are dropped and counted.
        max_spool_bytes: of the spool, all processes together, give or take one batch of each.
        overflow: what is dropped when the spool is full: its oldest events, or the newest.
        linger_seconds: how long an event waits in memory for others; what a kill can lose.
        timeout_seconds: of connecting, and of each wait for the server.
        exit_timeout_seconds: how long the interpreter's end may wait for the server.
        adopt_every_seconds: how often the spool is searched for what dead processes left.
        first_pause_seconds: ceiling of the pause after a first failure; it doubles with each further one.
        most_pause_seconds: what it does not exceed.
        verify: how the server's certificate is checked: a context with a certificate authority of one's own.
        strict: raise for what cannot be logged; for tests of a service, not for production.
        clock: gives events their timestamp.
        timer: measures latencies.
        jitter: draws the pauses.

    Raises:
        ValueError: if the address or the token cannot be one.
    """

    def __init__(  # noqa: PLR0913  (each is a setting with a default that is right for most)
        self,
        url: str,
        *,
        token: str | Path | None = None,
        spool: Path | str | None = None,
        environment: str | None = None,
        max_memory_bytes: int = 16_000_000,
        max_spool_bytes: int = 256_000_000,
        overflow: Overflow = Overflow.DROP_OLDEST,
        linger_seconds: float = 0.1,
        timeout_seconds: float = 10.0,
        exit_timeout_seconds: float = 3.0,
        adopt_every_seconds: float = 30.0,
        first_pause_seconds: float = 0.5,
        most_pause_seconds: float = 60.0,
        verify: ssl.SSLContext | bool = True,
        strict: bool = False,
        clock: Clock = system_clock,
        timer: Timer = system_timer,
        jitter: Jitter = system_jitter,
    ) -> None:
        super().__init__(environment=environment, strict=strict, clock=clock, timer=timer)
        address, secret = address_of(url), token if isinstance(token, Path) else checked_token(token)
        self._exit_timeout_seconds = exit_timeout_seconds
        self._closed = False
        pauses = Pauses(first_seconds=first_pause_seconds, most_seconds=most_pause_seconds, jitter=jitter)
        settings = Settings(
            spool=None if spool is None else Path(spool),
            most_memory_bytes=max_memory_bytes,
            most_spool_bytes=max_spool_bytes,
            overflow=overflow,
            linger_seconds=linger_seconds,
            adopt_every_seconds=adopt_every_seconds,
            pauses=pauses,
        )

        def new_shipping() -> Shipping:
            poster = Poster(address, token=secret, timeout_seconds=timeout_seconds, verify=verify, clock=clock)
            return Shipping(settings, poster)

        self._new_shipping = new_shipping
        self._shipping = new_shipping()
        self._starting = threading.Lock()
        look_after(self)

    @property
    def stats(self) -> Stats:
        """What became of every event so far, in this process."""
        return self._shipping.stats()

    def flush(self, timeout: float) -> bool:
        """Wait until all that was logged so far is stored, refused or dropped.

        Args:
            timeout: the longest wait, seconds.

        Returns:
            Whether it is; ``False`` as well, and at once, if the server will not be tried again in that time.
        """
        self._keep_running()
        return self._shipping.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Flush, and take no more events; what was not sent stays in the spool, for who uses it next.

        Args:
            timeout: the longest wait, seconds.
        """
        closed, self._closed = self._closed, True
        if not closed:
            self._shipping.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def after_fork(self) -> None:
        """In a forked child: begin anew; what waits is the parent's to send."""
        parents, self._shipping = self._shipping, self._new_shipping()
        self._starting = threading.Lock()
        parents.abandon()
        if self._closed:
            self._shipping.inbox.close()

    def at_exit(self) -> None:
        """The interpreter ends: save what is unsaved."""
        self.close(self._exit_timeout_seconds)

    def _keep(self, kind: Kind, line: bytes) -> bool:
        if not self._shipping.inbox.put(kind, line):
            return False
        self._keep_running()
        return True

    def _count(self, **counts: int) -> None:
        self._shipping.account.add(**counts)

    def _report(self, name: str, text: str) -> None:
        """Have something told by the client's own threads: to log may be to write to a disk."""
        if self._shipping.notices.trouble(name, text):
            self._keep_running()
            self._shipping.wake()

    def _keep_running(self) -> None:
        shipping = self._shipping
        if shipping.is_running or self._closed or not self._starting.acquire(blocking=False):
            return  # nobody waits here, not even for another thread that is just starting it
        try:
            if not shipping.is_running:
                shipping.start()
                look_after_worker()
        except RuntimeError:  # the interpreter is ending: at_exit makes safe what is there
            pass
        finally:
            self._starting.release()
