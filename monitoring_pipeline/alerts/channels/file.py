"""The file channel: one JSON line for each notification, on the disk before it counts as delivered."""

import json
import os
from pathlib import Path

from monitoring_pipeline.alerts.notification import DeliveryError, Notification


class FileSender:
    """Appends to a file; a line may come twice (same ``notification_id``) after a crash.

    Args:
        path: the file; missing folders are made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, notification: Notification) -> None:
        """Append one line in one write and sync it.

        Raises:
            DeliveryError: if the disk refuses.
        """
        line = json.dumps(notification.document, sort_keys=True, allow_nan=False).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._append(line)
        except OSError as error:
            raise DeliveryError(f"cannot write {self._path.name}: {error.strerror}") from error

    def _append(self, line: bytes) -> None:
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # A line torn by a crash or a full disk must not swallow this one.
            prefix = b"" if _ends_a_line(descriptor) else b"\n"
            written = os.write(descriptor, prefix + line)
            if written != len(prefix) + len(line):
                raise DeliveryError(f"cannot write {self._path.name}: only a part of the line fitted")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self._path.parent)


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
