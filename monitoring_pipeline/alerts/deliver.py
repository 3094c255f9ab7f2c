"""Delivery: at least once, one thread per channel, nothing sent inside a transaction.

A message is claimed (commit), sent (no transaction open), then marked (commit). A crash after the send
leaves the claim, which runs out, and the message goes out again under the same id.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import Engine

from monitoring_pipeline.alerts import outbox
from monitoring_pipeline.alerts.handling import held_back
from monitoring_pipeline.alerts.notification import Channel, DeliveryError, Notification
from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.database import reading, writing

# After this many failures in a row a channel rests until the next call: a receiver that hangs costs
# three timeouts, not one for each message that waits.
FAILURES_BEFORE_REST = 3
DEFAULT_LIMIT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelReport:
    """What one call did on one channel."""

    delivered_count: int = 0
    failed_attempt_count: int = 0  # to be tried again, or given up
    given_up_count: int = 0
    last_error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryReport:
    """What one call did, by channel, and what waits for channels that the config does not name."""

    channels: Mapping[str, ChannelReport] = field(default_factory=dict)
    unknown_channel_pending: Mapping[str, int] = field(default_factory=dict)

    @property
    def delivered_count(self) -> int:
        """Messages handed over by this call."""
        return sum(report.delivered_count for report in self.channels.values())

    @property
    def failed_attempt_count(self) -> int:
        """Attempts of this call that were not accepted."""
        return sum(report.failed_attempt_count for report in self.channels.values())

    @property
    def given_up_count(self) -> int:
        """Messages that used up their attempts in this call."""
        return sum(report.given_up_count for report in self.channels.values())


def deliver_due(
    engine: Engine,
    channels: Mapping[str, Channel],
    *,
    clock: Clock = system_clock,
    limit: int = DEFAULT_LIMIT,
) -> DeliveryReport:
    """Send the messages that are due, each channel apart from the others.

    Several deliverers may run at once, also in other processes: each message is claimed by one of them.

    Args:
        engine: the store.
        channels: the ways out by name, as ``build_channels`` makes them.
        clock: tells the present instant.
        limit: most messages per channel in this call.

    Raises:
        MonitorError: if the store cannot be used.
    """
    _review_silences(engine, clock)
    with reading(engine) as connection:
        pending = outbox.pending_counts(connection)
    names = sorted(pending.keys() & channels.keys())
    unknown = {name: count for name, count in pending.items() if name not in channels}
    if not names:
        return DeliveryReport(unknown_channel_pending=unknown)
    with ThreadPoolExecutor(max_workers=len(names), thread_name_prefix="deliver") as pool:
        futures = {name: pool.submit(_deliver_channel, engine, name, channels[name], clock, limit) for name in names}
    reports = {name: future.result() for name, future in futures.items()}
    return DeliveryReport(channels=reports, unknown_channel_pending=unknown)


def _review_silences(engine: Engine, clock: Clock) -> None:
    now = clock()
    with reading(engine) as connection:
        if not held_back.needs_review(connection, now=now):
            return
    with writing(engine) as connection:
        held_back.review(connection, now=now)


def _deliver_channel(engine: Engine, name: str, channel: Channel, clock: Clock, limit: int) -> ChannelReport:
    with reading(engine) as connection:
        waiting = outbox.due(connection, channel=name, now=clock(), limit=limit)
    delivered = failed = given_up = in_a_row = 0
    last_error: str | None = None
    for notification in waiting:
        if in_a_row == FAILURES_BEFORE_REST:
            break
        if not _claimed(engine, notification, clock):
            continue
        try:
            _hand_over(channel, notification)
        except DeliveryError as error:
            given_up += _note_failure(engine, notification, error, clock)
            last_error, failed, in_a_row = str(error), failed + 1, in_a_row + 1
        else:
            _note_delivery(engine, notification, clock)
            delivered, in_a_row = delivered + 1, 0
    return ChannelReport(
        delivered_count=delivered, failed_attempt_count=failed, given_up_count=given_up, last_error=last_error
    )


def _hand_over(channel: Channel, notification: Notification) -> None:
    try:
        channel.deliver(notification)
    except DeliveryError:
        raise
    # What a receiver can provoke has no end, and one channel must not stop the others or the run. Only the
    # type is told: the words of an unforeseen error may hold a key or an address.
    except Exception as error:  # a receiver can provoke anything; it is raised on as a failed delivery, see above
        raise DeliveryError(f"the channel failed in an unforeseen way: {type(error).__name__}") from error


def _claimed(engine: Engine, notification: Notification, clock: Clock) -> bool:
    with writing(engine) as connection:
        return outbox.claim(connection, notification, now=clock())


def _note_delivery(engine: Engine, notification: Notification, clock: Clock) -> None:
    with writing(engine) as connection:
        outbox.mark_delivered(connection, notification, now=clock())


def _note_failure(engine: Engine, notification: Notification, error: DeliveryError, clock: Clock) -> bool:
    with writing(engine) as connection:
        return outbox.mark_attempt_failed(connection, notification, error, now=clock())
