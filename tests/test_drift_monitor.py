"""DriftMonitor on a real installation: which reference, which hours, which version, and what it says of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring_pipeline.drift.verdict import DriftReason, DriftType, DriftVerdict
from monitoring_pipeline.drift_monitor import DriftMonitor, DriftResult
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import HOUR_MICROS
from tests.conftest import FixedClock
from tests.drift_examples import Features, events_of, opened, reference_of
from tests.pipeline_examples import START, Event, ingest

FEATURES = {"distance": "numeric", "carrier": "categorical"}
HALF_PAST = START + 5 * HOUR_MICROS + HOUR_MICROS // 2  # of the sixth hour


def at_distance(mean: float) -> Features:
    def features(rng: np.random.Generator, _at: int) -> Event:
        return {"distance": rng.normal(mean, 1.0), "carrier": str(rng.choice(["AA", "UA"]))}

    return features


USUAL, FAR = at_distance(0), at_distance(2)


@pytest.fixture
def now() -> FixedClock:
    return FixedClock(HALF_PAST)


def by_feature(results: list[DriftResult]) -> dict[str, DriftResult]:
    assert len({result.feature for result in results}) == len(results)
    return {result.feature: result for result in results}


def drifted(results: list[DriftResult]) -> set[str]:
    return {result.feature for result in results if result.is_drift_detected}


def test_each_input_and_output_has_a_result_with_type_verdict_and_score(tmp_path: Path, now: FixedClock) -> None:
    reference = {**reference_of(USUAL, days=1, per_day=500), "predicted_value": np.zeros(500) + np.arange(500) % 7}
    del reference["predicted_at"]
    with opened(tmp_path, FEATURES, reference=reference, clock=now) as installation:
        ingest(installation, predictions=events_of(FAR, hours=range(5), per_hour=60))

        found = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=5))

    assert {name: result.drift_type for name, result in found.items()} == {
        "distance": DriftType.DATA,
        "carrier": DriftType.DATA,
        "(prediction)": DriftType.PREDICTION,
    }
    distance, carrier = found["distance"], found["carrier"]
    assert (distance.verdict, distance.reason) == (DriftVerdict.DRIFT, DriftReason.EFFECT_AND_EVIDENCE)
    assert (distance.is_drift_detected, carrier.is_drift_detected) == (True, False)
    assert (distance.drift_score or 0) > 1
    assert (1 if distance.q_value is None else distance.q_value) < 0.01
    assert (distance.led_by, distance.model_version, distance.environment) == ("psi", "unversioned", "production")
    assert (distance.n_window, distance.n_reference) == (5 * 60 - 30, 500)  # 23:30 is not yet, 00:00 no longer


def test_only_the_hours_that_are_asked_for_count_and_the_present_one_as_far_as_it_has_come(
    tmp_path: Path, now: FixedClock
) -> None:
    with opened(tmp_path, FEATURES, reference=reference_of(USUAL), clock=now) as installation:
        early = events_of(FAR, hours=range(3), per_hour=60)
        late = events_of(USUAL, hours=range(3, 5), per_hour=60)
        present = events_of(USUAL, hours=[5], per_hour=60, seed=3)[:30]
        ingest(installation, predictions=[*early, *late, *present])
        monitor = DriftMonitor(installation)

        short = by_feature(monitor.run_drift_detection("m", hours_lookback=2))
        long = by_feature(monitor.run_drift_detection("m", hours_lookback=6))

    assert (short["distance"].n_window, long["distance"].n_window) == (120, 330)
    assert (short["distance"].verdict, long["distance"].verdict) == (DriftVerdict.NO_DRIFT, DriftVerdict.DRIFT)


def as_file(columns: dict[str, Any], folder: Path) -> Path:
    pq.write_table(pa.table(columns), folder / "handed-in.parquet")
    return folder / "handed-in.parquet"


@pytest.mark.parametrize(
    "given",
    [
        as_file,
        lambda columns, folder: str(as_file(columns, folder)),
        lambda columns, _folder: columns,
        lambda columns, _folder: pd.DataFrame(columns),
        lambda columns, _folder: pd.DataFrame(columns)[lambda frame: frame.index >= 0],
        lambda columns, _folder: pa.table(columns),
        lambda columns, _folder: {name: np.array(values) for name, values in columns.items()},
    ],
    ids=["path", "text", "dict", "frame", "filtered", "arrow", "arrays"],
)
def test_a_reference_that_is_handed_in_takes_the_place_of_the_declared_one(
    tmp_path: Path, now: FixedClock, given: Callable[[dict[str, Any], Path], Any]
) -> None:
    columns = reference_of(FAR, days=1, per_day=400)
    del columns["predicted_at"]
    with opened(tmp_path, FEATURES, reference=reference_of(USUAL), clock=now) as installation:
        ingest(installation, predictions=events_of(FAR, hours=range(5), per_hour=60))
        monitor = DriftMonitor(installation)
        before = drifted(monitor.run_drift_detection("m", hours_lookback=5))

        monitor.initialize_reference_data(given(columns, tmp_path))
        results = monitor.run_drift_detection("m", hours_lookback=5)

    assert before == {"distance"}
    assert drifted(results) == set()
    assert {result.n_reference for result in results} == {400}


def test_the_instants_of_a_frame_keep_night_from_being_drift(tmp_path: Path, now: FixedClock) -> None:
    def by_the_clock(rng: np.random.Generator, at: int) -> Event:
        return {"distance": rng.normal(2.0 if at // HOUR_MICROS % 24 < 6 else 0.0, 1.0), "carrier": "AA"}

    frame = pd.DataFrame(reference_of(by_the_clock, days=20, per_day=24 * 20))
    frame["predicted_at"] = pd.to_datetime(frame["predicted_at"], utc=True).dt.tz_convert("Europe/Berlin")
    with opened(tmp_path, FEATURES, clock=now) as installation:
        ingest(installation, predictions=events_of(by_the_clock, hours=range(5), per_hour=60))
        monitor = DriftMonitor(installation)

        monitor.initialize_reference_data(frame)
        in_time = drifted(monitor.run_drift_detection("m", hours_lookback=5))
        monitor.initialize_reference_data(frame.drop(columns="predicted_at"))
        timeless = drifted(monitor.run_drift_detection("m", hours_lookback=5))

    assert (in_time, timeless) == (set(), {"distance"})


def test_a_matrix_is_a_column_of_vectors(tmp_path: Path, now: FixedClock) -> None:
    def features(rng: np.random.Generator, _at: int) -> Event:
        return {"embedding": rng.normal(size=3).tolist()}

    with opened(tmp_path, {"embedding": "vector"}, clock=now) as installation:
        ingest(installation, predictions=events_of(features, hours=range(5), per_hour=60))
        monitor = DriftMonitor(installation)

        monitor.initialize_reference_data({"embedding": np.random.default_rng(1).normal(size=(500, 3))})
        found = by_feature(monitor.run_drift_detection("m", hours_lookback=5))

    assert {result.verdict for result in found.values()} == {DriftVerdict.NO_DRIFT}
    assert found.keys() == {f"embedding: {name}" for name in ("distance", "reconstruction_error", "cosine")}


def test_a_version_is_asked_for_by_its_name_also_of_a_model_with_an_at_in_its_own(
    tmp_path: Path, now: FixedClock
) -> None:
    with opened(tmp_path, FEATURES, reference=reference_of(USUAL), clock=now, id="m@home") as installation:
        for version, features in (("1", USUAL), ("2", FAR)):
            events = events_of(features, hours=range(5), per_hour=60, model_version=version)
            ingest(installation, predictions=[{**event, "model_id": "m@home"} for event in events])
        monitor = DriftMonitor(installation)

        of_both = monitor.run_drift_detection("m@home", hours_lookback=5)
        of_one = monitor.run_drift_detection("m@home@1", hours_lookback=5)

        assert {(r.model_version, r.feature) for r in of_both if r.is_drift_detected} == {("2", "distance")}
        assert [r for r in of_both if r.model_version == "1"] == of_one
        with pytest.raises(
            MonitorError, match="m@home has no predictions of version '3' in these hours; allowed: 1, 2"
        ):
            monitor.run_drift_detection("m@home@3")


def test_what_is_not_enough_is_neither_drifted_nor_healthy(tmp_path: Path, now: FixedClock) -> None:
    with opened(tmp_path, FEATURES, reference=reference_of(USUAL), clock=now) as installation:
        ingest(installation, predictions=events_of(FAR, hours=[4], per_hour=10))

        results = DriftMonitor(installation).run_drift_detection("m")

    assert {(r.verdict, r.reason) for r in results} == {(DriftVerdict.NOT_ENOUGH_DATA, DriftReason.TOO_FEW_WINDOW_ROWS)}
    assert drifted(results) == set()
    assert {r.drift_score for r in results} == {None}


def monitor_of(installation: Installation, events: list[Event]) -> DriftMonitor:
    ingest(installation, predictions=events)
    return DriftMonitor(installation)


def test_every_mistake_is_told_in_a_sentence(tmp_path: Path, now: FixedClock) -> None:
    events = events_of(USUAL, hours=[0], per_hour=40)
    with opened(tmp_path, FEATURES, clock=now) as installation:
        monitor = monitor_of(installation, [*events, {**events[0], "model_id": "undeclared"}])

        with pytest.raises(ValueError, match="hours_lookback is 0; look back at least one hour"):
            monitor.run_drift_detection("m", hours_lookback=0)
        with pytest.raises(MonitorError, match="there is no model 'n'; allowed: m, undeclared"):
            monitor.run_drift_detection("n")
        with pytest.raises(MonitorError, match=r"m declares no reference .* initialize_reference_data"):
            monitor.run_drift_detection("m")
        monitor.initialize_reference_data({"distance": [1.0, 2.0]})
        with pytest.raises(MonitorError, match="handed in has no column for carrier"):
            monitor.run_drift_detection("m")
        with pytest.raises(MonitorError, match="nothing of undeclared can be compared"):
            monitor.run_drift_detection("undeclared")
        now.advance(hours=100)
        monitor.initialize_reference_data({"distance": [1.0], "carrier": ["AA"]})
        with pytest.raises(
            MonitorError, match="m has no predictions between 2025-03-06T09:30:00Z and 2025-03-07T09:30"
        ):
            monitor.run_drift_detection("m")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"distance": [1.0], "carrier": ["AA", "UA"]}, "one value per row; their lengths are distance 1, carrier 2"),
        ({"distance": ["Rosebud", 1.0]}, "column distance of the reference cannot be read"),
        ({"distance": 1.0}, "column distance of the reference cannot be read"),
        ({"distance": [1.0], "predicted_at": ["Rosebud"]}, "column predicted_at of the reference .* holds string"),
        ("nowhere.parquet", "nowhere.parquet cannot be read"),
    ],
)
def test_a_reference_that_is_no_table_is_refused_without_its_values(tmp_path: Path, given: Any, message: str) -> None:
    with opened(tmp_path, FEATURES) as installation, pytest.raises(MonitorError, match=message) as caught:
        DriftMonitor(installation).initialize_reference_data(given)

    assert "Rosebud" not in str(caught.value)


def test_a_monitor_opens_the_installation_of_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    config = tmp_path / "monitoring.yaml"
    config.write_text("models: [{id: m, task: regression, features: {distance: numeric}}]")

    monitor = DriftMonitor.open(config)
    monitor.initialize_reference_data({"distance": [1.0, 2.0]})

    with pytest.raises(MonitorError, match="m has no predictions between"):
        monitor.run_drift_detection("m")
