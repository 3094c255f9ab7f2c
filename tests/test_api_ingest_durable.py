"""Each acknowledgement comes after a sync of the commit that holds its rows; and the same check catches who cheats."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy import event as engine_events

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.submissions import Outcome, Submission
from tests.conftest import FixedClock
from tests.native_services import PATIENCE_SECONDS
from tests.serving import event, installation_on, serving
from tests.sqlite_syncs import listening_to_syncs


@dataclass(kw_only=True)
class Log:
    """What happened, in order: ``sent``, ``synced``, ``acknowledged``."""

    entries: list[str] = field(default_factory=list)
    acknowledged: threading.Event = field(default_factory=threading.Event)
    before_sync: Callable[[], object] = lambda: None

    def heard_sync(self) -> None:
        self.before_sync()
        self.entries.append("synced")

    def unsafe(self) -> int:
        """Acknowledgements with no sync since their request was sent."""
        count, is_safe = 0, False
        for entry in self.entries:
            if entry == "acknowledged" and not is_safe:
                count += 1
            is_safe = entry == "synced" or (is_safe and entry != "sent")
        return count


class HastyWriter(EventWriter):
    """A mutant: it tells callers that their rows are stored, and then stores them."""

    def _land(self, group: Sequence[Submission]) -> list[Outcome]:
        told = [Outcome(received=len(submission.rows), rejected=()) for submission in group]
        super()._tell(group, told)
        return super()._land(group)

    def _tell(self, group: Sequence[Submission], outcomes: Sequence[Outcome | Exception]) -> None:
        """They were told before."""


def _post(
    engine: Engine, home: Path, clock: FixedClock, log: Log, *, writer: type[EventWriter] = EventWriter, count: int = 10
) -> None:
    installation = installation_on(engine, home, clock=clock)
    own = writer(engine, config=installation.config, clock=clock)
    service = replace(service_of(installation, open_to_anybody=True), writer=own)
    with serving(create_app(service)) as client:
        for number in range(count):
            log.entries.append("sent")
            reply = client.post("/v0/events?name=ml_model_predictions", json=event(number))
            assert reply.status_code == httpx.codes.ACCEPTED
            log.entries.append("acknowledged")
            log.acknowledged.set()


def test_every_acknowledgement_comes_after_a_sync_of_its_commit(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    log = Log()

    with listening_to_syncs(log.heard_sync):
        _post(sqlite_engine, tmp_path, clock, log)

    assert log.entries.count("synced") >= 10
    assert log.unsafe() == 0


def test_a_writer_that_acknowledges_before_the_commit_is_caught(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    log = Log()
    log.before_sync = lambda: log.acknowledged.wait(PATIENCE_SECONDS)  # the disk is slower than the answer

    with listening_to_syncs(log.heard_sync):
        _post(sqlite_engine, tmp_path, clock, log, writer=HastyWriter, count=1)

    assert log.unsafe() > 0


@pytest.mark.parametrize("mode", ["OFF", "NORMAL"])
def test_a_store_that_does_not_sync_each_commit_is_caught(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, mode: str
) -> None:
    log = Log()

    def weaken(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous={mode}")

    engine_events.listen(sqlite_engine, "connect", weaken)
    with listening_to_syncs(log.heard_sync):
        _post(sqlite_engine, tmp_path, clock, log)

    assert log.unsafe() > 0
