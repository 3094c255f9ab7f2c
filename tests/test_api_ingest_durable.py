"""Each acknowledgement comes after a sync of the commit that holds its rows; and the same check catches who cheats."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy import event as engine_events

from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.server import service_of
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.events.submissions import Outcome, Submission
from tests.conftest import FixedClock
from tests.native_services import PATIENCE_SECONDS
from tests.postgres_commits import CommitLog
from tests.serving import event, installation_on, serving
from tests.sqlite_syncs import listening_to_syncs


@dataclass(kw_only=True)
class Witness(ABC):
    """Who sees requests and acknowledgements, and can tell which of them came too early."""

    acknowledged: threading.Event = field(default_factory=threading.Event)

    @abstractmethod
    def sees_request(self) -> None:
        """One is about to be sent."""

    @abstractmethod
    def sees_acknowledgement(self, prediction_id: str) -> None:
        """One has come."""

    @abstractmethod
    def unsafe(self) -> int:
        """How many acknowledgements came before their commit was on the disk."""

    def waits(self) -> None:
        """Let the disk be slower than the answer."""
        assert self.acknowledged.wait(PATIENCE_SECONDS)


@dataclass(kw_only=True)
class SyncWitness(Witness):
    """Of SQLite: what happened in order, ``sent``, ``synced`` and ``acknowledged``."""

    entries: list[str] = field(default_factory=list)
    before_sync: Callable[[], object] = lambda: None

    def sees_request(self) -> None:
        self.entries.append("sent")

    def sees_acknowledgement(self, prediction_id: str) -> None:
        self.entries.append("acknowledged")

    def hears_sync(self) -> None:
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


@dataclass(kw_only=True)
class FlushWitness(Witness):
    """Of PostgreSQL: how much of its log was on the disk at each acknowledgement."""

    log: CommitLog
    flushed: dict[str, int] = field(default_factory=dict)

    def sees_request(self) -> None:
        """The log says all that is needed."""

    def sees_acknowledgement(self, prediction_id: str) -> None:
        self.flushed[prediction_id] = self.log.flushed()

    def unsafe(self) -> int:
        """Acknowledgements whose commit was further on in the log."""
        commits = self.log.commits()
        assert commits.keys() == self.flushed.keys()
        return sum(commits[name] > flushed for name, flushed in self.flushed.items())


class HastyWriter(EventWriter):
    """A mutant: it tells callers that their rows are stored, and then stores them."""

    def _land(self, group: Sequence[Submission]) -> list[Outcome]:
        told = [Outcome(received=submission.checked.row_count, rejected=()) for submission in group]
        super()._tell(group, told)
        return super()._land(group)

    def _tell(self, group: Sequence[Submission], outcomes: Sequence[Outcome | Exception]) -> None:
        """They were told before."""


def _post(
    engine: Engine,
    home: Path,
    clock: FixedClock,
    witness: Witness,
    *,
    writer: type[EventWriter] = EventWriter,
    count: int = 10,
) -> None:
    installation = installation_on(engine, home, clock=clock)
    own = writer(engine, config=installation.config, clock=clock)
    service = replace(service_of(installation, open_to_anybody=True), writer=own)
    with serving(create_app(service)) as client:
        for number in range(count):
            witness.sees_request()
            reply = client.post("/v0/events?name=ml_model_predictions", json=event(number))
            witness.sees_acknowledgement(f"p{number}")
            assert reply.status_code == httpx.codes.ACCEPTED
            witness.acknowledged.set()


def _on_connect(engine: Engine, statement: str) -> None:
    """What somebody who wants speed would add."""

    def weaken(connection: Any, _record: object) -> None:
        connection.cursor().execute(statement)
        connection.commit()

    engine_events.listen(engine, "connect", weaken)


def test_every_acknowledgement_comes_after_a_sync_of_its_commit(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    witness = SyncWitness()

    with listening_to_syncs(witness.hears_sync):
        _post(sqlite_engine, tmp_path, clock, witness)

    assert witness.entries.count("synced") >= 10
    assert witness.unsafe() == 0


def test_a_writer_that_acknowledges_before_the_commit_is_caught(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    witness = SyncWitness()
    witness.before_sync = witness.waits

    with listening_to_syncs(witness.hears_sync):
        _post(sqlite_engine, tmp_path, clock, witness, writer=HastyWriter, count=1)

    assert witness.unsafe() > 0


@pytest.mark.parametrize("mode", ["OFF", "NORMAL"])
def test_a_store_that_does_not_sync_each_commit_is_caught(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, mode: str
) -> None:
    witness = SyncWitness()
    _on_connect(sqlite_engine, f"PRAGMA synchronous={mode}")

    with listening_to_syncs(witness.hears_sync):
        _post(sqlite_engine, tmp_path, clock, witness)

    assert witness.unsafe() > 0


@pytest.mark.parametrize("given", ["on", "off"])
def test_every_acknowledgement_of_postgresql_comes_after_its_log_is_synced_whatever_the_database_is_set_to(
    postgres_engine: Engine, tmp_path: Path, clock: FixedClock, given: str
) -> None:
    with CommitLog.of(postgres_engine) as log:
        log.connection.execute(text(f"ALTER DATABASE {postgres_engine.url.database} SET synchronous_commit = {given}"))
        witness = FlushWitness(log=log)

        _post(postgres_engine, tmp_path, clock, witness)

        assert witness.unsafe() == 0
        assert len(witness.flushed) == 10


def test_a_writer_that_acknowledges_before_the_commit_is_caught_on_postgresql(
    postgres_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    def commit_late(connection: Connection) -> None:
        if connection.get_execution_options().get("writing", False):
            witness.waits()

    engine_events.listen(postgres_engine, "commit", commit_late)
    with CommitLog.of(postgres_engine) as log:
        witness = FlushWitness(log=log)

        _post(postgres_engine, tmp_path, clock, witness, writer=HastyWriter, count=1)

        assert witness.unsafe() == 1


def test_sessions_of_postgresql_that_commit_before_the_sync_are_caught(
    postgres_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    _on_connect(postgres_engine, "SET synchronous_commit TO off")

    with CommitLog.of(postgres_engine) as log:
        witness = FlushWitness(log=log)

        _post(postgres_engine, tmp_path, clock, witness)

        assert witness.unsafe() > 0
