"""Drift of the relation between inputs and truth, through the real stages: what it tells apart, and of which rows."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.stages.drifting.truth.inputs import Input, Inputs
from tests.conftest import FixedClock
from tests.late_truth import LateTruth
from tests.pipeline_examples import ingest
from tests.truth_drift_world import (
    ACTUAL,
    CONCEPT,
    LONG_AFTER,
    SETTINGS,
    STREAM,
    World,
    flipped,
    maker_of,
)


@pytest.fixture
def make(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> Callable[..., World]:
    return maker_of(sqlite_engine, tmp_path, clock)


def test_a_flipped_relation_is_concept_drift_and_no_data_drift(make: Callable[..., World]) -> None:
    world = make()
    world.day(0)
    world.day(1, flipped)

    world.compute(0, 1)

    said = {day: world.verdict(day, CONCEPT) for day in (0, 1)}
    assert (said[0]["verdict"], said[0]["drift_type"]) == ("no_drift", "concept_drift")
    assert (said[1]["verdict"], said[1]["reason"]) == ("drift", "effect_and_evidence")
    assert {world.verdict(1, feature)["verdict"] for feature in ("x", "kind", "(prediction)")} == {"no_drift"}
    detail = orjson.loads(world.verdict(1, CONCEPT, "concept")["detail"])
    assert detail["concept_lower"] < detail["concept"] < detail["concept_upper"] < 0
    assert detail["leaf"]["change"] < -1
    assert re.search(r"\bx\b|\(prediction\)", detail["leaf"]["rule"])


def test_moved_inputs_with_the_same_relation_are_data_drift_and_no_concept_drift(make: Callable[..., World]) -> None:
    world = make()
    world.day(0, shift=0.8)

    world.compute(0)

    assert world.verdict(0, "x")["verdict"] == "drift"
    concept = world.verdict(0, CONCEPT, "concept")
    assert concept["verdict"] == "no_drift"
    detail = orjson.loads(concept["detail"])
    assert detail["covariate"] > 0.2  # errors did grow, because there is more of the hard rows


def test_the_classes_of_a_yes_no_model_are_compared_as_categories(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rng = np.random.default_rng(5)
    said = rng.random(2000)
    file = tmp_path / "binary.parquet"
    pq.write_table(pa.table({"prediction_proba": said, "actual_value": (rng.random(2000) < said).astype(int)}), file)
    late = LateTruth(
        sqlite_engine, tmp_path, clock, task="binary", reference={"file": str(file)}, drift={"detectors": ["cusum"]}
    )
    world = World(late=late)
    for day in (0, 1):
        predictions, actuals = world.events(day, rows=300)
        flip = day == 1
        for event, actual, p, u in zip(predictions, actuals, rng.random(300), rng.random(300), strict=True):
            event |= {"predicted_value": int(p >= 0.5), "prediction_proba": float(p)}
            actual["actual_value"] = int((u < p) != (flip and p > 0.3))
        clock.now = LONG_AFTER
        ingest(world.late.installation, predictions=predictions, actuals=actuals)

    world.compute(0, 1)

    assert [world.verdict(day, CONCEPT)["verdict"] for day in (0, 1)] == ["no_drift", "drift"]
    assert {"chi2", "psi"} <= {row["measure"] for row in world.rows(0) if row["feature"] == ACTUAL}
    assert world.verdict(0, ACTUAL)["n_window"] == 300
    # Wrong answers row by row: the detector sees what a mean of signed errors might hide.
    assert [world.verdict(day, STREAM, "cusum")["verdict"] for day in (0, 1)] == ["no_drift", "drift"]


def test_a_multiclass_model_without_features_is_compared_by_what_it_says(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rng = np.random.default_rng(6)
    names = np.array(["bus", "car", "tram"])
    said = names[rng.integers(0, 3, size=2000)]
    true = np.where(rng.random(2000) < 0.8, said, "bus")
    file = tmp_path / "classes.parquet"
    pq.write_table(pa.table({"predicted_class": said, "actual_class": true}), file)
    model = {"task": "multiclass", "classes": names.tolist(), "reference": {"file": str(file)}}
    world = World(late=LateTruth(sqlite_engine, tmp_path, clock, **model))
    predictions, actuals = world.events(0, rows=300)
    for n, (event, actual) in enumerate(zip(predictions, actuals, strict=True)):
        event["predicted_value"] = names[n % 3].item()
        # Of those that are said to be a car, nearly all are trams now.
        actual["actual_value"] = "tram" if n % 3 == 1 and n % 30 else names[n % 3].item()
    clock.now = LONG_AFTER
    ingest(world.late.installation, predictions=predictions, actuals=actuals)

    world.compute(0)

    concept = world.verdict(0, CONCEPT, "concept")
    assert concept["verdict"] == "drift"
    assert orjson.loads(concept["detail"])["leaf"]["rule"] == "(prediction) = car"
    assert world.verdict(0, ACTUAL)["verdict"] == "drift"


def test_the_smallest_effect_that_counts_is_the_declared_one(make: Callable[..., World]) -> None:
    world = make(drift={**SETTINGS, "concept": 50.0})
    world.day(0, flipped)

    world.compute(0)

    concept = world.verdict(0, CONCEPT, "concept")
    assert (concept["threshold"], concept["verdict"], concept["reason"]) == (50.0, "no_drift", "effect_below_minimum")


def test_each_version_is_judged_for_itself(make: Callable[..., World]) -> None:
    world = make()
    world.day(0, model_version="1")
    predictions, actuals = world.events(0, flipped, model_version="2")
    for event in (*predictions, *actuals):
        event["prediction_id"] += "-two"
    ingest(world.late.installation, predictions=predictions, actuals=actuals)

    world.compute(0)

    said = {
        r["model_version"]: r["verdict"] for r in world.rows(0) if (r["feature"], r["measure"]) == (CONCEPT, "overall")
    }
    assert said == {"1": "no_drift", "2": "drift"}


def test_a_rule_on_a_category_is_told_by_its_name_whatever_it_contains() -> None:
    odd = "a and b > 0.5"
    carrier = Input(name="carrier", column="f.carrier", categories=("UA", odd))
    inputs = Inputs(inputs=(carrier, Input(name="distance", column="f.distance")))
    tokens = inputs.tokens

    one = inputs.in_words(f"{tokens[0]} <= 0.5 and {tokens[1]} > 0.5 and 3.5 < {tokens[4]} <= 1e+06")
    another = inputs.in_words(f"{tokens[1]} <= 0.5 and {tokens[3]} <= 0.5")

    assert one == f"carrier = {odd} and 3.5 < distance <= 1e+06"
    assert another == f"carrier ≠ {odd} and carrier ≠ (none)"
    assert inputs.in_words("all rows") == "all rows"
