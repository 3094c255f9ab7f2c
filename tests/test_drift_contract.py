"""Every measure, on every awkward input: a finite value or a reason, never a crash, a NaN or a warning."""

import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import monitoring_pipeline.drift
from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.drift.verdict import (
    DriftReason,
    DriftThresholds,
    DriftVerdict,
    MeasureResult,
    alpha_per_test,
)

NAN, INF, HUGE = float("nan"), float("inf"), 1e308
GENERATOR = np.random.default_rng(7)
EAGER = DriftThresholds(min_samples=1)

NUMERIC: dict[str, Floats] = {
    "empty": np.array([]),
    "one row": np.array([3.0]),
    "two equal rows": np.array([3.0, 3.0]),
    "all missing": np.full(300, NAN),
    "half missing": np.where(np.arange(400) % 2, NAN, np.arange(400.0)),
    "constant": np.full(300, 5.0),
    "constant no double holds exactly": np.full(300, 0.1),
    "almost constant": np.append(np.full(299, 0.1), np.nextafter(0.1, 1.0)),
    "other constant": np.full(300, -5.0),
    "zeros of both signs": np.where(np.arange(300) % 2, 0.0, -0.0),
    "two values": (np.arange(300) % 2).astype(np.float64),
    "mostly zero": np.where(np.arange(300) < 280, 0.0, np.arange(300.0)),
    "normal": GENERATOR.normal(size=300),
    "normal far from zero": GENERATOR.normal(1e12, 1.0, size=300),
    "heavy tail": GENERATOR.standard_cauchy(size=300),
    "huge": np.linspace(-1.0, 1.0, 300) * HUGE,
    "huge constant": np.full(300, HUGE),
    "tiny": np.arange(300.0) * 5e-324,
    "tiny and huge": np.where(np.arange(300) % 2, 5e-324, HUGE),
    "infinite": np.where(np.arange(300) % 2, INF, -INF),
    "one infinite": np.append(GENERATOR.normal(size=300), INF),
}
CATEGORIES: dict[str, list[str | None]] = {
    "empty": [],
    "one row": ["a"],
    "all missing": [None] * 300,
    "half missing": ["a", None] * 150,
    "one category": ["a"] * 300,
    "other category": ["b"] * 300,
    "empty text": ["", "a", ""] * 100,
    "broken text": ["\ud800", "a\0b"] * 150,
    "two categories": ["a", "b"] * 150,
    "every row its own": [f"row {i}" for i in range(300)],
    "rare ones": [*["a"] * 290, *"bcdefghijk"],
}


def check(result: MeasureResult) -> None:
    for number in (result.value, result.p_value, result.threshold):
        assert number is None or math.isfinite(number)
    assert result.value is None or result.value >= 0
    assert result.p_value is None or 0 <= result.p_value <= 1
    assert (result.value is None) == (result.threshold is None)
    if result.value is None:
        assert result.verdict is DriftVerdict.NOT_ENOUGH_DATA
    if result.verdict is DriftVerdict.DRIFT:
        assert result.value is not None
        assert result.threshold is not None
        assert result.value >= result.threshold
        assert result.reason is DriftReason.EFFECT_AND_EVIDENCE


def by_measure(results: list[MeasureResult]) -> dict[Measure, MeasureResult]:
    return {result.measure: result for result in results}


@pytest.mark.parametrize("reference_name", NUMERIC)
@pytest.mark.parametrize("thresholds", [DriftThresholds(), EAGER], ids=["defaults", "from one row on"])
def test_each_numeric_measure_answers_each_awkward_window(reference_name: str, thresholds: DriftThresholds) -> None:
    reference = NumericReference.from_values(NUMERIC[reference_name])

    for values in NUMERIC.values():
        before = values.copy()
        results = evaluate_numeric(reference, values, settings=thresholds, alpha=0.001)

        assert [r.measure for r in results] == [
            Measure.KS,
            Measure.PSI,
            Measure.JENSEN_SHANNON,
            Measure.WASSERSTEIN,
        ]
        for result in results:
            check(result)
        np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("reference_name", CATEGORIES)
