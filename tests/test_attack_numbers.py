"""Numbers that attacks found wrong: changes of absurd values, and periods that hold hours of other settings."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading
from monitoring_pipeline.performance.comparison import Change, NoChange, relative_change
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.stages.labels.status import label_status
from monitoring_pipeline.stages.measuring.periods import Asked, period_metrics
from monitoring_pipeline.windows import HOUR_MICROS, Period, isoformat
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour


def measured(value: float, half_width: float | None = None) -> MetricValue:
    bounds = (None, None) if half_width is None else (value - half_width, value + half_width)
    return MetricValue(metric="mae", value=value, lower=bounds[0], upper=bounds[1], undefined=None)


@pytest.mark.parametrize(
    ("window", "past"),
    [
        (measured(1e200), [measured(1e200), measured(3e200)]),
        (measured(1e-320), [measured(1e-320), measured(2e-320)]),
        (measured(1.0, 1.0), [measured(1.0, 1e200), measured(2.0, 1e200)]),
    ],
)
def test_values_whose_squares_are_no_doubles_have_a_change_and_an_interval(
    window: MetricValue, past: list[MetricValue]
) -> None:
    change = relative_change(window, past)

    assert isinstance(change, Change)
    assert change.interval is not None
    assert change.interval.lower < change.value < change.interval.upper


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_change_does_not_depend_on_the_unit(scale: float) -> None:
    plain = relative_change(measured(15.0, 1.0), [measured(9.0, 1.0), measured(10.0, 2.0), measured(12.0, 1.0)])
    scaled = relative_change(
        measured(15.0 * scale, scale),
        [measured(9.0 * scale, scale), measured(10.0 * scale, 2 * scale), measured(12.0 * scale, scale)],
    )

    assert isinstance(plain, Change)
    assert isinstance(scaled, Change)
    assert plain.interval is not None
    assert scaled.interval is not None
    assert math.isclose(plain.value, scaled.value, rel_tol=1e-12)
    assert math.isclose(plain.interval.lower, scaled.interval.lower, rel_tol=1e-12)
    assert math.isclose(plain.interval.upper, scaled.interval.upper, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("window", "past"),
    [
        (1e308, [1e308, 1e308]),
        (-1e308, [1e308, 0.7e308]),
        (1.0, [1e-320, 2e-320]),
    ],
)
def test_a_change_beyond_the_doubles_is_absent_with_its_reason(window: float, past: list[float]) -> None:
    assert relative_change(measured(window), [measured(value) for value in past]) is NoChange.OVERFLOW


def test_a_period_spans_just_the_hours_that_were_merged(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    first, second, after = hour(0, 12), hour(1, 13), hour(3)
    world = LateTruth(engine, tmp_path, clock, task="binary", threshold=0.5)
    world.clock.now = after
    world.predict(first, 1, 1, 1, prediction_proba=0.6)
    world.tell(first, {0: 1.0, 1: 1.0, 2: 1.0}, at=first + HOUR_MICROS)
    world.compute(first, at=after)
    stricter = MonitoringConfig.model_validate({"models": [{"id": "m", "task": "binary", "threshold": 0.7}]})
    world.installation = replace(world.installation, config=stricter)
    world.predict(second, 1, 1, prediction_proba=0.6)
    world.tell(second, {0: 1.0, 1: 1.0}, at=second + HOUR_MICROS)
    world.compute(second, at=after + 1)

    rows = period_metrics(world.pipeline, Asked(period=Period.ALL))

    told = {row["metric"]: (row["window_start"], row["window_end"], row["prediction_count"]) for row in rows}
    assert told["accuracy"] == (isoformat(second), isoformat(second + HOUR_MICROS), 2)
    assert told["predictions_per_second"] == (isoformat(first), isoformat(second + HOUR_MICROS), 5)


def test_a_host_whose_clock_ran_ahead_does_not_hide_the_labels_that_came_since(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    before, since = hour(0), hour(0, 2)
    world = LateTruth(engine, tmp_path, clock)
    world.predict(before, 1.0, 2.0)
    world.tell(before, {0: 1.0}, at=hour(0, 3))
    world.compute(before, at=hour(366))
    world.clock.now = hour(1)
    world.predict(since, 1.0, 2.0, 3.0)
    world.tell(since, {0: 1.0, 1: 1.0, 2: 2.0}, at=hour(1))
    world.compute(since, at=hour(1, 1))

    with reading(engine) as connection:
        status = label_status(connection, world.installation.config, "m", now=hour(2), is_present=True)

    assert [(told.prediction_count, told.arrived_count) for told in status.environments] == [(5, 4)]
