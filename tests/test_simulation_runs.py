"""Small simulations through the real ingest and pipeline: what was injected is noticed, and health raises nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.scenarios import scenario_named, simulate
from monitoring_pipeline.simulation.scenarios.fitting import fitted
from monitoring_pipeline.simulation.scenarios.outcome import Ending, Outcome
from monitoring_pipeline.simulation.scenarios.own import own_rows, rows_of_model
from monitoring_pipeline.simulation.scenarios.rows import World
from monitoring_pipeline.simulation.scenarios.run import SimulatedClock, prepared

# Two days, and the day in which the last labels come of age.
SMALL: dict[str, Any] = {
    "days": 2,
    "onset_day": 1,
    "rows_per_hour": 20,
    "reference_days": 28,
    "label_delay_hours": 2.0,
    "over_days": 0.0,
}


def simulated(name: str, folder: Path, **settings: Any) -> Outcome:
    return simulate(scenario_named(name, **{**SMALL, **settings}), home=folder / "home")


def alerts_of(outcome: Outcome, rule_id: str) -> tuple[dict[str, int], dict[str, int]]:
    """Before and after the onset."""
    [rule] = [rule for rule in outcome.rules if rule.rule_id == rule_id]
    return dict(rule.before), dict(rule.after)


def test_a_sudden_drift_is_raised_on_the_day_after_it_and_not_before(tmp_path: Path) -> None:
    outcome = simulated("sudden_drift", tmp_path)

    assert outcome.ending is Ending.SEEN
    assert alerts_of(outcome, "inputs-moved") == ({}, {"confirmed": 1})
    assert outcome.first_drift is not None
    assert outcome.first_drift.window_start == "2025-03-04T00:00:00Z"
    assert outcome.first_drift.known_at == "2025-03-05T00:05:00Z"
    assert outcome.first_drift.delay_hours == 24.08
    stored = json.loads((tmp_path / "home" / "outcome.json").read_text())
    assert stored == json.loads(json.dumps(outcome.as_json()))


def test_a_concept_that_flips_is_raised_as_concept_drift_and_not_as_drift_of_the_inputs(tmp_path: Path) -> None:
    outcome = simulated("concept_flip", tmp_path, days=1, onset_day=0, rows_per_hour=40)

    assert outcome.ending is Ending.SEEN
    assert alerts_of(outcome, "relation-changed") == ({}, {"confirmed": 1})
    assert alerts_of(outcome, "inputs-moved") == alerts_of(outcome, "outputs-moved") == ({}, {})


def test_drift_that_early_labels_feign_does_not_stand_in_the_end(tmp_path: Path) -> None:
    outcome = simulated("label_bias", tmp_path, days=1, onset_day=0, rows_per_hour=40, label_delay_hours=4.0)

    assert outcome.ending is Ending.QUIET
    for rule_id in ("truth-moved", "relation-changed"):
        assert alerts_of(outcome, rule_id) == ({}, {"retracted": 1})


def test_of_health_nothing_is_raised(tmp_path: Path) -> None:
    outcome = simulated("healthy", tmp_path, days=1, onset_day=0)

    assert outcome.ending is Ending.QUIET
    assert outcome.false_alarm_count == 0
    assert (outcome.onset_at, outcome.first_alert, outcome.rejected_count) == (None, None, 0)


def test_a_model_that_falls_silent_is_raised(tmp_path: Path) -> None:
    outcome = simulated("silent_model", tmp_path, days=1, onset_day=0.5)

    assert outcome.ending is Ending.SEEN
    before, after = alerts_of(outcome, "silent")
    assert before == {}
    assert after["confirmed"] >= 6


def test_a_home_that_is_not_a_simulations_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "monitor.db").write_bytes(b"mine")

    with pytest.raises(MonitorError, match=r"not a simulation's.*--home"):
        simulate(scenario_named("healthy"), home=home)

    assert [path.name for path in home.iterdir()] == ["monitor.db"]
    assert (home / "monitor.db").read_bytes() == b"mine"


def test_a_simulation_replaces_the_one_before_and_only_that(tmp_path: Path) -> None:
    world = World(scenario=scenario_named("healthy", **SMALL))
    home, linked = tmp_path / "home", tmp_path / "linked"
    linked.mkdir()
    (linked / "kept").touch()
    prepared(world, home, SimulatedClock())[0].engine.dispose()
    (home / "events").mkdir()
    (home / "events" / "old.ndjson").touch()
    (home / "link").symlink_to(linked)

    prepared(world, home, SimulatedClock())[0].engine.dispose()

    assert not (home / "events").exists()
    assert not (home / "link").exists()
    assert (linked / "kept").exists()
    assert json.loads((home / "simulation.json").read_text())["scenario"] == "healthy"


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("rows_per_hour", [1, 60])
def test_the_config_that_is_written_is_valid_and_the_same_for_every_scenario(
    task: str, rows_per_hour: int, tmp_path: Path
) -> None:
    settings = {**SMALL, "task": task, "rows_per_hour": rows_per_hour}
    rules = []
    for name in ("healthy", "sudden_drift"):
        world = World(scenario=scenario_named(name, **settings))
        prepared(world, tmp_path / name, SimulatedClock())[0].engine.dispose()
        [model] = load_config(tmp_path / name / "monitoring.yaml").models
        rules.append(model.rules)

    assert rules[0] == rules[1]
    assert {rule.id for rule in rules[0]} >= {"inputs-moved", "relation-changed", "errors-grew", "slow"}
    assert ("silent" in {rule.id for rule in rules[0]}) is (rows_per_hour == 60)
    assert pq.read_table(tmp_path / "healthy" / "reference.parquet").equals(
        pq.read_table(tmp_path / "sudden_drift" / "reference.parquet")
    )


def users_table() -> pa.Table:
    rng = np.random.default_rng(3)
    return pa.table(
        {
            "income": pa.array(rng.lognormal(10, 1, 400)),
            "age": pa.array(rng.integers(18, 90, 400)),
            "region": pa.array(rng.choice(["north", "south"], 400)).dictionary_encode(),
            "member": pa.array([None if i % 7 == 0 else i % 3 == 0 for i in range(400)]),
            "actual_value": pa.array(rng.integers(0, 2, 400)),
            "seen_at": pa.array(np.arange(400), type=pa.timestamp("us", tz="UTC")),
            "empty": pa.nulls(400, pa.float64()),
            "tags": pa.array([["a"]] * 400),
        }
    )


def test_a_users_rows_are_drawn_whole_and_keep_their_types(tmp_path: Path) -> None:
    pq.write_table(users_table(), tmp_path / "mine.parquet")
    known = {tuple(row.values()) for row in users_table().select(["income", "age", "region", "member"]).to_pylist()}

    population = own_rows(tmp_path / "mine.parquet")
    world = World(scenario=scenario_named("sudden_drift", feature="income", **SMALL), population=population)
    rows = world.rows(0)

    drawn = set(zip(*(rows.features[name].tolist() for name in ("income", "age", "region", "member")), strict=True))
    assert drawn <= known
    kinds = {name: profile.kind for name, profile in world.profiles.items()}
    assert kinds == {
        "income": FeatureType.NUMERIC,
        "age": FeatureType.NUMERIC,
        "region": FeatureType.CATEGORICAL,
        "member": FeatureType.BOOLEAN,
    }


@pytest.mark.parametrize(
    ("name", "settings", "feature"),
    [
        ("sudden_drift", {}, "age"),
        ("category_launch", {}, "region"),
        ("sudden_drift", {"feature": "member"}, "member"),
        ("sudden_drift", {"feature": "gone"}, "gone"),
    ],
)
def test_a_scenario_takes_a_feature_that_suits_it_unless_one_was_named(
    name: str, settings: dict[str, str], feature: str, tmp_path: Path
) -> None:
    pq.write_table(users_table(), tmp_path / "mine.parquet")

    scenario = fitted(scenario_named(name, **settings), own_rows(tmp_path / "mine.parquet"))

    assert scenario.feature == feature


def test_the_reference_of_a_declared_model_is_drawn_from(tmp_path: Path) -> None:
    pq.write_table(users_table(), tmp_path / "mine.parquet")
    config = tmp_path / "monitoring.yaml"
    config.write_text(
        "models:\n  - {id: churn, task: binary, features: {age: numeric, region: categorical}, "
        "reference: {file: mine.parquet}}\n  - {id: bare, task: binary}\n"
    )

    population = rows_of_model(config, "churn")

    assert sorted(population.draw(3, np.random.default_rng(1))) == ["age", "region"]
    for model, part in (("bare", "names no reference file"), ("chrn", "declares no model 'chrn'")):
        with pytest.raises(MonitorError, match=part):
            rows_of_model(config, model)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "there is no such file"),
        (b"a,b\n1,2\n", "it is not a Parquet file"),
        (pa.table({"at": pa.array([1], type=pa.timestamp("us"))}), "has no rows, or no column"),
        (pa.table({"x": pa.array([], type=pa.float64())}), "has no rows, or no column"),
    ],
)
def test_a_file_that_cannot_be_drawn_from_is_refused(
    content: pa.Table | bytes | None, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        pq.write_table(content, path)

    with pytest.raises(MonitorError, match=part):
        own_rows(path)
