"""What each scenario should raise and must not: as it is declared, and as a simulation's end is judged by it."""

from collections.abc import Mapping

import pytest

from monitoring_pipeline.config.models import DRIFT_METRICS
from monitoring_pipeline.simulation.scenarios import SCENARIOS, scenario_named
from monitoring_pipeline.simulation.scenarios.declaration import rules
from monitoring_pipeline.simulation.scenarios.judgement import MUST_SPEAK, ending_of
from monitoring_pipeline.simulation.scenarios.outcome import Ending, RuleOutcome
from monitoring_pipeline.simulation.scenarios.reference import healthy_stretch
from monitoring_pipeline.simulation.scenarios.rows import World
from monitoring_pipeline.simulation.scenarios.scenario import Expected, Signal

CONTROLS = {"healthy", "seasonal"}
STANDS, GONE = {"confirmed": 1}, {"retracted": 3}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_says_of_some_signals_that_they_are_raised_and_of_others_that_they_are_silent(name: str) -> None:
    scenario = scenario_named(name)

    expected = {signal: scenario.expects(signal) for signal in Signal}

    assert not scenario.raises & scenario.silent
    assert Expected.SILENT in expected.values()
    assert (Expected.RAISED in expected.values()) is (name not in {*CONTROLS, "label_bias"})
    assert scenario.is_control is (name in CONTROLS)
    assert (expected[Signal.CONCEPT_DRIFT] is Expected.RAISED) is (name == "concept_flip")
    assert (expected[Signal.CONCEPT_DRIFT] is Expected.SILENT) is (name != "concept_flip")


def test_every_kind_of_drift_has_a_rule_and_a_signal_of_its_own() -> None:
    world = World(scenario=scenario_named("healthy", reference_days=1))

    watched = rules(world, healthy_stretch(world))

    of_drift = {watch.rule["metric"]: watch.signal for watch in watched if watch.rule["metric"] in DRIFT_METRICS}
    assert of_drift.keys() == DRIFT_METRICS.keys()
    assert len(set(of_drift.values())) == len(of_drift)
    assert {watch.signal for watch in watched} | {Signal.QUALITY} == set(Signal)


def outcomes(
    name: str,
    after: Mapping[Signal, Mapping[str, int]],
    *,
    before: Mapping[Signal, Mapping[str, int]] | None = None,
    judged: frozenset[Signal] = frozenset(Signal),
) -> list[RuleOutcome]:
    scenario = scenario_named(name)
    return [
        RuleOutcome(
            rule_id=signal.value,
            signal=signal,
            expected=scenario.expects(signal),
            judged_count=int(signal in judged),
            before=(before or {}).get(signal, {}),
            after=after.get(signal, {}),
            first=None,
        )
        for signal in Signal
    ]


FLIPPED = {Signal.CONCEPT_DRIFT: STANDS, Signal.PERFORMANCE: STANDS}


@pytest.mark.parametrize(
    ("name", "after", "ending"),
    [
        ("concept_flip", FLIPPED, Ending.SEEN),
        ("concept_flip", {**FLIPPED, Signal.LABEL_DRIFT: STANDS}, Ending.SEEN),
        ("concept_flip", {**FLIPPED, Signal.DRIFT: GONE}, Ending.SEEN),
        ("concept_flip", {**FLIPPED, Signal.DRIFT: STANDS}, Ending.FALSE_ALARM),
        ("concept_flip", {Signal.PERFORMANCE: STANDS}, Ending.MISSED),
        ("concept_flip", {**FLIPPED, Signal.CONCEPT_DRIFT: GONE}, Ending.MISSED),
        ("label_bias", {Signal.LABEL_DRIFT: GONE, Signal.CONCEPT_DRIFT: GONE, Signal.LABELS: STANDS}, Ending.QUIET),
        ("label_bias", {Signal.LABEL_DRIFT: STANDS}, Ending.FALSE_ALARM),
        ("label_bias", {Signal.CONCEPT_DRIFT: {"provisional": 1}}, Ending.FALSE_ALARM),
        ("sudden_drift", {Signal.DRIFT: STANDS, Signal.PREDICTION_DRIFT: STANDS}, Ending.SEEN),
        ("sudden_drift", {Signal.DRIFT: STANDS, Signal.CONCEPT_DRIFT: STANDS}, Ending.FALSE_ALARM),
        ("healthy", {}, Ending.QUIET),
        ("healthy", {Signal.CONCEPT_DRIFT: STANDS}, Ending.FALSE_ALARM),
    ],
)
def test_the_ending_is_right_if_all_stands_that_should_and_nothing_that_should_not(
    name: str, after: Mapping[Signal, Mapping[str, int]], ending: Ending
) -> None:
    found = ending_of(scenario_named(name), outcomes(name, after), has_drifted=True)

    assert found is ending


def test_an_alert_before_the_onset_is_held_against_health_alone() -> None:
    early = {Signal.LABEL_DRIFT: STANDS}

    of_failure = outcomes("sudden_drift", {Signal.DRIFT: STANDS}, before={Signal.LABELS: STANDS})
    of_bias, of_health = (outcomes(name, {}, before=early) for name in ("label_bias", "healthy"))

    assert ending_of(scenario_named("sudden_drift"), of_failure, has_drifted=True) is Ending.SEEN
    assert ending_of(scenario_named("label_bias"), of_bias, has_drifted=False) is Ending.FALSE_ALARM
    assert ending_of(scenario_named("healthy"), of_health, has_drifted=False) is Ending.FALSE_ALARM


def test_drift_of_another_feature_is_not_what_was_injected() -> None:
    rules_of = outcomes("sudden_drift", {Signal.DRIFT: STANDS})

    assert ending_of(scenario_named("sudden_drift"), rules_of, has_drifted=False) is Ending.MISSED


@pytest.mark.parametrize("mute", sorted(MUST_SPEAK))
def test_the_silence_of_what_could_not_speak_is_not_health(mute: Signal) -> None:
    judged = frozenset(Signal) - {mute}

    ending = ending_of(scenario_named("healthy"), outcomes("healthy", {}, judged=judged), has_drifted=False)

    assert ending is Ending.NOT_ENOUGH_DATA


def test_what_could_not_speak_did_not_miss_anything() -> None:
    judged = frozenset(Signal) - {Signal.VOLUME}

    ending = ending_of(scenario_named("silent_model"), outcomes("silent_model", {}, judged=judged), has_drifted=False)

    assert ending is Ending.NOT_ENOUGH_DATA
