"""The demo's ``monitoring.yaml``: valid, in step with the models, with thresholds that the spring explains."""

from pathlib import Path

import pytest

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import DRIFT_METRICS, DriftSettings, FeatureType, MonitoringConfig
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.simulation.flights.data import CATEGORICAL_FEATURES, FEATURES, load_flights
from monitoring_pipeline.simulation.flights.files import REFERENCE_NAMES, config_text, write_config
from monitoring_pipeline.simulation.flights.replay import REPLAY_END, REPLAY_START
from monitoring_pipeline.simulation.flights.thresholds import spring_thresholds
from monitoring_pipeline.simulation.flights.train import DELAY_MODEL_ID, LATE_MODEL_ID, LATE_THRESHOLD
from monitoring_pipeline.windows import Grain


@pytest.fixture
def config(tmp_path: Path) -> MonitoringConfig:
    return load_config(write_config(tmp_path / "home"))


def test_the_config_declares_exactly_what_the_models_say_and_see(config: MonitoringConfig) -> None:
    assert [model.id for model in config.models] == [DELAY_MODEL_ID, LATE_MODEL_ID]
    for model in config.models:
        categorical = [name for name, feature in model.features.items() if feature.type is FeatureType.CATEGORICAL]
        assert list(model.features) == list(FEATURES)
        assert categorical == list(CATEGORICAL_FEATURES)
        assert model.segments == ["carrier", "origin"]
        assert model.reference is not None
        assert model.reference.file == REFERENCE_NAMES[model.id]


def test_drift_is_judged_by_the_defaults_and_every_drift_rule_speaks_of_any_drift(config: MonitoringConfig) -> None:
    for model in config.models:
        assert model.drift == DriftSettings()
        assert [name for name, feature in model.features.items() if feature.drift is False] == ["weekday"]
        assert {rule.above for rule in model.rules if rule.metric in DRIFT_METRICS} == {0}


def test_the_config_and_the_replay_agree_on_threshold_and_time(config: MonitoringConfig) -> None:
    assert config.models[1].threshold == LATE_THRESHOLD
    assert (config.start, config.end) == (REPLAY_START, REPLAY_END)


def test_every_flight_of_the_year_lies_within_the_declared_bounds(config: MonitoringConfig) -> None:
    flights = load_flights()

    for name, feature in config.models[0].features.items():
        values = flights[name]
        assert feature.nullable or values.notna().all(), name
        if feature.min is not None and feature.max is not None:
            assert values.dropna().between(feature.min, feature.max).all(), name
        if feature.allowed is not None:
            assert set(values) == set(feature.allowed), name


def test_a_second_run_finds_its_own_config(tmp_path: Path) -> None:
    write_config(tmp_path)

    assert write_config(tmp_path).read_text(encoding="utf-8") == config_text()


def test_somebody_elses_config_is_not_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "monitoring.yaml"
    theirs.write_text("models: []\n", encoding="utf-8")

    with pytest.raises(MonitorError, match="will not overwrite it"):
        write_config(tmp_path)

    assert theirs.read_text(encoding="utf-8") == "models: []\n"


@pytest.mark.long
def test_each_threshold_stands_at_the_tail_of_the_spring(config: MonitoringConfig) -> None:
    tails = spring_thresholds(load_flights())

    for rule in (rule for model in config.models for rule in model.rules if rule.metric not in DRIFT_METRICS):
        side, bound = ("above", rule.above) if rule.above is not None else ("below", rule.below)
        grain = "hour" if rule.grain is Grain.HOUR else "day"
        # The metrics written into the file are rounded to what a reader can keep in mind.
        assert bound == pytest.approx(tails[f"{rule.metric} per {grain}, {side}"], rel=0.02), rule.id