@pytest.mark.parametrize("thresholds", [DriftThresholds(), EAGER], ids=["defaults", "from one row on"])
def test_each_categorical_measure_answers_each_awkward_window(reference_name: str, thresholds: DriftThresholds) -> None:
    reference = CategoricalReference.from_values(CATEGORIES[reference_name])

    for values in CATEGORIES.values():
        results = evaluate_categorical(reference, values, settings=thresholds, alpha=0.001)

        assert [r.measure for r in results] == [Measure.CHI2, Measure.PSI, Measure.JENSEN_SHANNON]
        for result in results:
            check(result)


@pytest.mark.parametrize("name", NUMERIC)
def test_a_numeric_window_equal_to_its_reference_has_not_drifted(name: str) -> None:
    reference = NumericReference.from_values(NUMERIC[name])

    results = evaluate_numeric(reference, NUMERIC[name], settings=EAGER, alpha=0.001)

    assert all(r.verdict is not DriftVerdict.DRIFT for r in results)
    assert all(r.value is None or r.value < 1e-12 for r in results)


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_categorical_window_equal_to_its_reference_has_not_drifted(name: str) -> None:
    reference = CategoricalReference.from_values(CATEGORIES[name])

    results = evaluate_categorical(reference, CATEGORIES[name], settings=EAGER, alpha=0.001)

    assert all(r.verdict is not DriftVerdict.DRIFT for r in results)
    assert all(r.value in {None, 0.0} for r in results)


extreme = arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_nan=True, allow_infinity=True))


@given(extreme, extreme)
@settings(max_examples=200, deadline=None)
def test_any_doubles_at_all_are_answered(reference: Floats, window: Floats) -> None:
    prepared = NumericReference.from_values(reference)

    for result in evaluate_numeric(prepared, window, settings=EAGER, alpha=0.001):
        check(result)


@given(st.permutations(list(range(60))))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_changes_no_bit(order: list[int]) -> None:
    values = np.round(np.random.default_rng(3).lognormal(size=60), 2)
    categories = [f"c{int(value)}" for value in values]
    prepared = NumericReference.from_values(values)
    counted = CategoricalReference.from_values(categories)

    shuffled = NumericReference.from_values(values[order])
    recounted = CategoricalReference.from_values([categories[i] for i in order])

    window = np.linspace(0.0, 3.0, 60)
    assert evaluate_numeric(prepared, window, settings=EAGER, alpha=0.01) == evaluate_numeric(
        shuffled, window[order], settings=EAGER, alpha=0.01
    )
    assert evaluate_categorical(counted, ["c0", "c1"] * 30, settings=EAGER, alpha=0.01) == evaluate_categorical(
        recounted, ["c1", "c0"] * 30, settings=EAGER, alpha=0.01
    )
    assert prepared.content_id() == shuffled.content_id()
    assert counted.content_id() == recounted.content_id()


def test_each_shortage_has_its_reason() -> None:
    enough, few = np.arange(500.0), np.arange(20.0)
    reference = NumericReference.from_values(enough)
    thresholds = DriftThresholds()

    def reasons(reference: NumericReference, window: Floats) -> set[DriftReason]:
        results = evaluate_numeric(reference, window, settings=thresholds, alpha=0.001)
        return {r.reason for r in results if r.verdict is DriftVerdict.NOT_ENOUGH_DATA}

    assert reasons(reference, enough) == set()
    assert reasons(reference, few) == {DriftReason.TOO_FEW_WINDOW_ROWS}
    assert reasons(reference, np.array([])) == {DriftReason.TOO_FEW_WINDOW_ROWS}
    assert reasons(reference, np.full(500, NAN)) == {DriftReason.ALL_MISSING}
    assert reasons(NumericReference.from_values(few), enough) == {DriftReason.TOO_FEW_REFERENCE_ROWS}
    assert reasons(NumericReference.from_values(np.full(500, NAN)), enough) == {DriftReason.TOO_FEW_REFERENCE_ROWS}
    assert reasons(NumericReference.from_values(np.ones(500)), enough) == {DriftReason.CONSTANT_REFERENCE}


