"""Waiting in the event loop for a commit that another thread makes."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from monitoring_pipeline.api.ingest.allowance import overloaded
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.submissions import Checked, Outcome, QueueFullError, Told, WriterStoppedError


async def stored(writer: EventWriter, checked: Checked) -> Outcome:
    """What became of rows, after they were committed.

    Args:
        writer: of this process.
        checked: what one caller sent.

    Raises:
        Problem: 503 if they were not taken.
        MonitorError: if the store is out of reach.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Outcome] = loop.create_future()
    try:
        writer.queue(checked, ticket=future, tell=_Teller(loop))
    except (QueueFullError, WriterStoppedError):
        raise overloaded() from None
    return await future


@dataclass(frozen=True, slots=True)
class _Teller:
    """Wakes the loop once for all requests of a commit: each waking costs as much as a small event."""

    loop: asyncio.AbstractEventLoop

    def __call__(self, told: Told) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
            self.loop.call_soon_threadsafe(_settle, told)


def _settle(told: Told) -> None:
    for ticket, outcome in told:
        future = cast("asyncio.Future[Outcome]", ticket)
        if future.done():  # given up by who waited
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
