"""Every measure, on every awkward input: a finite value or a reason, never a crash, a NaN or a warning."""

import doctest
import importlib
import math
import pkgutil
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import monitoring_pipeline.drift
from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.evaluate import (
    FITTING_CATEGORICAL,
    FITTING_NUMERIC,
    evaluate_categorical,
    evaluate_numeric,
)
from monitoring_pipeline.drift.judge import MeasureResult, judge_features
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference, count_categories
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason, DriftVerdict

NAN, INF, HUGE = float("nan"), float("inf"), 1e308
GENERATOR = np.random.default_rng(7)
EVERY = tuple(sorted(FITTING_NUMERIC | FITTING_CATEGORICAL))
USUAL = DriftCriteria()
EAGER = DriftCriteria(min_samples=1, measures=EVERY)
WEATHER = Sizes(reference=40.0, window=2.5, freedom=7.0)  # many rows that are worth few

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


def numeric(
    reference: NumericReference,
    values: Floats,
    *,
    criteria: DriftCriteria = USUAL,
    alpha: float = 0.001,
    sizes: Sizes | None = None,
) -> dict[Measure, MeasureResult]:
    feature = evaluate_numeric(reference, values, criteria=criteria, alpha=alpha, sizes=sizes)
    return {result.measure: result for result in judge_features([feature], alpha=alpha)[0]}


def categorical(
    reference: CategoricalReference,
    values: Sequence[str | None],
    *,
    criteria: DriftCriteria = USUAL,
    alpha: float = 0.001,
    sizes: Sizes | None = None,
) -> dict[Measure, MeasureResult]:
    counts, missing_count = count_categories(values)
    feature = evaluate_categorical(
        reference, counts, missing_count=missing_count, criteria=criteria, alpha=alpha, sizes=sizes
    )
    return {result.measure: result for result in judge_features([feature], alpha=alpha)[0]}


def check(result: MeasureResult) -> None:
    for number in (result.value, result.p_value, result.q_value, result.noise_limit, result.detectable):
        assert number is None or math.isfinite(number)
        assert number is None or number >= 0
    for probability in (result.p_value, result.q_value):
        assert probability is None or probability <= 1
    if result.value is None:
        assert result.verdict is DriftVerdict.NOT_ENOUGH_DATA
    if result.verdict is DriftVerdict.DRIFT:
        assert result.value is not None
        assert result.value >= result.threshold
        assert result.reason is DriftReason.EFFECT_AND_EVIDENCE


def of_values(results: dict[Measure, MeasureResult]) -> list[MeasureResult]:
    """What compares the values that are present."""
    return [result for measure, result in results.items() if measure not in {Measure.OVERALL, Measure.MISSING_RATE}]


@pytest.mark.parametrize("reference_name", NUMERIC)
@pytest.mark.parametrize("sizes", [None, WEATHER], ids=["independent", "alike"])
@pytest.mark.parametrize("criteria", [USUAL, EAGER], ids=["defaults", "from one row on"])
def test_each_numeric_measure_answers_each_awkward_window(
    reference_name: str, criteria: DriftCriteria, sizes: Sizes | None
) -> None:
    reference = NumericReference.from_values(NUMERIC[reference_name])

    for values in NUMERIC.values():
        before = values.copy()
        results = numeric(reference, values, criteria=criteria, sizes=sizes)

        assert set(results) == {Measure.OVERALL, *(FITTING_NUMERIC & set(criteria.measures))}
        for result in results.values():
            check(result)
        np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("reference_name", CATEGORIES)
@pytest.mark.parametrize("sizes", [None, WEATHER], ids=["independent", "alike"])
@pytest.mark.parametrize("criteria", [USUAL, EAGER], ids=["defaults", "from one row on"])
def test_each_categorical_measure_answers_each_awkward_window(
    reference_name: str, criteria: DriftCriteria, sizes: Sizes | None
) -> None:
    reference = CategoricalReference.from_values(CATEGORIES[reference_name])

    for values in CATEGORIES.values():
        results = categorical(reference, values, criteria=criteria, sizes=sizes)

        assert set(results) == {Measure.OVERALL, *(FITTING_CATEGORICAL & set(criteria.measures))}
        for result in results.values():
            check(result)


