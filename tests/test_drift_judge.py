"""Verdicts of features: one budget for a window, evidence and effect, and silence that is no health."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.drift.combine import combined_p_value, false_discovery_rates
from monitoring_pipeline.drift.judge import Measured, MeasuredFeature, MeasureResult, judge_features
from monitoring_pipeline.drift.measurement import Measure, Measurement
from monitoring_pipeline.drift.verdict import DriftReason, DriftVerdict

P_VALUES = st.floats(min_value=0.0, max_value=1.0)


def measured(
    p_value: float,
    *,
    value: float = 1.0,
    minimum: float = 0.1,
    detectable: float | None = 0.2,
    measure: Measure = Measure.KS,
    missing: DriftReason | None = None,
) -> Measured:
    measurement = Measurement(value=value, p_value=p_value, noise_limit=0.15, detectable=detectable)
    return Measured(measure=measure, minimum_effect=minimum, measurement=measurement, missing=missing)


def absent(reason: DriftReason, measure: Measure = Measure.KS) -> Measured:
    return Measured(measure=measure, minimum_effect=0.1, measurement=None, missing=reason)


def feature(*of: Measured) -> MeasuredFeature:
    return MeasuredFeature(measured=of, n_reference=1000, n_window=100, n_effective=100.0)


def overall(*features: MeasuredFeature, alpha: float = 0.01) -> list[MeasureResult]:
    return [results[0] for results in judge_features(features, alpha=alpha)]


@given(st.lists(P_VALUES, min_size=1, max_size=30))
def test_false_discovery_rates_are_those_of_scipy(p_values: list[float]) -> None:
    ours = false_discovery_rates(p_values)

    assert ours == pytest.approx(stats.false_discovery_control(p_values), abs=1e-15)


@given(st.lists(P_VALUES, min_size=1, max_size=12))
def test_a_combined_p_value_lies_between_the_smallest_and_that_of_bonferroni(p_values: list[float]) -> None:
    combined = combined_p_value(p_values)

    assert 0.0 <= combined <= 1.0
    if 1e-300 < min(p_values) < 0.001:
        assert min(p_values) * 0.999 <= combined <= min(p_values) * len(p_values) * 1.001


def test_combined_p_values_of_dependent_tests_keep_their_level() -> None:
    generator = np.random.default_rng(11)
    for correlation in (0.0, 0.5, 0.9, 1.0):
        common, own = generator.normal(size=(20_000, 1)), generator.normal(size=(20_000, 5))
        z = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own

        combined = [combined_p_value(row) for row in stats.norm.sf(z).tolist()]

        for alpha in (0.05, 0.01):
            share = np.mean(np.array(combined) <= alpha)
            assert share <= alpha * 1.25 + 3 * np.sqrt(alpha / 20_000)


def test_where_nothing_changed_a_window_of_many_features_raises_alarms_within_its_budget() -> None:
    p_values = np.random.default_rng(5).uniform(size=(2_000, 20))

    alarms = [
        any(r.verdict is DriftVerdict.DRIFT for r in overall(*(feature(measured(p)) for p in window), alpha=0.05))
        for window in p_values.tolist()
    ]

    assert 0.035 < np.mean(alarms) < 0.065


def test_evidence_of_a_difference_too_small_to_matter_is_no_drift_and_says_so() -> None:
    (result,) = overall(feature(measured(1e-9, value=0.05)))

    assert (result.verdict, result.reason) == (DriftVerdict.NO_DRIFT, DriftReason.EFFECT_BELOW_MINIMUM)


def test_a_large_difference_that_noise_explains_is_no_drift_and_says_so() -> None:
    (result,) = overall(feature(measured(0.2, value=0.9)))

    assert (result.verdict, result.reason) == (DriftVerdict.NO_DRIFT, DriftReason.NO_EVIDENCE)


def test_the_size_must_come_from_a_measure_that_has_evidence_itself() -> None:
    found = measured(1e-9, value=0.05)
    large_by_noise = measured(0.3, value=0.5, minimum=0.2, measure=Measure.PSI)

    (result,) = overall(feature(found, large_by_noise))

    assert result.verdict is DriftVerdict.NO_DRIFT


def test_the_score_is_the_largest_value_in_units_of_its_minimum_effect() -> None:
    (result,) = overall(
        feature(measured(1e-9, value=0.3), measured(1e-9, value=0.5, minimum=0.25, measure=Measure.PSI))
    )

    assert result.value == pytest.approx(3.0)
    assert result.led_by is Measure.KS
    assert result.threshold == 1.0


def test_the_score_is_a_number_however_small_the_minimum_effect_was_declared() -> None:
    (result,) = overall(feature(measured(1e-9, value=0.5, minimum=5e-324)))

    assert result.value is not None
    assert result.detectable is not None
    assert np.isfinite([result.value, result.detectable]).all()


def test_many_drifted_features_help_each_other_to_be_found() -> None:
    alone = overall(feature(measured(0.004)), *(feature(measured(0.9)) for _ in range(4)))
    together = overall(*(feature(measured(0.004)) for _ in range(5)))

    assert [r.verdict for r in alone] == [DriftVerdict.NO_DRIFT] * 5
    assert [r.verdict for r in together] == [DriftVerdict.DRIFT] * 5


def test_a_feature_without_values_is_not_healthy_because_its_missing_rate_is_known() -> None:
    known = measured(0.9, value=0.0, measure=Measure.MISSING_RATE)

    (result,) = overall(feature(absent(DriftReason.ALL_MISSING), known))

    assert (result.verdict, result.reason) == (DriftVerdict.NOT_ENOUGH_DATA, DriftReason.ALL_MISSING)


def test_values_that_vanish_are_drift_although_nothing_else_can_be_measured() -> None:
    vanished = measured(1e-12, value=1.0, measure=Measure.MISSING_RATE)

    (result,) = overall(feature(absent(DriftReason.ALL_MISSING), vanished))

    assert (result.verdict, result.led_by) == (DriftVerdict.DRIFT, Measure.MISSING_RATE)


def test_a_window_that_could_not_have_shown_anything_has_not_enough_data() -> None:
    (result,) = overall(feature(measured(0.4, detectable=None)))

    assert (result.verdict, result.reason) == (DriftVerdict.NOT_ENOUGH_DATA, DriftReason.NOTHING_DETECTABLE)


def test_a_shortage_is_no_test_and_takes_nothing_of_the_budget() -> None:
    short = feature(measured(0.5, missing=DriftReason.TOO_FEW_WINDOW_ROWS))

    results = overall(feature(measured(0.009)), short, short, short)

    assert [r.verdict for r in results] == [DriftVerdict.DRIFT, *[DriftVerdict.NOT_ENOUGH_DATA] * 3]


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, float("nan")])
def test_a_budget_that_is_no_probability_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        judge_features([], alpha=alpha)
