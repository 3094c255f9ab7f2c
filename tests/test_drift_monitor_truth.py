"""DriftMonitor on inputs together, and on the truth that is known now: the same kinds as the pipeline's days have."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.verdict import DriftReason, DriftType, DriftVerdict
from monitoring_pipeline.drift_monitor import DriftMonitor, DriftResult
from monitoring_pipeline.windows import HOUR_MICROS, isoformat
from tests.conftest import FixedClock
from tests.drift_examples import events_of, opened, reference_of
from tests.pipeline_examples import START, Event, ingest

ACTUAL, CONCEPT = "(actual)", "(error at equal inputs)"
TOGETHER, TIES = "(inputs together)", "(ties between inputs)"
SEVEN = START + 7 * HOUR_MICROS

Truth = Callable[[Floats, Floats, np.random.Generator], Floats]


@pytest.fixture
def now() -> FixedClock:
    return FixedClock(SEVEN)


def plain(rng: np.random.Generator, _at: int) -> Event:
    return {"x": float(rng.normal()), "kind": str(rng.choice(["a", "b"]))}


def usual(x: Floats, said: Floats, rng: np.random.Generator) -> Floats:
    return said + rng.normal(size=x.size)


def flipped(x: Floats, said: Floats, rng: np.random.Generator) -> Floats:
    return usual(x, said, rng) - 4.0 * (x > 0)


def higher(x: Floats, said: Floats, rng: np.random.Generator) -> Floats:
    return usual(x, said, rng) + 5.0


def labelled_reference(truth: Truth = usual) -> dict[str, Any]:
    rows = reference_of(plain)
    rng = np.random.default_rng(7)
    said = rng.normal(size=len(rows["x"]))
    return {**rows, "predicted_value": said, "actual_value": truth(np.array(rows["x"]), said, rng)}


def actuals_of(events: Sequence[Event], truth: Truth, *, known_at: int = SEVEN) -> list[Event]:
    rng = np.random.default_rng(8)
    x = np.array([event["features"]["x"] for event in events])
    said = np.array([event["predicted_value"] for event in events])
    return [
        {
            "model_id": "m",
            "prediction_id": event["prediction_id"],
            "timestamp": isoformat(known_at),
            "received_at": isoformat(known_at),
            "actual_value": float(value),
        }
        for event, value in zip(events, truth(x, said, rng), strict=True)
    ]


def by_feature(results: list[DriftResult]) -> dict[str, DriftResult]:
    assert len({result.feature for result in results}) == len(results)
    return {result.feature: result for result in results}


INPUTS = {"x": "numeric", "kind": "categorical"}


@pytest.mark.parametrize(
    ("truth", "moved"),
    [(usual, set()), (flipped, {ACTUAL, CONCEPT}), (higher, {ACTUAL, CONCEPT})],
    ids=["usual", "flipped", "higher"],
)
def test_the_truth_and_its_relation_to_the_inputs_are_judged_by_the_labels_that_are_known(
    tmp_path: Path, now: FixedClock, truth: Truth, moved: set[str]
) -> None:
    with opened(tmp_path, INPUTS, reference=labelled_reference(), clock=now) as installation:
        events = events_of(plain, hours=range(1, 7), per_hour=60)
        ingest(installation, predictions=events, actuals=actuals_of(events[:300], truth))

        found = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=6))

    assert {name for name, result in found.items() if result.is_drift_detected} == moved
    assert {name: result.drift_type for name, result in found.items()} == {
        "x": DriftType.DATA,
        "kind": DriftType.DATA,
        "(prediction)": DriftType.PREDICTION,
        ACTUAL: DriftType.LABEL,
        CONCEPT: DriftType.CONCEPT,
    }
    assert (found["x"].n_window, found[ACTUAL].n_window, found[CONCEPT].n_window) == (360, 300, 300)
    assert found[CONCEPT].led_by == "concept"


@pytest.mark.parametrize("label_count", [0, 1, 20])
def test_with_too_few_labels_it_says_so(tmp_path: Path, now: FixedClock, label_count: int) -> None:
    with opened(tmp_path, INPUTS, reference=labelled_reference(), clock=now) as installation:
        events = events_of(plain, hours=range(1, 7), per_hour=60)
        ingest(installation, predictions=events, actuals=actuals_of(events[:label_count], flipped))

        found = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=6))

    said = {(found[name].verdict, found[name].reason, found[name].drift_score) for name in (ACTUAL, CONCEPT)}
    assert said == {(DriftVerdict.NOT_ENOUGH_DATA, DriftReason.TOO_FEW_WINDOW_ROWS, None)}
    assert {found[name].n_window for name in (ACTUAL, CONCEPT)} == {label_count}
    assert found["x"].verdict is DriftVerdict.NO_DRIFT


def test_a_label_that_is_taken_back_is_not_known(tmp_path: Path, now: FixedClock) -> None:
    with opened(tmp_path, INPUTS, reference=labelled_reference(), clock=now) as installation:
        events = events_of(plain, hours=range(1, 7), per_hour=60)
        told = actuals_of(events, usual)
        ingest(installation, predictions=events, actuals=told)
        now.advance(hours=1)
        later = isoformat(now())
        without = [{k: v for k, v in event.items() if k != "actual_value"} for event in told[:200]]
        taken_back = [{**event, "timestamp": later, "received_at": later, "retracted": True} for event in without]
        ingest(installation, actuals=taken_back)

        found = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=7))

    assert (found["x"].n_window, found[ACTUAL].n_window) == (360, 160)


def test_the_few_rows_of_a_reference_that_have_a_label_are_not_enough(tmp_path: Path, now: FixedClock) -> None:
    reference = labelled_reference()
    reference["actual_value"] = np.where(np.arange(reference["actual_value"].size) < 5, 1.0, np.nan)
    with opened(tmp_path, INPUTS, reference=reference, clock=now) as installation:
        events = events_of(plain, hours=range(1, 7), per_hour=60)
        ingest(installation, predictions=events, actuals=actuals_of(events, flipped))

        found = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=6))

    assert {found[name].reason for name in (ACTUAL, CONCEPT)} == {DriftReason.TOO_FEW_REFERENCE_ROWS}


def test_a_reference_without_truth_has_no_result_of_it_and_one_that_is_handed_in_may_have(
    tmp_path: Path, now: FixedClock
) -> None:
    with opened(tmp_path, INPUTS, reference=reference_of(plain), clock=now) as installation:
        events = events_of(plain, hours=range(1, 7), per_hour=60)
        ingest(installation, predictions=events, actuals=actuals_of(events, flipped))
        monitor = DriftMonitor(installation)

        without = by_feature(monitor.run_drift_detection("m", hours_lookback=6))
        monitor.initialize_reference_data(labelled_reference(flipped))
        like = by_feature(monitor.run_drift_detection("m", hours_lookback=6))

    assert without.keys() == INPUTS.keys()
    assert {like[name].verdict for name in (ACTUAL, CONCEPT)} == {DriftVerdict.NO_DRIFT}


def test_each_version_has_the_labels_of_its_own_rows(tmp_path: Path, now: FixedClock) -> None:
    with opened(tmp_path, INPUTS, reference=labelled_reference(), clock=now) as installation:
        for version, truth in (("1", usual), ("2", flipped)):
            events = events_of(plain, hours=range(1, 7), per_hour=60, model_version=version)
            ingest(installation, predictions=events, actuals=actuals_of(events, truth))

        results = DriftMonitor(installation).run_drift_detection("m", hours_lookback=6)

    assert {(r.model_version, r.feature) for r in results if r.is_drift_detected} == {("2", ACTUAL), ("2", CONCEPT)}


def tied(sign: float) -> Callable[[np.random.Generator, int], Event]:
    """Two numbers that go together, or against each other: each alone is the same."""

    def features(rng: np.random.Generator, _at: int) -> Event:
        x = rng.normal()
        return {"x": float(x), "y": float(sign * x + 0.2 * rng.normal()), "kind": "a"}

    return features


def test_inputs_together_are_judged_if_the_model_asks_for_it(tmp_path: Path, now: FixedClock) -> None:
    inputs = {"x": "numeric", "y": "numeric", "kind": "categorical"}
    found = {}
    for asked in ([], ["reconstruction", "domain_classifier"]):
        folder = tmp_path / str(len(asked))
        with opened(
            folder, inputs, reference=reference_of(tied(1.0)), clock=now, drift={"multivariate": asked}
        ) as installation:
            ingest(installation, predictions=events_of(tied(-1.0), hours=range(1, 7), per_hour=60))
            found[len(asked)] = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=6))

    drifted = {name for name, result in found[2].items() if result.is_drift_detected}
    assert found[0].keys() == inputs.keys()
    assert drifted == {TOGETHER, TIES}
    assert {found[2][name].drift_type for name in drifted} == {DriftType.DATA}
    assert found[2][TOGETHER].led_by == "domain_classifier"


@pytest.mark.parametrize("hours", [2, 7])
def test_night_is_not_drift_of_inputs_together(tmp_path: Path, hours: int) -> None:
    def by_the_clock(rng: np.random.Generator, at: int) -> Event:
        night = at // HOUR_MICROS % 24 < 6
        return {"x": float(rng.normal(2.0 if night else 0.0)), "y": float(rng.normal(-1.0 if night else 1.0))}

    inputs, asked = {"x": "numeric", "y": "numeric"}, {"multivariate": ["reconstruction", "domain_classifier"]}
    reference = reference_of(by_the_clock, days=20, per_day=24 * 12)
    with opened(tmp_path, inputs, reference=reference, clock=FixedClock(SEVEN), drift=asked) as installation:
        ingest(installation, predictions=events_of(by_the_clock, hours=range(7), per_hour=60))

        found = by_feature(DriftMonitor(installation).run_drift_detection("m", hours_lookback=hours))

    assert {name: result.verdict for name, result in found.items()} == dict.fromkeys(
        ["x", "y", TOGETHER, TIES], DriftVerdict.NO_DRIFT
    )
