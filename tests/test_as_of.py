"""What the monitor said at a past instant can be asked for ever: same rows, same bits, whatever came later."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake.tables import knowledge
from monitoring_pipeline.results.as_of import PUBLISHED_BY, settled
from monitoring_pipeline.results.read import ResultRow, read_metrics
from monitoring_pipeline.results.tables import drift_results, metrics, performance_sums
from monitoring_pipeline.stages.drifting import drift
from monitoring_pipeline.stages.drifting.truth import truth_drift
from monitoring_pipeline.stages.measuring import performance_results
from monitoring_pipeline.stages.measuring.periods import Asked, period_metrics
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, Period
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour

NOON, ONE = hour(0, 12), hour(0, 13)
AFTER = hour(3)


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: FixedClock) -> LateTruth:
    return LateTruth(engine, tmp_path, clock)


def mae(rows: list[ResultRow]) -> dict[str, float | None]:
    return {row["window_start"][:13]: row["value"] for row in rows if row["metric"] == "mae"}


def test_each_instant_is_answered_with_what_was_said_then(world: LateTruth) -> None:
    world.clock.now = AFTER
    world.predict(NOON, 10.0, 10.0)
    world.tell(NOON, {0: 12.0}, at=ONE)
    world.compute(NOON, at=AFTER)
    world.tell(NOON, {1: 16.0}, at=AFTER + 1)
    world.compute(NOON, at=AFTER + HOUR_MICROS)
    world.tell(NOON, {1: None}, at=AFTER + HOUR_MICROS)
    world.tell(NOON, {0: 11.0}, at=AFTER + HOUR_MICROS)
    world.compute(NOON, at=AFTER + 2 * HOUR_MICROS)

    def said(instant: int) -> dict[str, float | None]:
        return mae(read_metrics(world.engine, grain=Grain.HOUR, as_of=instant, clock=world.clock))

    assert said(AFTER - 1) == {}
    assert said(AFTER) == {"2013-06-17T12": 2.0}
    assert said(AFTER + HOUR_MICROS - 1) == {"2013-06-17T12": 2.0}
    assert said(AFTER + HOUR_MICROS) == {"2013-06-17T12": 4.0}
    assert said(AFTER + 2 * HOUR_MICROS) == {"2013-06-17T12": 1.0}
    assert mae(read_metrics(world.engine, grain=Grain.HOUR)) == {"2013-06-17T12": 1.0}


def test_the_answer_is_the_same_to_the_bit_after_any_later_truth(world: LateTruth) -> None:
    world.clock.now = AFTER
    world.predict(NOON, 0.1, 0.2, 0.3)
    world.predict(ONE, 0.7, 0.9)
    world.tell(NOON, {0: 1 / 3, 2: 0.1}, at=ONE)
    world.compute(NOON, ONE, at=AFTER)
    before = read_metrics(world.engine, as_of=AFTER, clock=world.clock)
    merged = period_metrics(world.pipeline, Asked(period=Period.WEEK, as_of=AFTER))

    world.clock.now = AFTER + 5
    world.tell(NOON, {0: 99.0, 1: 1e300, 2: None}, at=ONE + 1)  # knows already then what is said only now
    world.tell(ONE, {0: -5.0, 1: 0.0}, at=AFTER + 5)
    world.compute(NOON, ONE, at=AFTER + DAY_MICROS)

    assert repr(read_metrics(world.engine, as_of=AFTER, clock=world.clock)) == repr(before)
    assert repr(period_metrics(world.pipeline, Asked(period=Period.WEEK, as_of=AFTER))) == repr(merged)
    assert before
    assert merged
    assert read_metrics(world.engine) != before


def test_what_is_declared_later_does_not_change_what_was_said(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    world = LateTruth(engine, tmp_path, clock, task="binary", threshold=0.5)
    clock.now = AFTER
    world.predict(NOON, 1.0, 0.0, prediction_proba=0.4)
    world.tell(NOON, {0: 1.0, 1: 0.0}, at=ONE)
    world.compute(NOON, at=AFTER)
    asked = Asked(period=Period.ALL, as_of=AFTER)
    said = period_metrics(world.pipeline, asked), read_metrics(engine, as_of=AFTER, clock=clock)

    later = LateTruth(engine, tmp_path, clock, task="binary", threshold=0.3, segments=["plan"])
    later.predict(ONE, 1.0, prediction_proba=0.4)
    later.compute(NOON, ONE, at=AFTER + HOUR_MICROS)

    assert (period_metrics(later.pipeline, asked), read_metrics(engine, as_of=AFTER, clock=clock)) == said
    assert {row["value"] for row in said[0] if row["metric"] == "recall"} == {0.0}
    assert {
        row["value"] for row in period_metrics(later.pipeline, Asked(period=Period.ALL)) if row["metric"] == "recall"
    } == {1.0}


def test_a_recomputation_that_changes_nothing_stores_nothing(world: LateTruth) -> None:
    world.clock.now = AFTER
    world.predict(NOON, 1.0, 2.0)
    world.tell(NOON, {0: 2.0}, at=ONE)
    world.compute(NOON, at=AFTER)

    def stored() -> list[int]:
        with reading(world.engine) as connection:
            return [
                connection.scalar(select(func.count()).select_from(table)) or 0 for table in (metrics, performance_sums)
            ]

    before = stored()
    for day in range(1, 4):
        world.tell(NOON, {0: 2.0}, at=ONE)  # a replay
        world.compute(NOON, at=AFTER + day * DAY_MICROS)

    assert stored() == before


def test_a_clock_that_was_set_back_does_not_rewrite_what_was_said(world: LateTruth) -> None:
    world.clock.now = AFTER
    world.predict(NOON, 10.0)
    world.tell(NOON, {0: 12.0}, at=ONE)
    world.compute(NOON, at=AFTER)
    said = read_metrics(world.engine, as_of=AFTER, clock=world.clock)

    world.tell(NOON, {0: 20.0}, at=ONE + 1)
    world.compute(NOON, at=AFTER - HOUR_MICROS)
    world.clock.now = AFTER + HOUR_MICROS

    assert read_metrics(world.engine, as_of=AFTER, clock=world.clock) == said
    assert mae(read_metrics(world.engine, grain=Grain.HOUR)) == {"2013-06-17T12": 10.0}


def test_an_instant_that_has_hardly_passed_is_settled_before_it_is_answered(world: LateTruth) -> None:
    world.clock.now = AFTER
    world.predict(NOON, 10.0)
    assert read_metrics(world.engine, as_of=AFTER, clock=world.clock) == []

    world.compute(NOON, at=AFTER)  # in the same microsecond, or on a host whose clock is behind

    assert read_metrics(world.engine, as_of=AFTER, clock=world.clock) == []
    assert read_metrics(world.engine) != []


def test_asking_about_the_past_writes_nothing_where_it_is_settled_already(world: LateTruth) -> None:
    world.predict(NOON, 10.0)
    world.compute(NOON, at=AFTER)
    with writing(world.engine) as connection:
        connection.execute(update(knowledge).values(known_at=AFTER + 100))

    settled(world.engine, metrics, AFTER, clock=world.clock)

    with reading(world.engine) as connection:
        assert set(connection.scalars(select(knowledge.c.known_at))) == {AFTER + 100}


def test_the_future_is_refused(world: LateTruth) -> None:
    world.clock.now = AFTER

    with pytest.raises(MonitorError, match=r"^as-of 2013-06-20T00:00:00\.000001Z is in the future \(it is 2013-06-20"):
        read_metrics(world.engine, as_of=AFTER + 1, clock=world.clock)


def test_every_dataset_that_publishes_into_a_table_is_settled() -> None:
    assert set(PUBLISHED_BY[metrics]) == set(performance_results.DATASETS.values())
    assert set(PUBLISHED_BY[performance_sums]) == {performance_results.HOURLY}
    assert set(PUBLISHED_BY[drift_results]) == {*drift.DATASETS.values(), truth_drift.DATASET}
