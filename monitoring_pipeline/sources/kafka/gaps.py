"""Partitions that the brokers do not give from where reading was: where it goes on, and what is lost by that.

What the brokers have deleted unread cannot be had from them any more. It is told once, with its offsets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from monitoring_pipeline.sources.kafka.messages import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """Where the reading of a partition goes on.

    Attributes:
        place: the partition.
        offset: of the message that is read next.
        end: the offset behind the last message that is there.
        lost: the offsets that were deleted before they were read; in a compacted topic not each had a message.
        is_anew: whether the partition was read before, and is now read from its first message on.
    """

    place: Place
    offset: int
    end: int
    lost: range = range(0)
    is_anew: bool = False

    @property
    def sentence(self) -> str | None:
        """What a person should know of it; ``None`` if nothing."""
        if self.lost:
            return (
                f"{self.place}: {_told(self.lost)}; reading goes on at offset {self.offset}. "
                "Lengthen the topic's retention or read with more processes, and send again what is missing: "
                "what is stored already is recognised"
            )
        if self.is_anew:
            return (
                f"{self.place}: the brokers do not know the offset at which reading was, so the partition is read "
                f"again from offset {self.offset}; what is stored already is recognised"
            )
        return None


def _told(lost: range) -> str:
    if len(lost) == 1:
        return f"offset {lost[0]} was deleted before it was read, so up to one message is lost"
    return (
        f"offsets {lost[0]} to {lost[-1]} were deleted before they were read, so up to {len(lost):,} messages are lost"
    )


def resumption(
    place: Place,
    *,
    stopped_at: int | None,
    low: int,
    high: int,
    stored: int | None,
    begin: Literal["earliest", "latest"],
) -> Resumption:
    """Where to go on: never behind a message that is there and may not be stored.

    Args:
        place: the partition.
        stopped_at: the offset that the brokers do not give; ``None`` if the group has committed none.
        low: the offset of the first message that is there.
        high: the offset behind the last one.
        stored: up to where the group has stored messages, as the store knows it; it is ahead of what was committed
            if a commit failed, and outlives what was committed, which the brokers forget.
        begin: where a group begins that has never read the partition.
    """
    if stored is not None and stored > high:
        stored = None  # of another topic of this name
    if stopped_at is None and stored is None:
        return Resumption(place=place, offset=low if begin == "earliest" else high, end=high)
    if stopped_at is None and stored is not None and stored >= low and begin == "latest":
        # What lies before the end that the group began at is not wanted, also if it ended before its first commit.
        return Resumption(place=place, offset=stored, end=high)
    known = [offset for offset in (stopped_at, stored) if offset is not None]
    if min(known) >= low or max(known) > high:
        return Resumption(place=place, offset=low, end=high, is_anew=True)
    return Resumption(place=place, offset=low, end=high, lost=range(max(known), low))


def stored_up_to(kept: Mapping[str, Any] | None, group: str) -> int | None:
    """Up to where a group has stored a partition, of a position as it is kept."""
    return kept["next"] if kept is not None and kept.get("group") == group else None
