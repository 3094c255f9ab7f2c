"""Errors read row by row, through the real stages: when an alarm is raised, and how long it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from monitoring_pipeline.config.models import DriftSettings
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.reach import largest_reach
from monitoring_pipeline.drift.streaming.replay import replay
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings
from monitoring_pipeline.windows import isoformat
from tests.conftest import FixedClock
from tests.late_truth import hour
from tests.truth_drift_world import SETTINGS, STREAM, World, maker_of, usual, worse


@pytest.fixture
def make(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Callable[..., World]:
    return maker_of(sqlite_engine, tmp_path, clock)


def test_a_change_that_lasts_is_raised_once_and_then_stands_until_it_is_over(make: Callable[..., World]) -> None:
    world = make()
    for day, truth in enumerate([usual, worse, worse, usual, usual]):
        world.day(day, truth)

    world.compute(*range(5))

    said = [world.verdict(day, STREAM, "cusum") for day in range(5)]
    assert [row["reason"] for row in said] == [
        "no_alarm", "alarm_raised", "alarm_stands", "alarm_stands", "no_alarm",
    ]  # fmt: skip
    assert [row["verdict"] for row in said] == ["no_drift", "drift", "drift", "drift", "no_drift"]
    [raised] = orjson.loads(said[1]["detail"])["alarms"]
    [over] = orjson.loads(said[3]["detail"])["alarms"]
    assert raised["direction"] == "up"
    assert isoformat(hour(1)) < raised["raised_at"] < isoformat(hour(2))
    assert over["raised_at"] == raised["raised_at"]
    assert isoformat(hour(3)) < over["ended_at"] < isoformat(hour(4))
    assert said[0]["value"] < 1 <= said[1]["value"]
    assert {row["value"] for row in said[2:4]} == {raised["statistic"] / raised["limit"]}


def test_every_detector_has_a_row_and_those_of_hits_and_misses_refuse_a_regression(make: Callable[..., World]) -> None:
    detectors = ["page_hinkley", "adwin", "ddm", "hddm_a", "hddm_w"]
    world = make(drift={**SETTINGS, "detectors": detectors, "run_length": 1000})
    world.day(0)
    world.day(1, worse)

    world.compute(0, 1)

    reasons = {r["measure"]: r["reason"] for r in world.rows(1) if r["feature"] == STREAM}
    not_for_it = dict.fromkeys(("ddm", "hddm_a", "hddm_w"), "not_binary")
    assert reasons == {"page_hinkley": "alarm_raised", "adwin": "alarm_raised", **not_for_it}
    assert world.verdict(1, STREAM, "adwin")["value"] is None


@pytest.mark.parametrize("detector", [Detector.CUSUM, Detector.PAGE_HINKLEY])
@pytest.mark.parametrize("binary", [True, False])
def test_the_limit_is_reached_exactly_where_an_alarm_is_raised_or_stands(detector: Detector, *, binary: bool) -> None:
    rng = np.random.default_rng(11)
    level = np.repeat([0.1, 0.4, 0.1, 0.1], 300)
    values = (rng.random(1200) < level).astype(float) if binary else rng.normal(size=1200) + 3 * level
    baseline = Baseline.from_values(values[:300], binary=binary)
    settings = DetectorSettings(detector=detector, run_length=1000)
    parts = [(first, first + 100) for first in range(0, 1200, 100)]

    reached = [largest_reach(values, settings, baseline=baseline, first=a, last=b) for a, b in parts]

    alarms = replay(values, settings, baseline=baseline).alarms
    ends = [(alarm.position, 1200 if alarm.ended_position is None else alarm.ended_position + 1) for alarm in alarms]
    alarmed = [any(begin < b and end > a for begin, end in ends) for a, b in parts]
    assert 0 < sum(alarmed) < len(parts)
    assert [reach is not None and reach >= 1 for reach in reached] == alarmed


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"detectors": ["cusum", "cusum"]}, "detector"),
        ({"detectors": ["adwin"], "run_length": 20_000}, "adwin know run lengths to 10000"),
        ({"run_length": 19}, "greater than or equal to 20"),
        ({"measures": ["ddm"]}, "not a measure of a single feature"),
    ],
)
def test_detectors_that_cannot_be_set_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DriftSettings.model_validate(settings)
