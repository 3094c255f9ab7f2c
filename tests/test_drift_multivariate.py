"""All inputs at once: reconstruction error, the domain classifier, and the noise that it allows for."""

import doctest
import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ks_2samp, mannwhitneyu
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.reasons import UndefinedReason
from monitoring_pipeline.drift.multivariate.domain_classifier import DomainClassification, measure
from monitoring_pipeline.drift.multivariate.encode import MOST_CATEGORIES, Encoding
from monitoring_pipeline.drift.multivariate.pca import ReconstructionReference
from monitoring_pipeline.drift.multivariate.rank_noise import RankNoise, area_and_ties
from monitoring_pipeline.drift.multivariate.samples import DomainReference, Samples
from monitoring_pipeline.drift.multivariate.table import Column, Table, content_id, take
from monitoring_pipeline.drift.sizes import Sizes

AWKWARD_COLUMNS: dict[str, Column] = {
    "all missing": np.full(60, np.nan),
    "half missing": np.where(np.arange(60) % 2, np.nan, np.arange(60.0)),
    "constant": np.full(60, 5.0),
    "zeros of both signs": np.where(np.arange(60) % 2, 0.0, -0.0),
    "tiny": np.arange(60.0) * 5e-324,
    "huge": np.linspace(-1.0, 1.0, 60) * 1e308,
    "infinite": np.where(np.arange(60) % 2, np.inf, -np.inf),
    "mostly zero": np.where(np.arange(60) < 58, 0.0, 1e300),
    "no category": [None] * 60,
    "one category": ["a"] * 60,
    "broken text": ["\ud800", "a\0b", "", None] * 15,
    "every row its own": [f"row {row}" for row in range(60)],
}


def tied_table(generator: np.random.Generator, rows: int) -> dict[str, Column]:
    """Distance, duration and fuel go together, and so do they with the kind of flight; wind and weight do not."""
    distance = generator.normal(size=rows)
    return {
        "distance": distance,
        "duration": distance + 0.3 * generator.normal(size=rows),
        "fuel": np.where(generator.random(rows) < 0.1, np.nan, distance + 0.3 * generator.normal(size=rows)),
        "wind": generator.normal(size=rows),
        "weight": generator.lognormal(size=rows),
        "kind": ["long" if far else "short" for far in (distance > 0).tolist()],
    }


def broken_table(generator: np.random.Generator, rows: int) -> dict[str, Column]:
    """Every feature as before, but none goes together with another."""
    table = tied_table(generator, rows)
    return {name: take({name: column}, generator.permutation(rows))[name] for name, column in table.items()}


def numbers(table: Table, name: str) -> Floats:
    column = table[name]
    assert isinstance(column, np.ndarray)
    return column


def classify(reference: Table, window: Table, *, effective_rows: float | None = None) -> DomainClassification:
    n_reference, n_window = (len(next(iter(table.values()))) for table in (reference, window))
    sizes = Sizes(reference=n_reference, window=effective_rows or n_window)
    return measure(DomainReference.fit(reference), window, sizes=sizes, alpha=0.01)


@pytest.mark.parametrize("module", ["encode", "pca", "rank_noise", "domain_classifier"])
def test_the_examples_in_the_docstrings_are_true(module: str) -> None:
    name = f"monitoring_pipeline.drift.multivariate.{module}"

    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_a_tie_that_breaks_is_seen_although_every_feature_keeps_its_distribution() -> None:
    generator = np.random.default_rng(1)
    reference = ReconstructionReference.fit(tied_table(generator, 2000))

    as_ever = reference.errors(tied_table(generator, 300))
    window = broken_table(generator, 300)
    broken = reference.errors(window)

    assert ks_2samp(reference.reference_errors, as_ever).pvalue > 0.01
    assert ks_2samp(reference.reference_errors, broken).pvalue < 1e-6
    sample = tied_table(generator, 2000)
    for name in ("distance", "duration", "wind", "weight"):
        assert ks_2samp(numbers(sample, name), numbers(window, name)).pvalue > 0.01


def test_without_drift_reconstruction_raises_no_more_alarms_than_promised_even_after_a_small_reference() -> None:
    generator = np.random.default_rng(2)

    p_values: list[float] = []
    for _ in range(40):
        reference = ReconstructionReference.fit(tied_table(generator, 100))
        for _ in range(5):
            errors = reference.errors(tied_table(generator, 40))
            p_values.append(ks_2samp(reference.reference_errors, errors, method="asymp").pvalue)

    assert sum(p_value < 0.05 for p_value in p_values) < 20  # ten expected


