"""A young window is compared with past windows as they were known when they were as young."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from monitoring_pipeline.config.models import Baseline, Rule
from monitoring_pipeline.database import reading
from monitoring_pipeline.results.tables import sums_known_at
from monitoring_pipeline.stages.comparing.compare import compare_window
from monitoring_pipeline.stages.comparing.same_age import baseline_of, comparable_age
from monitoring_pipeline.stages.comparing.sums_known_at import forget_outdated
from monitoring_pipeline.windows import HOUR_MICROS, Grain, Window
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour

RULE = Rule(id="worse", metric="mae", above=0.2, baseline=Baseline(windows=3, every=timedelta(days=1)))
JUDGED = 3  # days after Monday


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: FixedClock) -> LateTruth:
    """Four days alike: what is labelled within the first two hours is off by 1, what comes after 20 hours by 9."""
    world = LateTruth(engine, tmp_path, clock)
    clock.now = hour(JUDGED + 1, 3)
    for day in range(JUDGED + 1):
        at, end = hour(day, 12), hour(day + 1)
        world.predict(at, *([10.0] * 8))
        world.tell(at, {n: 11.0 + n / 100 for n in range(4)}, at=end + 2 * HOUR_MICROS)
        if day < JUDGED:
            world.tell(at, {n: 19.0 + n / 100 for n in range(4, 8)}, at=end + 20 * HOUR_MICROS)
    world.compute(*(hour(day, 12) for day in range(JUDGED + 1)), at=hour(JUDGED + 1, 3))
    return world


def test_a_young_day_is_as_good_as_past_days_were_at_its_age(world: LateTruth) -> None:
    [(group, found)] = baseline_of(
        world.pipeline, world.model, Grain.DAY, [hour(JUDGED)], RULE, now=world.clock.now
    ).items()

    assert group.segment == "all"
    assert found.age_micros == 3 * HOUR_MICROS
    assert found.change == 0.0
    assert [coverage for _, _, coverage in found.past_windows] == [0.5, 0.5, 0.5]
    assert [start for start, _, _ in found.past_windows] == [hour(2), hour(1), hour(0)]


def test_compared_with_complete_days_it_would_look_five_times_as_good(world: LateTruth) -> None:
    window = Window(hour(JUDGED), Grain.DAY)
    assert RULE.baseline is not None

    judged, *past = compare_window(world.pipeline, world.model, "mae", window, RULE.baseline)

    assert judged["value"] == pytest.approx(1.015)
    assert [row["value"] for row in past] == pytest.approx([1.015] * 3)
    assert [row["mature_value"] for row in past] == pytest.approx([(1.015 + 9.055) / 2] * 3)


def test_a_day_that_is_really_worse_is_seen_while_it_is_young(world: LateTruth) -> None:
    world.tell(hour(JUDGED, 12), {n: 14.0 + n / 100 for n in range(4)}, at=hour(JUDGED + 1, 2) + 1)
    world.compute(hour(JUDGED, 12), at=world.clock.now)

    [found] = baseline_of(world.pipeline, world.model, Grain.DAY, [hour(JUDGED)], RULE, now=world.clock.now).values()

    assert found.change is not None
    assert found.lower is not None
    assert found.change == pytest.approx(3 / 1.015)
    assert found.lower > 0


def test_what_was_computed_once_is_not_read_from_the_lake_again(world: LateTruth) -> None:
    def compare() -> object:
        return baseline_of(world.pipeline, world.model, Grain.DAY, [hour(JUDGED)], RULE, now=world.clock.now)

    first = compare()
    for path in (world.installation.home.lake / "joined_predictions").rglob("*.parquet"):
        path.unlink()

    assert compare() == first


def test_late_truth_ends_what_was_kept_of_its_hour(world: LateTruth) -> None:
    baseline_of(world.pipeline, world.model, Grain.DAY, [hour(JUDGED)], RULE, now=world.clock.now)
    # Brought today, and known at the time by whoever measured it: the past day at that age was another one.
    world.tell(hour(0, 12), dict.fromkeys(range(4), 12.0), at=hour(1, 2) + 1)
    world.compute(hour(0, 12), at=world.clock.now)

    [found] = baseline_of(world.pipeline, world.model, Grain.DAY, [hour(JUDGED)], RULE, now=world.clock.now).values()

    assert [value for _, value, _ in found.past_windows] == pytest.approx([1.015, 1.015, 2.0])
    assert kept(world) == JUDGED + 1


def test_what_was_kept_of_a_file_that_no_longer_stands_is_removed(world: LateTruth) -> None:
    baseline_of(world.pipeline, world.model, Grain.DAY, [hour(JUDGED)], RULE, now=world.clock.now)
    world.tell(hour(0, 12), {0: 50.0}, at=world.clock.now)
    world.compute(hour(0, 12), at=world.clock.now)

    removed = forget_outdated(world.pipeline)

    assert (removed, kept(world)) == (1, JUDGED)


def kept(world: LateTruth) -> int:
    with reading(world.engine) as connection:
        return connection.scalar(select(func.count()).select_from(sums_known_at)) or 0


def test_fewer_than_two_past_windows_are_no_baseline(world: LateTruth) -> None:
    [found] = baseline_of(world.pipeline, world.model, Grain.DAY, [hour(1)], RULE, now=world.clock.now).values()

    assert (found.change, found.reason) == (None, "too_few_past_windows")


@pytest.mark.parametrize(
    ("age_hours", "compared_hours"),
    [(0, 0), (0.5, 0), (3, 3), (5.9, 4), (11, 8), (30, 24), (47.9, 36), (48, 48), (900, 48)],
)
def test_a_window_is_looked_at_when_it_is_one_of_few_ages_old(
    world: LateTruth, age_hours: float, compared_hours: int
) -> None:
    window = Window(hour(0), Grain.DAY)

    age = comparable_age(window, world.model.labels, now=window.end + int(age_hours * HOUR_MICROS))

    assert age == compared_hours * HOUR_MICROS
