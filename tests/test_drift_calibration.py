"""False alarms and power of a feature's verdict, by seeded simulation: what the explanation promises."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pytest

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.judge import MeasuredFeature, judge_features
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftVerdict

USUAL = DriftCriteria()
# Any effect counts: what is left is the evidence, whose level must be the one that is declared.
EVIDENCE = DriftCriteria(minimum_effects=dict.fromkeys(Measure, 1e-9))
FEATURE_WINDOWS = 600
ALPHA = 0.01

Draw = Callable[[np.random.Generator, int], Floats]
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda generator, rows: generator.normal(size=rows),
    "lognormal": lambda generator, rows: generator.lognormal(size=rows),
    "few values": lambda generator, rows: np.floor(generator.exponential(3.0, size=rows)),
    "mostly zero": lambda generator, rows: generator.exponential(size=rows) * (generator.uniform(size=rows) < 0.2),
}


def drifted(feature: MeasuredFeature, *, alpha: float = 0.001) -> set[Measure]:
    (results,) = judge_features([feature], alpha=alpha)
    return {result.measure for result in results if result.verdict is DriftVerdict.DRIFT}


def counted(generator: np.random.Generator, rows: int, probabilities: Floats) -> Mapping[str, int]:
    counts = generator.multinomial(rows, probabilities).tolist()
    return {f"c{i}": count for i, count in enumerate(counts) if count}


def categories(counts: Mapping[str, int]) -> CategoricalReference:
    return CategoricalReference(counts=dict(counts), missing_count=0)


def at_most(alpha: float, windows: int) -> float:
    """The declared share, and three standard errors of a simulation of this size."""
    return 1.3 * alpha + 3 * math.sqrt(alpha / windows)


@pytest.mark.parametrize("n_window", [30, 500])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_numbers_that_did_not_change_raise_alarms_within_the_budget(distribution: str, n_window: int) -> None:
    generator = np.random.default_rng([n_window, len(distribution)])
    draw = DISTRIBUTIONS[distribution]
    evaluate = partial(evaluate_numeric, criteria=EVIDENCE, alpha=ALPHA)

    alarms = 0
    for number in range(FEATURE_WINDOWS):
        if number % 50 == 0:  # one reference's own luck must not decide
            reference = NumericReference.from_values(draw(generator, 2000))
        alarms += bool(drifted(evaluate(reference, draw(generator, n_window)), alpha=ALPHA))

    assert alarms <= at_most(ALPHA, FEATURE_WINDOWS) * FEATURE_WINDOWS


@pytest.mark.parametrize("n_window", [30, 1000])
@pytest.mark.parametrize("category_count", [2, 20, 400])
def test_categories_that_did_not_change_raise_alarms_within_the_budget(category_count: int, n_window: int) -> None:
    generator = np.random.default_rng([category_count, n_window])
    probabilities = 1.0 / np.arange(1, category_count + 1)  # Zipf: a few large, many rare
    probabilities /= probabilities.sum()

    alarms = 0
    for number in range(FEATURE_WINDOWS):
        if number % 50 == 0:
            reference = categories(counted(generator, 5000, probabilities))
        window = counted(generator, n_window, probabilities)
        alarms += bool(drifted(evaluate_categorical(reference, window, criteria=EVIDENCE, alpha=ALPHA), alpha=ALPHA))

    assert alarms <= at_most(ALPHA, FEATURE_WINDOWS) * FEATURE_WINDOWS


def test_the_usual_settings_raise_hardly_any_alarm_in_small_windows_where_peers_raise_most() -> None:
    generator = np.random.default_rng(30)
    reference = NumericReference.from_values(generator.normal(size=5000))

    alarms = sum(
        bool(drifted(evaluate_numeric(reference, generator.normal(size=30), criteria=USUAL, alpha=0.001)))
        for _ in range(1500)
    )

    assert alarms <= 6


def test_a_shift_of_half_a_deviation_is_seen_in_500_rows() -> None:
    generator = np.random.default_rng(5)
    reference = NumericReference.from_values(generator.normal(size=20_000))

    seen = [
        drifted(evaluate_numeric(reference, generator.normal(0.5, size=500), criteria=USUAL, alpha=0.001))
        for _ in range(300)
    ]

    assert sum(bool(measures) for measures in seen) > 0.95 * 300
    # Not PSI: such a shift is 0.24 on its scale, so near its minimum effect of 0.2 that it is seen 85 % of the time.
    for measure in (Measure.KS, Measure.JENSEN_SHANNON, Measure.WASSERSTEIN):
        assert sum(measure in measures for measures in seen) > 0.95 * 300


def test_a_category_that_grows_from_a_tenth_to_a_quarter_is_seen_in_500_rows() -> None:
    generator = np.random.default_rng(6)
    before, after = np.array([0.6, 0.3, 0.1]), np.array([0.5, 0.25, 0.25])
    reference = categories(counted(generator, 20_000, before))

    seen = sum(
        Measure.CHI2
        in drifted(evaluate_categorical(reference, counted(generator, 500, after), criteria=USUAL, alpha=0.001))
        for _ in range(200)
    )

    assert seen > 0.95 * 200


def test_what_a_window_says_it_could_have_seen_it_sees_in_four_of_five_cases() -> None:
    generator = np.random.default_rng(8)
    reference = NumericReference.from_values(generator.normal(size=50_000))
    evaluate = partial(evaluate_numeric, criteria=DriftCriteria(measures=(Measure.WASSERSTEIN,)), alpha=0.001)
    quiet = evaluate(reference, generator.normal(size=200)).measured[0].measurement
    assert quiet is not None
    assert quiet.detectable is not None

    # A shift of the whole distribution by d deviations is d on Wasserstein's scale.
    shifted = [
        evaluate(reference, generator.normal(quiet.detectable, size=200)).measured[0].measurement for _ in range(400)
    ]

    seen = np.mean([found is not None and found.value >= quiet.noise_limit for found in shifted])
    assert 0.65 < seen < 0.95
