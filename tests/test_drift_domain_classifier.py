"""The domain classifier, and the noise that it allows for."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.multivariate.rank_noise import RankNoise, area_and_ties
from monitoring_pipeline.drift.multivariate.samples import DomainReference, Samples
from monitoring_pipeline.drift.multivariate.table import Column
from monitoring_pipeline.drift.sizes import Sizes
from tests.multivariate_examples import broken_table, classify, numbers, tied_table


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
