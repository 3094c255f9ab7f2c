"""Events that the server did not take and never will as they are: set aside with the reason, for people to look at."""

import os
import threading
from pathlib import Path

import orjson

from monitoring_pipeline.client.account import Account
from monitoring_pipeline.client.events import Kind
from monitoring_pipeline.client.notices import Notices

FILE_NAME = "refused.ndjson"


class Refused:
    """The file ``refused.ndjson`` of a spool, to which all its processes append.

    Args:
        spool: its folder; without one refused events are only counted and told.
        most_bytes: of the file; what comes beyond is counted and told, and not kept.
        account: counts them.
        notices: tells of them.
    """

    def __init__(self, spool: Path | None, *, most_bytes: int, account: Account, notices: Notices) -> None:
        self._file = None if spool is None else spool / FILE_NAME
        self._most_bytes = most_bytes
        self._account = account
        self._notices = notices
        self._lock = threading.Lock()

    def keep(self, kind: Kind, line: bytes, *, reason: str) -> None:
        """Set one event aside."""
        self._account.add(refused=1)
        where = "it is not kept" if self._file is None else f"such events are set aside in {self._file}"
        self._notices.trouble("refused", f"the server refused an event: {reason}; {where}")
        if self._file is None:
            return
        head = orjson.dumps({"name": kind.value, "reason": reason})
        try:
            with self._lock:
                _append(self._file, head[:-1] + b',"event":' + line + b"}\n", most_bytes=self._most_bytes)
        except OSError as error:
            self._account.add(spool_errors=1)
            self._notices.trouble("refused-file", f"refused events cannot be kept: {error.strerror}; mend the spool")


def _append(file: Path, line: bytes, *, most_bytes: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size + len(line) > most_bytes:
            raise OSError(None, f"{FILE_NAME} has reached {most_bytes} bytes")
        os.write(descriptor, line)  # in one call, so that lines of several processes do not mix
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
