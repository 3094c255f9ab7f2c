"""What an upgraded store lacks is computed in advance: to the last bit, newest first, and on from where it ended."""

import random
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from monitoring_pipeline.database import open_engine, reading, writing
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.filling import fill, hours_behind
from monitoring_pipeline.stages.live.live import Live
from tests.conftest import NOON_MICROS, FixedClock
from tests.ingest_examples import stored
from tests.live_world import World, land
from tests.native_services import wait_for
from tests.serving import ServerProcess


class StopAfter(threading.Event):
    """Is set when so many hours have been computed, each of which is followed by a rest."""

    def __init__(self, hours: int) -> None:
        super().__init__()
        self._left = hours

    def wait(self, timeout: float | None = None) -> bool:
        self._left -= 1
        if self._left == 0:
            self.set()
        return self.is_set()


def upgraded(engine: Engine, clock: FixedClock, *, count: int = 300) -> list[dict[str, object]]:
    """A store as an older version left it: events, and no errors of hours; what was kept of them."""
    world = World(rng=random.Random(7))
    land(engine, world.arrive(clock.now, count), clock=clock)
    kept = stored(engine, "hour_errors")
    with writing(engine) as connection:
        connection.execute(delete(hour_errors))
    return kept


def live_of(engine: Engine, lake: Path, clock: FixedClock) -> Live:
    return Live.of(engine, lake=Lake(root=lake), clock=clock)


def behind(engine: Engine) -> list[tuple[str, int]]:
    with reading(engine) as connection:
        return hours_behind(connection)


def by_hour(rows: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {(row["model_id"], row["hour"]): row for row in rows}


def test_all_hours_are_as_the_transactions_that_landed_their_events_had_kept_them(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    kept = upgraded(engine, clock)

    fill(live_of(engine, tmp_path, clock), threading.Event())

    assert len(kept) > 24
    assert by_hour(stored(engine, "hour_errors")) == by_hour(kept)
    assert behind(engine) == []


def test_the_newest_hours_come_first_and_what_was_done_is_not_done_again(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    upgraded(engine, clock)
    missing = behind(engine)
    live = live_of(engine, tmp_path, clock)

    fill(live, StopAfter(5))
    after_five = behind(engine)
    fill(live_of(engine, tmp_path, clock), StopAfter(3))

    assert [hour for _, hour in missing] == sorted((hour for _, hour in missing), reverse=True)
    assert after_five == missing[5:]
    assert behind(engine) == missing[8:]


def test_a_store_that_is_up_to_date_costs_one_question_and_no_word(
    engine: Engine, tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(rng=random.Random(7))
    land(engine, world.arrive(clock.now, 300), clock=clock)
    resting = StopAfter(1)

    fill(live_of(engine, tmp_path, clock), resting)

    assert not resting.is_set()
    assert caplog.messages == []


def test_a_store_that_is_out_of_reach_is_told_and_ends_nothing(
    tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")

    fill(live_of(engine, tmp_path, clock), threading.Event())

    [told] = caplog.messages
    assert told.startswith("errors of hours are not computed in advance: the store ")


def test_a_server_fills_while_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path))
    here = open_installation()
    kept = upgraded(here.engine, FixedClock(NOON_MICROS), count=100)

    with ServerProcess(home=tmp_path, environment={}):
        wait_for(lambda: not behind(here.engine))

    assert by_hour(stored(here.engine, "hour_errors")) == by_hour(kept)
    here.engine.dispose()
    assert f"errors of {len(kept)} hours are computed" in (tmp_path / "serve.log").read_text(encoding="utf-8")