@pytest.mark.parametrize("alpha", [5e-324, 1.0 - 2.0**-53])
@pytest.mark.parametrize("sizes", [None, WEATHER], ids=["independent", "alike"])
def test_the_smallest_and_the_largest_alpha_are_answered(alpha: float, sizes: Sizes | None) -> None:
    numbers = NumericReference.from_values(NUMERIC["normal"])
    texts = CategoricalReference.from_values(CATEGORIES["rare ones"])

    results = [
        *numeric(numbers, NUMERIC["heavy tail"], criteria=EAGER, alpha=alpha, sizes=sizes).values(),
        *categorical(texts, CATEGORIES["two categories"], criteria=EAGER, alpha=alpha, sizes=sizes).values(),
    ]

    for result in results:
        check(result)


def test_three_rare_categories_beside_a_very_frequent_one_have_a_law() -> None:
    reference = CategoricalReference(counts={"a": 9504, "b": 9, "c": 22}, missing_count=0)

    def p_value(counts: dict[str, int]) -> float:
        criteria = DriftCriteria(measures=(Measure.TOTAL_VARIATION,))
        [found] = evaluate_categorical(reference, counts, criteria=criteria, alpha=0.01).measured
        assert found.measurement is not None
        return found.measurement.p_value

    assert p_value({"a": 154, "b": 81, "c": 134, "d": 121}) < 1e-100


@pytest.mark.parametrize("name", NUMERIC)
def test_a_numeric_window_equal_to_its_reference_has_not_drifted(name: str) -> None:
    reference = NumericReference.from_values(NUMERIC[name])

    results = numeric(reference, NUMERIC[name], criteria=EAGER)

    assert all(r.verdict is not DriftVerdict.DRIFT for r in results.values())
    assert all(r.value is None or r.value < 1e-9 for r in results.values())


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_categorical_window_equal_to_its_reference_has_not_drifted(name: str) -> None:
    reference = CategoricalReference.from_values(CATEGORIES[name])

    results = categorical(reference, CATEGORIES[name], criteria=EAGER)

    assert all(r.verdict is not DriftVerdict.DRIFT for r in results.values())
    assert all(r.value is None or r.value < 1e-9 for r in results.values())


extreme = arrays(np.float64, st.integers(0, 40), elements=st.floats(allow_nan=True, allow_infinity=True))


@given(extreme, extreme)
@settings(max_examples=100, deadline=None)
def test_any_doubles_at_all_are_answered(reference: Floats, window: Floats) -> None:
    prepared = NumericReference.from_values(reference)

    for result in numeric(prepared, window, criteria=EAGER).values():
        check(result)


@given(st.permutations(list(range(60))))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_changes_no_bit(order: list[int]) -> None:
    values = np.round(np.random.default_rng(3).lognormal(size=60), 2)
    categories = [f"c{int(value)}" for value in values]
    prepared = NumericReference.from_values(values)
    counted = CategoricalReference.from_values(categories)

    shuffled = NumericReference.from_values(values[order])
    recounted = CategoricalReference.from_values([categories[i] for i in order])

    window = np.linspace(0.0, 3.0, 60)
    assert numeric(prepared, window, criteria=EAGER) == numeric(shuffled, window[order], criteria=EAGER)
    assert categorical(counted, ["c0", "c1"] * 30, criteria=EAGER) == categorical(
        recounted, ["c1", "c0"] * 30, criteria=EAGER
    )
    assert prepared.content_id() == shuffled.content_id()
    assert counted.content_id() == recounted.content_id()


def test_each_shortage_has_its_reason() -> None:
    enough, few = np.arange(500.0), np.arange(20.0)
    reference = NumericReference.from_values(enough)

    def reasons(reference: NumericReference, window: Floats) -> set[DriftReason]:
        results = of_values(numeric(reference, window))
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

    results = of_values(numeric(reference, np.array([250.0])))

    assert all(r.value is not None and r.verdict is DriftVerdict.NOT_ENOUGH_DATA for r in results)