def test_the_reconstruction_error_is_that_of_scikit_learn_on_the_learned_half() -> None:
    generator = np.random.default_rng(3)
    table = {f"x{column}": generator.normal(size=500) for column in range(6)}
    table["x5"] = table["x0"] + 0.1 * table["x5"]
    reference = ReconstructionReference.fit(table)

    learned = take(table, np.setdiff1d(np.arange(500), reference.reference_rows))
    encoding = Encoding.fit(learned)
    oracle = PCA(n_components=0.65).fit(encoding.encode(learned))
    measured = encoding.encode(take(table, reference.reference_rows))
    rebuilt = oracle.inverse_transform(oracle.transform(measured))

    assert reference.reference_errors == pytest.approx(np.linalg.norm(measured - rebuilt, axis=1), rel=1e-9)


def test_every_feature_weighs_about_the_same_in_the_matrix() -> None:
    table = tied_table(np.random.default_rng(4), 5000)

    encoding = Encoding.fit(table)

    for name, feature in encoding.features.items():
        assert 0.5 < feature.encode(name, table[name]).var(axis=0).sum() < 2.5


def test_rare_and_new_categories_count_as_others_and_missing_ones_as_missing() -> None:
    frequent = [f"c{number:02}" for number in range(MOST_CATEGORIES)] * 5
    encoding = Encoding.fit({"x": [*frequent, "rare", "rarer", None]})

    rows = encoding.encode({"x": ["rare", "rarer", "new", None, "c00"]})

    assert rows.shape == (5, MOST_CATEGORIES + 2)
    assert (rows[0] == rows[1]).all()
    assert (rows[0] == rows[2]).all()
    assert np.unique(rows, axis=0).shape[0] == 3


def test_a_window_without_a_feature_or_with_another_kind_of_it_is_refused() -> None:
    encoding = Encoding.fit({"x": np.arange(3.0), "y": ["a", "b", None]})

    with pytest.raises(ValueError, match=r"lacks the features \['y'\]"):
        encoding.encode({"x": np.arange(3.0)})
    with pytest.raises(ValueError, match="'x' holds numbers in the reference, but categories here"):
        encoding.encode({"x": ["a"], "y": ["a"]})
    with pytest.raises(ValueError, match="'y' holds categories in the reference, but numbers here"):
        encoding.encode({"x": np.arange(3.0), "y": np.arange(3.0)})
    with pytest.raises(ValueError, match="one value per row"):
        ReconstructionReference.fit({"x": np.arange(3.0), "y": ["a"]})


@pytest.mark.parametrize("name", AWKWARD_COLUMNS)
def test_any_column_is_measured_or_has_a_reason(name: str) -> None:
    reference: Table = {"x": AWKWARD_COLUMNS[name], "noise": np.random.default_rng(5).normal(size=60)}

    errors = ReconstructionReference.fit(reference)
    for other in AWKWARD_COLUMNS.values():
        if isinstance(other, np.ndarray) == isinstance(reference["x"], np.ndarray):
            window: Table = {"x": other, "noise": reference["noise"]}
            assert np.isfinite(errors.errors(window)).all()
    found = classify(reference, reference)

    assert found.measurement is not None
    assert 0 <= found.measurement.p_value <= 1
    assert math.isfinite(found.measurement.noise_limit)


@pytest.mark.parametrize(
    ("rows", "names", "reason"),
    [
        (0, ["half missing"], UndefinedReason.TOO_FEW_ROWS),
        (5, ["half missing"], UndefinedReason.TOO_FEW_ROWS),
        (60, [], UndefinedReason.TOO_FEW_ROWS),  # without columns there are no rows
        (60, ["constant", "one category", "all missing", "no category"], UndefinedReason.NO_COLUMN_VARIES),
    ],
)
def test_too_few_rows_and_no_column_that_varies_are_reasons(
    rows: int, names: list[str], reason: UndefinedReason
) -> None:
    table = take({name: AWKWARD_COLUMNS[name] for name in names}, np.arange(rows))

    reference = ReconstructionReference.fit(table)
    found = measure(DomainReference.fit(table), table, sizes=Sizes(reference=1, window=1), alpha=0.01)

    assert reference.undefined is found.undefined is reason
    assert np.isnan(reference.errors(table)).all()
    assert found.measurement is None
    assert found.auc is None
    assert found.top_features == ()


def test_the_order_of_rows_and_columns_changes_nothing() -> None:
    generator = np.random.default_rng(6)
    table, window = tied_table(generator, 400), broken_table(generator, 100)
    orders = generator.permutation(400), generator.permutation(100)
    other, other_window = take(dict(reversed(table.items())), orders[0]), take(window, orders[1])

    references = [ReconstructionReference.fit(sample) for sample in (table, other)]
    errors = references[0].errors(window)[orders[1]]

    assert references[0].content_id() == references[1].content_id() == DomainReference.fit(other).content_id()
    assert references[0].reference_errors.tobytes() == references[1].reference_errors.tobytes()
    assert errors.tobytes() == references[1].errors(other_window).tobytes()
    assert classify(table, window) == classify(other, other_window)


