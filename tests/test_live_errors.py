"""Errors as of now have the bits of their rows summed one by one, however they came and whatever is kept of them."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, delete, select

from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import ByGroup
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.tables import hour_revision
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.errors.live_errors import LiveErrors
from monitoring_pipeline.stages.live.stretches import Stretch
from monitoring_pipeline.windows import HOUR_MICROS, isoformat
from tests.conftest import NOON_MICROS, FixedClock
from tests.live_world import ENVIRONMENTS, INSTANTS, MODEL, VERSIONS, World, land, one_by_one

BEGIN = NOON_MICROS - 100 * HOUR_MICROS + 123_456_789
STRETCHES = [
    Stretch(BEGIN),
    Stretch(NOON_MICROS - HOUR_MICROS // 3),
    Stretch(BEGIN, NOON_MICROS + 17),
    Stretch(NOON_MICROS - 7 * HOUR_MICROS, NOON_MICROS - 3 * HOUR_MICROS),
    Stretch(BEGIN, BEGIN + HOUR_MICROS // 2),
    Stretch(0),
]


def _world(seed: int, *, count: int = 300) -> tuple[World, list[list[tuple[Kind, list[dict[str, object]]]]]]:
    world = World(rng=random.Random(seed))
    return world, [world.arrive(instant, count) for instant in INSTANTS]


def _found(engine: Engine, lake: Path) -> Sequence[ByGroup]:
    """As a process that has just started finds it."""
    return LiveErrors(engine, lake=Lake(root=lake)).of(MODEL, STRETCHES, which=lambda _: True).groups


def test_means_have_the_bits_of_the_rows_summed_one_by_one(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    world, arrivals = _world(1)
    live = LiveErrors(engine, lake=Lake(root=tmp_path))
    for clock.now, arrived in zip(INSTANTS, arrivals, strict=True):
        land(engine, arrived, clock=clock)
        live.of(MODEL, STRETCHES, which=lambda _: True)  # so that it remembers an earlier state

    for stretch, groups in zip(STRETCHES, live.of(MODEL, STRETCHES, which=lambda _: True).groups, strict=True):
        for version in VERSIONS:
            for environment in ENVIRONMENTS:
                end = math.inf if stretch.end is None else stretch.end
                rows = world.rows(version, environment, stretch.start, end)
                errors = [row.error for row in rows if row.error is not None]
                if not rows:
                    assert (version, environment) not in groups
                    continue
                found = groups[version, environment]
                assert (found.prediction_count, found.labelled_count) == (len(rows), len(errors))
                assert (found.first_at, found.last_at) == (min(r.at for r in rows), max(r.at for r in rows))
                assert found.mae == (math.fsum(map(abs, errors)) / len(errors) if errors else None)
                expected = math.sqrt(math.fsum(e * e for e in errors) / len(errors)) if errors else None
                assert found.rmse == expected


def test_every_hour_is_kept_by_the_transactions_that_change_it(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    _, arrivals = _world(2)
    for clock.now, arrived in zip(INSTANTS, arrivals, strict=True):
        land(engine, arrived, clock=clock, batch_rows=200)
    kept = _table(engine)

    found = _found(engine, tmp_path)

    assert [row[:3] for row in kept] == _revisions(engine)
    with writing(engine) as connection:
        connection.execute(delete(hour_errors))
    assert _found(engine, tmp_path) == found  # computed from rows
    assert _found(engine, tmp_path) == found  # kept again
    edges = {stretch.start - stretch.start % HOUR_MICROS for stretch in STRETCHES}
    computed = _table(engine)
    assert [row for row in computed if row[1] not in edges] == [row for row in kept if row[1] not in edges]


def test_any_mixture_of_kept_and_computed_hours_gives_the_same_bits(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rng = random.Random(3)
    _, arrivals = _world(3)
    live = LiveErrors(engine, lake=Lake(root=tmp_path))
    for clock.now, arrived in zip(INSTANTS, arrivals, strict=True):
        land(engine, arrived, clock=clock, batch_rows=rng.choice([150, 1_000]))
        _forget_some(engine, rng)
        live.of(MODEL, STRETCHES, which=lambda _: True)
    remembered = live.of(MODEL, STRETCHES, which=lambda _: True).groups

    restarted = _found(engine, tmp_path)

    assert remembered == restarted
    with writing(engine) as connection:
        connection.execute(delete(hour_errors))
    assert _found(engine, tmp_path) == restarted


def test_the_order_and_batching_of_arrivals_leave_no_trace(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    world, arrivals = _world(5, count=100)
    clock.now = INSTANTS[-1]
    # Each statement knows when it became known, so that the order in which they come does not say it.
    events = [
        (kind, {**event, "received_at": INSTANTS[0] + number} if kind is Kind.ACTUALS else event)
        for number, (kind, event) in enumerate(one_by_one(arrivals))
    ]
    events = [(kind, _stamped(event)) for kind, event in events if "actual_value" not in event or kind is Kind.ACTUALS]
    halves = len(events) // 2
    for some in (events[:halves], events[halves:]):
        for kind in Kind:
            land(engine, [(kind, [event for of, event in some if of is kind])], clock=clock, batch_rows=20)
    found, kept = _found(engine, tmp_path), _texts(engine)

    with writing(engine) as connection:
        for table in ("predictions", "actuals", "hour_revision", "hour_errors"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    world.rng.shuffle(events)
    by_kind = {kind: [event for of, event in events if of is kind] for kind in Kind}
    land(engine, [(Kind.ACTUALS, by_kind[Kind.ACTUALS]), (Kind.PREDICTIONS, by_kind[Kind.PREDICTIONS])], clock=clock)

    assert _found(engine, tmp_path) == found
    assert _texts(engine) == kept


def test_truth_about_one_old_hour_costs_that_hour(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    world = World(rng=random.Random(6))
    live = LiveErrors(engine, lake=Lake(root=tmp_path))
    land(engine, world.arrive(clock.now, 300), clock=clock)
    whole = [Stretch(0)]
    live.of(MODEL, whole, which=lambda _: True)
    prediction_id = next(name for name, row in world.made.items() if row.at < NOON_MICROS - 20 * HOUR_MICROS)
    late = {"model_id": MODEL, "prediction_id": prediction_id, "actual_value": 1.0, "timestamp": "2026-03-02T11:59:59Z"}
    land(engine, [(Kind.ACTUALS, [late])], clock=clock)

    cost = live.of(MODEL, whole, which=lambda _: True).cost

    assert cost.rows == 1
    assert live.of(MODEL, whole, which=lambda _: True).cost.rows == 0


def test_an_error_beyond_the_doubles_is_told_and_can_be_taken_back(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    stamp = "2026-03-02T11:30:00Z"
    fixed = {"model_id": MODEL, "timestamp": stamp, "model_version": "v1", "features": {}}
    huge = [{**fixed, "prediction_id": f"p{n}", "predicted_value": value} for n, value in enumerate((1e308, 2.0))]
    truth = {"model_id": MODEL, "prediction_id": "p0", "actual_value": -1e308, "timestamp": "2026-03-02T11:40:00Z"}
    other = {"model_id": MODEL, "prediction_id": "p1", "actual_value": 1.5, "timestamp": "2026-03-02T11:40:00Z"}
    land(engine, [(Kind.PREDICTIONS, huge), (Kind.ACTUALS, [truth, other])], clock=clock)
    beyond = _found(engine, tmp_path)[0]["v1", "production"]

    land(engine, [(Kind.ACTUALS, [{**truth, "actual_value": 1e308, "timestamp": stamp}])], clock=clock)

    assert (beyond.mae, beyond.rmse, beyond.labelled_count) == (None, None, 2)
    mended = _found(engine, tmp_path)[0]["v1", "production"]
    assert (mended.mae, mended.rmse) == (0.25, math.sqrt(0.125))


def _forget_some(engine: Engine, rng: random.Random) -> None:
    """As a store is that was made before errors were kept."""
    hours = [row[1] for row in _table(engine)]
    with writing(engine) as connection:
        forgotten = rng.sample(hours, len(hours) // 3)
        connection.execute(delete(hour_errors).where(hour_errors.c.hour.in_(forgotten)))


def _stamped(event: dict[str, object]) -> dict[str, object]:
    at = event.get("received_at")
    return event if not isinstance(at, int) else {**event, "received_at": isoformat(at)}


def _table(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as connection:
        query = select(hour_errors).order_by(hour_errors.c.model_id, hour_errors.c.hour)
        return [tuple(row) for row in connection.execute(query)]


def _texts(engine: Engine) -> list[tuple[object, ...]]:
    return [(*row[:2], *row[3:]) for row in _table(engine)]


def _revisions(engine: Engine) -> list[tuple[object, ...]]:
    table = hour_revision.c
    with reading(engine) as connection:
        query = select(table.model_id, table.hour, table.revision).order_by(table.model_id, table.hour)
        return [tuple(row) for row in connection.execute(query)]
