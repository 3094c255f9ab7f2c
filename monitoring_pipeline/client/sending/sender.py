"""Sends parcels one after the other, for as long as it takes, and says how long not to try."""

from collections.abc import Callable, Sequence

from monitoring_pipeline.client.account import Account
from monitoring_pipeline.client.events import Kind
from monitoring_pipeline.client.notices import Notices
from monitoring_pipeline.client.sending.answers import Answer, Verdict
from monitoring_pipeline.client.sending.pauses import Pauses
from monitoring_pipeline.client.sending.posting import Poster
from monitoring_pipeline.client.spool.backlog import Backlog
from monitoring_pipeline.client.spool.parcels import Parcel
from monitoring_pipeline.client.spool.refused import Refused

Lines = Sequence[bytes]


class Sender:
    """Carries what waits to the server.

    A request that the server refuses (4xx) is divided until the events it refuses are alone, so that one does not take
    others with it.

    Args:
        backlog: what waits.
        poster: the way to the server.
        refused: where events go that the server refuses.
        pauses: how long to wait after a failure.
        account: counts what became of events.
        notices: tells when the server is away, and when it is back.
        in_memory_settled: is told the lines of parcels that were in memory only and no longer are.
    """

    def __init__(
        self,
        *,
        backlog: Backlog,
        poster: Poster,
        refused: Refused,
        pauses: Pauses,
        account: Account,
        notices: Notices,
        in_memory_settled: Callable[[Lines], None],
    ) -> None:
        self._backlog = backlog
        self._poster = poster
        self._refused = refused
        self._pauses = pauses
        self._account = account
        self._notices = notices
        self._in_memory_settled = in_memory_settled
        self._failures = 0
        self._unsent: dict[str, list[Lines]] = {}  # parts of parcels of which other parts are settled

    def send_next(self) -> float | None:
        """Send one parcel; the seconds to wait before the next, or ``None`` if nothing waits to be sent."""
        parcel = self._backlog.take()
        if parcel is None:
            return None
        parts = self._unsent.pop(parcel.name, None) or self._parts_of(parcel)
        while parts:
            answer = self._poster.post(parcel.kind, parts[-1])
            if answer.verdict is Verdict.LATER:
                self._put_back(parcel, parts, answer)
                return self._pauses.seconds(self._failures, retry_after_seconds=answer.retry_after_seconds)
            self._back_again()
            self._judge(parcel.kind, parts, answer)
        self._backlog.settle(parcel)
        self._in_memory_settled(parcel.lines)
        return 0.0

    def _parts_of(self, parcel: Parcel) -> list[Lines]:
        try:
            content = parcel.content()
        except OSError as error:
            self._account.add(spool_errors=1, dropped_spool=parcel.event_count)
            self._notices.trouble("unreadable", f"a segment of the spool is lost, it cannot be read: {error.strerror}")
            return []
        self._account.add(torn=content.torn_count, dropped_spool=max(0, parcel.event_count - len(content.lines)))
        return [content.lines] if content.lines else []

    def _judge(self, kind: Kind, parts: list[Lines], answer: Answer) -> None:
        """What the answer says of the last part."""
        lines = parts.pop()
        if answer.verdict is Verdict.TAKEN:
            stored = len(lines) - answer.quarantined_count
            self._account.add(acknowledged=stored, quarantined=answer.quarantined_count)
            self._tell_of_quarantine(answer.quarantined_count)
        elif len(lines) == 1:
            self._refused.keep(kind, lines[0], reason=answer.reason)
        else:
            middle = len(lines) // 2
            parts += [lines[middle:], lines[:middle]]

    def _put_back(self, parcel: Parcel, parts: list[Lines], answer: Answer) -> None:
        self._failures += 1
        self._account.add(retries=1)
        self._notices.trouble("server", f"events are kept until the server takes them: {answer.reason}")
        rest_count = sum(map(len, parts))
        if len(parts) > 1 or rest_count < parcel.event_count or parcel.is_divided:
            self._unsent[parcel.name] = parts
        self._backlog.put_back(
            parcel,
            rest_count=rest_count,
            is_divided=parcel.name in self._unsent,
            is_server_fault=answer.is_server_fault,
        )

    def _back_again(self) -> None:
        self._failures = 0
        self._notices.over("server", "the server takes events again")

    def _tell_of_quarantine(self, count: int) -> None:
        if count:
            what = "the server put events into quarantine; `monitor quarantine list` there says why"
            self._notices.trouble("quarantine", what)