def test_a_small_window_still_shows_its_value() -> None:
    reference = NumericReference.from_values(np.arange(500.0))

    results = evaluate_numeric(reference, np.array([250.0]), settings=DriftThresholds(), alpha=0.001)

    assert all(r.value is not None and r.verdict is DriftVerdict.NOT_ENOUGH_DATA for r in results)
    assert {r.n_window for r in results} == {1}


def test_a_feature_that_was_constant_and_now_moves_is_seen_by_ks() -> None:
    reference = NumericReference.from_values(np.full(500, 5.0))

    results = by_measure(evaluate_numeric(reference, np.full(500, 4.0), settings=DriftThresholds(), alpha=0.001))

    assert results[Measure.KS].verdict is DriftVerdict.DRIFT
    assert results[Measure.WASSERSTEIN].reason is DriftReason.CONSTANT_REFERENCE


def test_a_real_but_meaningless_shift_in_a_million_rows_is_not_drift() -> None:
    generator = np.random.default_rng(11)
    reference = NumericReference.from_values(generator.normal(size=1_000_000))

    results = by_measure(
        evaluate_numeric(reference, generator.normal(0.01, size=1_000_000), settings=DriftThresholds(), alpha=0.001)
    )

    p_value = results[Measure.KS].p_value
    assert p_value is not None
    assert p_value < 1e-6
    assert results[Measure.KS].reason is DriftReason.EFFECT_BELOW_MINIMUM
    assert all(r.verdict is DriftVerdict.NO_DRIFT for r in results.values())


def test_a_new_category_is_drift_although_the_reference_never_held_it() -> None:
    reference = CategoricalReference.from_values(["a", "b"] * 5000)

    results = evaluate_categorical(reference, ["a", "b"] * 40 + ["new"] * 20, settings=DriftThresholds(), alpha=0.001)

    assert {r.verdict for r in results} == {DriftVerdict.DRIFT}


def test_one_absurd_row_is_not_evidence_of_drift() -> None:
    generator = np.random.default_rng(12)
    reference = NumericReference.from_values(generator.normal(size=1000))

    results = evaluate_numeric(
        reference, np.append(generator.normal(size=199), 1e12), settings=DriftThresholds(), alpha=0.001
    )

    assert {r.verdict for r in results} == {DriftVerdict.NO_DRIFT}


def test_content_ids_tell_contents_apart() -> None:
    ids = {
        NumericReference.from_values(np.array([1.0, 2.0])).content_id(),
        NumericReference.from_values(np.array([1.0, 2.0, NAN])).content_id(),
        NumericReference.from_values(np.array([1.0, 2.0, 2.0])).content_id(),
        CategoricalReference.from_values(["1.0", "2.0"]).content_id(),
        CategoricalReference.from_values(["1.0", "2.0", None]).content_id(),
        CategoricalReference.from_values(["1.02.0"]).content_id(),
        CategoricalReference.from_values([]).content_id(),
    }

    assert len(ids) == 7
    assert all(len(content_id) == 64 for content_id in ids)


def test_a_content_id_stays_the_same_for_ever() -> None:
    numeric = NumericReference.from_values(np.array([2.0, NAN, -0.0, 1.0]))
    categorical = CategoricalReference.from_values(["b", "a", None, "b"])

    assert numeric.content_id() == "02776fe65a607b67bc5b20759d211195d1a35154555c8c817044de3436aac465"
    assert categorical.content_id() == "f855331d7626350ca489f6b1f4c63855bde9e3b2f94f3899eb73457e6d0aba17"


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, NAN])
def test_an_impossible_alpha_is_refused(alpha: float) -> None:
    reference = NumericReference.from_values(np.arange(10.0))

    with pytest.raises(ValueError, match="lies between 0 and 1"):
        evaluate_numeric(reference, np.arange(10.0), settings=EAGER, alpha=alpha)


def test_alpha_is_shared_among_at_least_one_test() -> None:
    assert alpha_per_test(0.001, 4) == 0.00025

    with pytest.raises(ValueError, match="at least one test"):
        alpha_per_test(0.001, 0)


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(monitoring_pipeline.drift.__path__)])
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    module = importlib.import_module(f"monitoring_pipeline.drift.{name}")

    assert doctest.testmod(module).failed == 0
