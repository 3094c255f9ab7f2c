"""What a window is compared with: by segment, version, output, season and declaration, from events to results."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.drift_hours import SMALL, log, measured, overall, pipeline_of, predicted, starts_of, stored
from tests.pipeline_examples import LONG_AFTER, START, ingest, open_home


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    yield installation
    installation.engine.dispose()


# --- who is compared with what --------------------------------------------------------------------------------------


def write_reference(installation: Installation, **columns: Any) -> dict[str, str]:
    pq.write_table(pa.table(columns), installation.home.root / "own.parquet")
    return {"file": "own.parquet"}


def test_segments_are_measured_against_their_own_rows_of_the_reference(installation: Installation) -> None:
    carriers = ["AA"] * 60 + ["a=b"] * 50 + [None] * 40
    reference = write_reference(
        installation,
        distance=np.concatenate((np.arange(60.0), 1000 + np.arange(50.0), 5000 + np.arange(40.0))),
        carrier=pa.array(carriers, type=pa.string()),
        depot=["north", "south"] * 75,
    )
    pipeline = pipeline_of(
        installation,
        reference=reference,
        features={"distance": {"type": "numeric"}},
        segments=["carrier", "depot", ["carrier", "depot"]],
        drift={**SMALL, "segments": ["carrier", ["carrier", "depot"]], "pool": {"rows": 1, "hours": 1}},
    )
    events = []
    for number, (carrier, base) in enumerate((("AA", 0.0), ("a=b", 1000.0), (None, 0.0))):
        for row, event in enumerate(predicted(0, count=25, entity_id=str(number))):
            said = {"distance": base + 2.0 * row, "depot": "north", "carrier": carrier}
            events.append({**event, "features": {name: value for name, value in said.items() if value is not None}})
    ingest(installation, predictions=events)

    measured(pipeline, [0])

    found = {row["segment"]: row for row in stored(installation, measure="overall", feature="distance")}
    assert {segment: row["n_reference"] for segment, row in found.items()} == {
        "all": 150,
        "carrier=AA": 60,
        "carrier=a=b": 50,
        "carrier=(none)": 40,
        "carrier & depot=AA & north": 30,
        "carrier & depot=a=b & north": 25,
        "carrier & depot=(none) & north": 20,
    }
    drifted = {segment for segment, row in found.items() if row["verdict"] == "drift"}
    assert drifted >= {"carrier=(none)", "carrier & depot=(none) & north"}
    assert not drifted & {"carrier=AA", "carrier & depot=AA & north"}
    # One budget over all of them: seven p-values are corrected together.
    q_values = {row["q_value"] for row in found.values()}
    smallest = min(found.values(), key=lambda row: row["p_value"])
    assert min(q_values) >= smallest["p_value"]
    assert max(q_values) <= 1.0


def test_a_reference_file_that_does_not_say_its_segments_has_no_rows_of_any(installation: Installation) -> None:
    reference = write_reference(installation, distance=np.arange(200.0))
    pipeline = pipeline_of(
        installation, reference=reference, segments=["carrier"], drift={**SMALL, "segments": ["carrier"]}
    )
    ingest(installation, predictions=[{**e, "features": {"distance": 5.0}} for e in predicted(0, count=30)])

    measured(pipeline, [0])

    found = {row["segment"]: row for row in stored(installation, measure="overall", feature="distance")}
    assert {segment: row["n_reference"] for segment, row in found.items()} == {"all": 200, "carrier=(none)": 0}
    assert found["carrier=(none)"]["reason"] == "too_few_reference_rows"


def test_versions_and_environments_are_judged_apart(installation: Installation) -> None:
    pipeline = pipeline_of(installation)
    groups = [("1", "production", False), ("2", "production", True), ("2", "shadow", False)]
    for version, environment, moved in groups:
        events = predicted(0, count=30, moved=moved, model_version=version, environment=environment)
        ingest(installation, predictions=events)

    measured(pipeline, [0])

    found = stored(installation, measure="overall", feature="distance")
    assert {(r["model_version"], r["environment"], r["verdict"] == "drift") for r in found} == set(groups)
    assert {row["n_window"] for row in found} == {30}


@pytest.mark.parametrize("kind", ["file", "window"])
def test_predictions_and_their_confidence_are_compared_too(installation: Installation, kind: str) -> None:
    rng = np.random.default_rng(3)

    def said(hour: int, shift: float) -> list[dict[str, Any]]:
        return [
            {**event, "predicted_value": float(rng.normal(shift)), "confidence": float(rng.uniform(0.5, 0.9))}
            for event in predicted(hour, count=60)
        ]

    reference = write_reference(
        installation,
        distance=rng.uniform(100, 2000, size=300),
        predicted_value=rng.normal(size=300),
        confidence=rng.uniform(0.5, 0.9, size=300),
    )
    window = {"start": isoformat(START), "end": isoformat(START + 20 * HOUR_MICROS)}
    pipeline = pipeline_of(installation, reference=reference if kind == "file" else window)
    ingest(installation, predictions=[e for hour in range(20) for e in said(hour, 0.0)])
    ingest(installation, predictions=[*said(30, 0.0), *said(31, 2.0)])
    log(pipeline, range(20))

    measured(pipeline, [30, 31])

    def verdicts(hour: int) -> dict[str, str]:
        found = stored(installation, measure="overall", window_start=START + hour * HOUR_MICROS)
        return {row["feature"]: row["verdict"] for row in found if row["drift_type"] == "prediction_drift"}

    assert verdicts(30) == {"(prediction)": "no_drift", "(confidence)": "no_drift"}
    assert verdicts(31) == {"(prediction)": "drift", "(confidence)": "no_drift"}


# --- declarations ---------------------------------------------------------------------------------------------------


def test_a_feature_is_measured_by_its_own_measures_and_its_own_minimum_effects(installation: Installation) -> None:
    ingest(installation, predictions=predicted(0, count=60, moved=True))
    own = {"measures": ["ks", "cramer_von_mises"], "ks": 0.9999}
    features = {
        "distance": {"type": "numeric", "drift": own},
        "carrier": {"type": "categorical", "drift": {"chi2": 0.5}},
    }
    pipeline = pipeline_of(
        installation, features=features, drift={**SMALL, "cramer_von_mises": 0.7, "measures": ["chi2", "g_test"]}
    )

    measured(pipeline, [0])

    found = {(row["feature"], row["measure"]): row for row in stored(installation)}
    assert {measure for feature, measure in found if feature == "distance"} == {"overall", "ks", "cramer_von_mises"}
    assert {measure for feature, measure in found if feature == "carrier"} == {"overall", "chi2", "g_test"}
    assert (found["distance", "ks"]["threshold"], found["distance", "cramer_von_mises"]["threshold"]) == (0.9999, 0.7)
    assert (found["carrier", "chi2"]["threshold"], found["carrier", "g_test"]["threshold"]) == (0.5, 0.5)
    assert found["distance", "ks"]["verdict"] == "drift"  # every value is beyond the reference: KS is 1
    assert found["distance", "cramer_von_mises"]["reason"] == "effect_below_minimum"


def seasonal_reference(installation: Installation) -> dict[str, str]:
    """Twenty days of forty rows an hour, which follow the sun."""
    hours = np.repeat(np.arange(24 * 20), 40)
    values = 10 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(5).normal(size=hours.size)
    instants = START - 21 * DAY_MICROS + hours * HOUR_MICROS
    return write_reference(installation, distance=values, predicted_at=pa.array(instants, pa.timestamp("us", "UTC")))


@pytest.mark.parametrize(
    ("settings", "verdict", "least_effective", "most_effective"),
    [
        ({}, "no_drift", 20.0, 40.0),
        ({"season": "hour_of_day"}, "no_drift", 20.0, 40.0),
        ({"season": "none"}, None, 1.0, 2.0),  # hours differ that much by themselves
        ({"independent_rows": True}, "drift", 40.0, 40.0),
    ],
)
def test_the_declared_season_says_what_is_compared_with_what(
    installation: Installation,
    settings: dict[str, Any],
    verdict: str | None,
    least_effective: float,
    most_effective: float,
) -> None:
    pipeline = pipeline_of(installation, reference=seasonal_reference(installation), drift={**SMALL, **settings})
    rng = np.random.default_rng(6)
    events = [{**event, "features": {"distance": float(10 + rng.normal())}} for event in predicted(6, count=40)]
    ingest(installation, predictions=events)

    measured(pipeline, [6])

    found = overall(installation, 6)
    assert verdict in {None, found["verdict"]}
    assert least_effective <= found["n_effective"] <= most_effective


@pytest.mark.parametrize(
    "instants", [["yesterday"] * 100, pa.array([START] * 99 + [None]), [1.5] * 100], ids=["text", "missing", "fraction"]
)
def test_a_reference_whose_instants_cannot_be_read_is_refused_with_what_to_do(
    installation: Installation, instants: Any
) -> None:
    reference = write_reference(installation, distance=np.arange(100.0), predicted_at=instants)
    pipeline = pipeline_of(installation, reference=reference)
    ingest(installation, predictions=predicted(0))
    log(pipeline, [0])

    [failure] = measure_drift(pipeline, Grain.HOUR, starts_of([0])).failures

    assert isinstance(failure.error, MonitorError)
    assert "column predicted_at of the reference file" in failure.sentence
    assert "it must be timestamps or microseconds UTC, one for each row, or be left out" in failure.sentence


def test_a_new_reference_rewrites_nothing_until_hours_are_computed_again(installation: Installation) -> None:
    first = write_reference(installation, distance=np.arange(100, 2000.0))
    pipeline = pipeline_of(installation, reference=first)
    ingest(installation, predictions=[e for hour in (0, 1) for e in predicted(hour, count=30)])
    measured(pipeline, [0])
    told = stored(installation, every=True)

    write_reference(installation, distance=np.arange(9000.0, 9500.0))
    measured(pipeline, [0, 1])
    assert [row for row in stored(installation, every=True) if row["window_start"] == START] == told
    ids = [overall(installation, hour)["reference_id"] for hour in (0, 1)]
    assert ids[0] != ids[1]
    assert [overall(installation, hour)["verdict"] for hour in (0, 1)] == ["no_drift", "drift"]

    measure_drift(pipeline, Grain.HOUR, starts_of([0]))
    assert overall(installation, 0)["reference_id"] == ids[1]
    past = [row for row in stored(installation, every=True) if row["known_to"] is not None]
    assert {row["reference_id"] for row in past} == {ids[0]}


def test_a_feature_that_was_declared_later_is_missing_in_earlier_hours(installation: Installation) -> None:
    reference = write_reference(installation, distance=np.arange(100, 2000.0), load=np.arange(100, 2000.0))
    both = {"distance": {"type": "numeric"}, "load": {"type": "numeric"}}
    events = [
        {**event, "features": {**event["features"], **({"load": event["features"]["distance"]} if hour else {})}}
        for hour in (0, 1)
        for event in predicted(hour, count=20)
    ]
    ingest(installation, predictions=events)
    log(pipeline_of(installation, reference=reference, features={"distance": {"type": "numeric"}}), [0])
    pipeline = pipeline_of(installation, reference=reference, features=both)

    measured(pipeline, [0, 1])

    found = {
        (row["window_start"], row["feature"]): row
        for row in stored(installation, measure="ks")
        if row["feature"] != "(prediction)"
    }
    assert found[START, "load"]["reason"] == "all_missing"
    assert found[START + HOUR_MICROS, "load"]["n_window"] == 20  # the hour's own, and none of the one before
    assert found[START + HOUR_MICROS, "distance"]["n_window"] in (20, 40)