def test_a_feature_that_was_constant_and_now_moves_is_seen_by_ks() -> None:
    reference = NumericReference.from_values(np.full(500, 5.0))

    results = numeric(reference, np.full(500, 4.0))

    assert results[Measure.OVERALL].verdict is DriftVerdict.DRIFT
    assert results[Measure.KS].verdict is DriftVerdict.DRIFT
    assert results[Measure.WASSERSTEIN].reason is DriftReason.CONSTANT_REFERENCE


def test_a_real_but_meaningless_shift_in_a_million_rows_is_not_drift() -> None:
    generator = np.random.default_rng(11)
    reference = NumericReference.from_values(generator.normal(size=1_000_000))

    results = numeric(reference, generator.normal(0.01, size=1_000_000))

    p_value = results[Measure.KS].p_value
    assert p_value is not None
    assert p_value < 1e-6
    assert results[Measure.OVERALL].reason is DriftReason.EFFECT_BELOW_MINIMUM
    assert all(r.verdict is DriftVerdict.NO_DRIFT for r in results.values())


def test_a_new_category_is_drift_although_the_reference_never_held_it() -> None:
    reference = CategoricalReference.from_values(["a", "b"] * 5000)

    results = categorical(reference, ["a", "b"] * 40 + ["new"] * 20)

    drifted = {measure for measure, result in results.items() if result.verdict is DriftVerdict.DRIFT}
    assert drifted == {Measure.OVERALL, Measure.CHI2, Measure.PSI, Measure.JENSEN_SHANNON, Measure.NEW_CATEGORIES}


def test_values_that_vanish_are_drift_although_none_is_left_to_compare() -> None:
    reference = NumericReference.from_values(np.arange(500.0))

    results = numeric(reference, np.full(200, NAN))

    assert results[Measure.OVERALL].verdict is DriftVerdict.DRIFT
    assert results[Measure.OVERALL].led_by is Measure.MISSING_RATE
    assert results[Measure.KS].reason is DriftReason.ALL_MISSING


def test_one_absurd_row_is_not_evidence_of_drift() -> None:
    generator = np.random.default_rng(12)
    reference = NumericReference.from_values(generator.normal(size=1000))

    results = numeric(reference, np.append(generator.normal(size=199), 1e12))

    assert {r.verdict for r in results.values()} == {DriftVerdict.NO_DRIFT}


def test_rows_that_are_worth_few_are_no_evidence_however_many_they_are() -> None:
    generator = np.random.default_rng(13)
    reference = NumericReference.from_values(generator.normal(size=20_000))
    storm = generator.normal(0.5, size=20_000)

    as_if_independent = numeric(reference, storm)
    as_one_weather = numeric(reference, storm, sizes=Sizes(reference=200.0, window=20.0, freedom=30.0))

    assert as_if_independent[Measure.OVERALL].verdict is DriftVerdict.DRIFT
    assert as_one_weather[Measure.OVERALL].verdict is DriftVerdict.NO_DRIFT
    assert as_one_weather[Measure.KS].value == as_if_independent[Measure.KS].value


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


MODULES = [
    module.name
    for module in pkgutil.walk_packages(monitoring_pipeline.drift.__path__, f"{monitoring_pipeline.drift.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("rows", [1.02, 2.0, 3.0])
def test_a_handful_of_effective_rows_is_never_evidence(rows: float) -> None:
    generator = np.random.default_rng(14)
    sizes = Sizes(reference=480.0, window=rows)
    numbers = NumericReference.from_values(generator.normal(size=20_000))
    names = CategoricalReference.from_values([f"c{i}" for i in generator.integers(0, 10, size=20_000)])

    of_numbers = numeric(numbers, np.full(2000, 3.0), criteria=EAGER, sizes=sizes)
    of_names = categorical(names, ["c3"] * 2000, criteria=EAGER, sizes=sizes)

    assert of_numbers[Measure.OVERALL].verdict is not DriftVerdict.DRIFT
    assert of_names[Measure.OVERALL].verdict is not DriftVerdict.DRIFT
