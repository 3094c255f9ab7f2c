"""What is due when clocks disagree, and when the end of the monitored span moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.due import due_days, due_hours
from monitoring_pipeline.stages.span import MonitoredSpan
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, isoformat
from tests.conftest import FixedClock
from tests.pipeline_examples import START, actual_of, history, ingest, open_home
from tests.stage_runs import run_hours

SECOND = 1_000_000
NOW = START + 3 * HOUR_MICROS


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def installation(tmp_path: Path, clock: FixedClock) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=clock)
    predictions, _ = history([0], rows=2)
    ingest(installation, predictions=predictions)
    run_hours(installation.pipeline, [0])
    yield installation
    installation.engine.dispose()


def receive_truth(installation: Installation, clock: FixedClock, *, at: int) -> None:
    clock.now = at
    actual = {**actual_of("delay", "000-0", 1.0, at=START + HOUR_MICROS), "received_at": isoformat(START + HOUR_MICROS)}
    ingest(installation, actuals=[actual])
    clock.now = NOW


def hours_due(installation: Installation, *, now: int = NOW, debounce_seconds: int = 0) -> list[int]:
    with reading(installation.engine) as connection:
        due = due_hours(connection, now=now, debounce_micros=debounce_seconds * SECOND)
    return [(window.window_start - START) // HOUR_MICROS for window in due]


@pytest.mark.parametrize("debounce_seconds", [0, 60])
def test_truth_from_a_writer_whose_clock_is_ahead_is_due_at_once(
    debounce_seconds: int, installation: Installation, clock: FixedClock
) -> None:
    receive_truth(installation, clock, at=NOW + 300 * SECOND)

    assert hours_due(installation, debounce_seconds=debounce_seconds) == [0]


def test_a_reopened_hour_rests_for_the_debounce_and_not_longer(installation: Installation, clock: FixedClock) -> None:
    receive_truth(installation, clock, at=NOW - 10 * SECOND)

    assert hours_due(installation, debounce_seconds=60) == []
    assert hours_due(installation, now=NOW + 50 * SECOND, debounce_seconds=60) == [0]
    assert hours_due(installation, debounce_seconds=0) == [0]


def test_a_day_waits_for_truth_that_a_clock_ahead_has_written(installation: Installation, clock: FixedClock) -> None:
    tomorrow = START + DAY_MICROS
    receive_truth(installation, clock, at=tomorrow + HOUR_MICROS)

    with reading(installation.engine) as connection:
        due = due_days(connection, now=tomorrow)

    assert [day.model_id for day in due] == ["late"]


@pytest.mark.parametrize(("end_hours", "days"), [(None, [0, 1, 2]), (72, [0, 1, 2]), (25, [0, 1]), (24, [0]), (1, [0])])
def test_days_that_begin_after_the_end_are_not_due(
    end_hours: int | None, days: list[int], installation: Installation, clock: FixedClock
) -> None:
    clock.now = START + 4 * DAY_MICROS
    predictions, _ = history([24, 48], rows=2)
    ingest(installation, predictions=predictions)
    run_hours(installation.pipeline, [24, 48])
    end = None if end_hours is None else START + end_hours * HOUR_MICROS

    with reading(installation.engine) as connection:
        due = due_days(connection, now=clock.now, span=MonitoredSpan(start=START, end=end))

    assert sorted({(day.window_start - START) // DAY_MICROS for day in due}) == days
