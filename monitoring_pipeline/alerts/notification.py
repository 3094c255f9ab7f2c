"""What a channel is given, and how it says that it could not deliver."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from monitoring_pipeline.text import one_line


class NotificationState(StrEnum):
    """Where a notification stands in the outbox."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up; still in the table, with its last error
    SILENCED = "silenced"  # not sent, because a silence holds or held, see ``held_back``


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """One message of one alert transition to one channel.

    A crash between sending and noting it sends the message again with the same ``notification_id``: by
    that id the receiver tells a repetition from news. The payload's ``text`` is the sentence for people and
    ``severity`` how much it matters; a channel must also bear a payload without them.
    """

    notification_id: str
    alert_id: str
    sequence: int
    channel: str
    payload: Mapping[str, Any]
    attempts: int  # before this one

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that goes out."""
        return {"notification_id": self.notification_id, **self.payload}


class DeliveryError(Exception):
    """The message was not accepted; it stays in the outbox and is tried again.

    Args:
        reason: one line for people, without secrets.
        retry_after_seconds: how long the receiver asked to be left alone.
    """

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(one_line(reason))
        self.retry_after_seconds = retry_after_seconds


class Channel(Protocol):
    """A way out. It may be called from several threads, and for the same notification more than once."""

    def deliver(self, notification: Notification) -> None:
        """Hand the message over; returning means that the receiver has it.

        Raises:
            DeliveryError: if it was not accepted.
        """