def test_another_value_name_kind_or_seed_is_another_table() -> None:
    tables: list[Table] = [
        {"x": np.array([1.0, np.nan])},
        {"x": np.array([1.0, 2.0])},
        {"y": np.array([1.0, np.nan])},
        {"x": ["1.0", None]},
        {"x": ["1.0", ""]},
        {"x": np.array([1.0])},
    ]

    ids = {content_id(table, seed) for table in tables for seed in (1, 2)}

    assert len(ids) == 12


def test_area_and_ties_are_those_of_scikit_learn_and_scipy() -> None:
    generator = np.random.default_rng(7)

    for _ in range(50):
        first = generator.integers(0, 6, size=int(generator.integers(2, 40))).astype(np.float64)
        second = generator.integers(1, 8, size=int(generator.integers(2, 40))).astype(np.float64)
        area, tied = area_and_ties(first, second)

        labels = np.repeat([0, 1], [first.size, second.size])
        assert area == pytest.approx(roc_auc_score(labels, np.concatenate([first, second])), abs=1e-12)
        variance = (first.size + second.size + 1) / (12 * first.size * second.size) * tied
        oracle = mannwhitneyu(second, first, method="asymptotic", use_continuity=False, alternative="greater")
        assert math.erfc((area - 0.5) / math.sqrt(2 * variance)) / 2 == pytest.approx(oracle.pvalue, rel=1e-9)


def cross_validated_area(reference: Floats, window: Floats) -> float:
    """The mean area of five folds, each scored along the difference of means of the others."""
    areas = []
    for fold in range(5):
        held_reference, held_window = np.arange(len(reference)) % 5 == fold, np.arange(len(window)) % 5 == fold
        direction = window[~held_window].mean(axis=0) - reference[~held_reference].mean(axis=0)
        areas.append(area_and_ties(reference[held_reference] @ direction, window[held_window] @ direction)[0])
    return float(np.mean(areas))


@pytest.mark.parametrize("features", [1, 3, 20])
@pytest.mark.parametrize(("n_reference", "n_window"), [(100, 100), (500, 100), (600, 600)])
def test_without_drift_the_folds_mean_area_keeps_its_noise(n_reference: int, n_window: int, features: int) -> None:
    generator = np.random.default_rng([n_reference, n_window, features])
    sizes = Sizes(reference=n_reference, window=n_window)
    noise = RankNoise.of(sizes, rows=sizes, used=sizes, features=features, tied=1.0)

    p_values = [
        noise.p_value(
            cross_validated_area(
                generator.normal(size=(n_reference, features)), generator.normal(size=(n_window, features))
            )
            - 0.5
        )
        for _ in range(200)
    ]

    # Ten and two expected at most; so many come once in 400 and 700 times.
    assert sum(p_value < 0.05 for p_value in p_values) < 20
    assert sum(p_value < 0.01 for p_value in p_values) < 8


def with_weather(generator: np.random.Generator, hours: int, rows: int, correlation: float, features: int) -> Floats:
    """Rows of hours, of whose unit variance the hour has its share."""
    weather = np.repeat(generator.normal(size=(hours, features)), rows, axis=0) * math.sqrt(correlation)
    return weather + generator.normal(size=weather.shape) * math.sqrt(1.0 - correlation)


@pytest.mark.parametrize("features", [1, 10])
def test_an_hours_own_weather_is_no_drift_if_the_effective_rows_say_so(features: int) -> None:
    generator = np.random.default_rng([8, features])
    rows = Sizes(reference=1000, window=200)
    sizes = Sizes(reference=1000 / (1 + 9 * 0.05), window=200 / (1 + 199 * 0.05))

    areas = []
    for _ in range(100):
        reference = with_weather(generator, 100, 10, 0.05, features)
        areas.append(cross_validated_area(reference, with_weather(generator, 1, 200, 0.05, features)))

    def alarms(sizes: Sizes) -> int:
        noise = RankNoise.of(sizes, rows=rows, used=rows, features=features, tied=1.0)
        return sum(noise.p_value(area - 0.5) < 0.05 for area in areas)

    assert alarms(sizes) <= 12  # five expected
    assert alarms(rows) > 40


@pytest.mark.parametrize("window", [100.0, 30.0])
@pytest.mark.parametrize("freedom", [math.inf, 12.0])
def test_what_lies_at_the_noise_limit_has_the_p_value_alpha(window: float, freedom: float) -> None:
    rows = Sizes(reference=1000, window=100)
    noise = RankNoise.of(
        Sizes(reference=1000, window=window, freedom=freedom), rows=rows, used=rows, features=7, tied=0.9
    )

    for alpha in (0.05, 0.001):
        limit = noise.limit(alpha)
        detectable = noise.detectable(alpha)
        assert noise.p_value(limit) == pytest.approx(alpha, rel=1e-6)
        assert noise.p_value(0.0) >= 0.5
        assert detectable is None or detectable > limit


