"""All inputs at once: the reconstruction error, and what it has in common with the domain classifier."""

import doctest
import importlib
import math

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.decomposition import PCA

from monitoring_pipeline.drift.derived.reasons import UndefinedReason
from monitoring_pipeline.drift.multivariate.domain_classifier import measure
from monitoring_pipeline.drift.multivariate.encode import MOST_CATEGORIES, Encoding
from monitoring_pipeline.drift.multivariate.pca import ReconstructionReference
from monitoring_pipeline.drift.multivariate.samples import DomainReference
from monitoring_pipeline.drift.multivariate.table import Column, Table, content_id, take
from monitoring_pipeline.drift.sizes import Sizes
from tests.multivariate_examples import broken_table, classify, numbers, tied_table

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