@pytest.mark.parametrize("effective_rows", [1e-3, 0.5, 1.0, 1e9])
@pytest.mark.parametrize("freedom", [0.1, 1.0, math.inf])
def test_however_few_rows_the_samples_are_worth_the_noise_is_a_number(effective_rows: float, freedom: float) -> None:
    sizes = Sizes(reference=effective_rows, window=effective_rows, freedom=freedom)
    rows = Sizes(reference=1000, window=100)

    for tied in (0.0, 1.0):
        noise = RankNoise.of(sizes, rows=rows, used=rows, features=3, tied=tied)
        assert math.isfinite(noise.limit(1e-6))
        assert 0 <= noise.p_value(0.3) <= 1
        assert 0 <= noise.p_value(-0.1) <= 1


def test_without_drift_the_classifier_raises_no_more_alarms_than_promised() -> None:
    generator = np.random.default_rng(9)

    p_values = []
    for _ in range(20):
        reference, window = ({"x": generator.normal(size=rows), "y": generator.normal(size=rows)} for rows in (150, 50))
        found = classify(reference, window)
        assert found.measurement is not None
        p_values.append(found.measurement.p_value)

    assert sum(p_value < 0.05 for p_value in p_values) < 5  # one expected, and five or more once in 400 times


CHANGES: dict[str, tuple[str, Callable[[dict[str, Column]], Column]]] = {
    "a shift": ("wind", lambda table: numbers(table, "wind") + 1.0),
    "a spread": ("wind", lambda table: numbers(table, "wind") * 3.0),
    "missing values": ("weight", lambda table: np.where(np.arange(300) % 2, np.nan, numbers(table, "weight"))),
    "a new category": (
        "kind",
        lambda table: ["new" if row % 3 == 0 else kind for row, kind in enumerate(table["kind"])],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_and_the_feature_that_changed_is_named_first(change: str) -> None:
    generator = np.random.default_rng(10)
    window = tied_table(generator, 300)
    name, changed = CHANGES[change]
    window[name] = changed(window)

    found = classify(tied_table(generator, 1000), window)

    assert found.measurement is not None
    assert found.measurement.p_value < 1e-3
    assert found.measurement.value >= found.measurement.noise_limit
    assert found.top_features[0].feature == name


def test_a_broken_tie_is_seen_by_the_classifier_and_named_by_the_features_that_made_it() -> None:
    generator = np.random.default_rng(11)

    found = classify(tied_table(generator, 2000), broken_table(generator, 500))

    assert found.auc is not None
    assert found.measurement is not None
    assert found.auc > 0.6
    assert found.measurement.p_value < 1e-6
    assert {top.feature for top in found.top_features[:3]} <= {"distance", "duration", "fuel", "kind"}


def test_fewer_effective_rows_are_weaker_evidence() -> None:
    generator = np.random.default_rng(12)
    reference, window = tied_table(generator, 500), tied_table(generator, 100)
    window["wind"] = numbers(window, "wind") + 0.7

    found = [classify(reference, window, effective_rows=rows).measurement for rows in (100, 50, 10)]

    p_values = [measurement.p_value for measurement in found if measurement is not None]
    limits = [measurement.noise_limit for measurement in found if measurement is not None]
    assert p_values == sorted(p_values)
    assert len(set(p_values)) == 3
    assert limits == sorted(limits)


def test_of_many_rows_some_are_chosen_and_the_folds_hold_equal_shares() -> None:
    generator = np.random.default_rng(13)
    reference = DomainReference.fit({"x": generator.normal(size=30_000)})

    many = Samples.choose(reference, {"x": generator.normal(size=6000)}, fold_count=5)
    few = Samples.choose(reference, {"x": generator.normal(size=40)}, fold_count=5)

    assert (many.n_reference, many.n_window) == (5000, 5000)
    assert (few.n_reference, few.n_window) == (200, 40)
    assert np.bincount(few.folds[few.is_window]).tolist() == [8] * 5
    assert np.bincount(few.folds[~few.is_window]).tolist() == [40] * 5


def test_the_classifier_refuses_a_window_without_a_feature_or_with_another_kind_of_it() -> None:
    numbers, categories = {"x": np.arange(50.0)}, {"x": ["a", "b"] * 25}

    with pytest.raises(ValueError, match=r"lacks the features \['x'\]"):
        classify(numbers, {"y": np.arange(50.0)})
    with pytest.raises(ValueError, match="'x' holds numbers in one sample and categories in the other"):
        classify(numbers, categories)
