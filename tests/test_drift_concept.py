"""Concept drift: silent while only the inputs move, awake when the relation does, and exact in its bookkeeping."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, rankdata

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.concept import measure as concept
from monitoring_pipeline.drift.concept.evidence import ranks_within
from monitoring_pipeline.drift.concept.labelled import LabelledRows
from monitoring_pipeline.drift.concept.measure import ConceptDrift, ConceptReason, measure
from monitoring_pipeline.drift.concept.strata import ErrorStrata
from monitoring_pipeline.drift.sizes import Sizes

NAMES = ["price", "distance", "prediction"]


def labelled(generator: np.random.Generator, rows: int, *, shift: float = 0.0, flipped: bool = False) -> LabelledRows:
    """A model that knows the price's slope but not the distance's wave; errors scatter more for high prices."""
    inputs = generator.normal(shift, 1.0, size=(rows, 2))
    slope = np.where(flipped & (inputs[:, 1] > 0), -1.0, 1.0)
    noise = generator.normal(size=rows) * (0.5 + 0.3 * np.abs(inputs[:, 0]))
    truth = slope * inputs[:, 0] + 0.5 * np.sin(2.0 * inputs[:, 1]) + noise
    prediction = inputs[:, 0]
    return LabelledRows.from_arrays(np.column_stack([inputs, prediction]), prediction - truth)


def judged(strata: ErrorStrata, window: LabelledRows, *, sizes: Sizes | None = None) -> ConceptDrift:
    found = measure(strata, window, names=NAMES, alpha=0.01, sizes=sizes)
    assert isinstance(found, ConceptDrift)
    return found


@pytest.fixture(scope="module")
def strata() -> ErrorStrata:
    return ErrorStrata.learn(labelled(np.random.default_rng(1), 8000))


@pytest.mark.parametrize("rows", [150, 1000])
def test_inputs_that_move_alone_are_not_concept_drift_though_the_errors_differ(rows: int) -> None:
    generator = np.random.default_rng(rows)
    p_values, naive = [], []

    for number in range(60):
        if number % 12 == 0:
            reference = labelled(generator, 4000)
            strata = ErrorStrata.learn(reference)
        window = labelled(generator, rows, shift=0.7)
        p_values.append(judged(strata, window).measurement.p_value)
        naive.append(ks_2samp(reference.errors, window.errors, method="asymp").pvalue)

    # 60 windows: 8 or more at 0.05, or 4 or more at 0.01, come by chance less than once in a hundred.
    assert np.sum(np.array(p_values) < 0.05) < 8
    assert np.sum(np.array(p_values) < 0.01) < 4
    if rows == 1000:
        assert np.mean(np.array(naive) < 0.01) > 0.3


def test_a_relation_that_flips_in_one_region_is_seen_though_the_mean_error_stays(strata: ErrorStrata) -> None:
    window = labelled(np.random.default_rng(2), 2000, flipped=True)

    found = judged(strata, window)

    assert abs(found.concept) < 0.15
    assert found.measurement.p_value < 1e-4
    assert found.measurement.value > found.measurement.noise_limit
    assert any(name in found.leaf.rule for name in NAMES)


def test_a_model_that_errs_more_everywhere_is_measured_in_the_unit_of_the_error(strata: ErrorStrata) -> None:
    window = labelled(np.random.default_rng(3), 2000)
    worse = LabelledRows(inputs=window.inputs, errors=window.errors + 0.5)

    found = judged(strata, worse)

    assert found.concept_lower < 0.5 < found.concept_upper
    assert found.measurement.p_value < 1e-6


def test_errors_that_only_scatter_more_are_seen(strata: ErrorStrata) -> None:
    window = labelled(np.random.default_rng(4), 2000)

    found = judged(strata, LabelledRows(inputs=window.inputs, errors=window.errors * 2.0))

    assert found.measurement.p_value < 1e-4


def test_the_three_parts_add_up_to_the_change_of_the_mean_error(strata: ErrorStrata) -> None:
    window = labelled(np.random.default_rng(5), 700, shift=1.0, flipped=True)

    found = judged(strata, window)

    change = np.mean(window.errors) - np.mean(strata.compared.errors)
    assert found.concept + found.covariate + found.remainder == pytest.approx(change, abs=1e-12)


def test_early_labels_that_are_unlike_the_rest_look_like_concept_drift_as_the_docstring_says(
    strata: ErrorStrata,
) -> None:
    window = labelled(np.random.default_rng(6), 3000)
    early = np.abs(window.errors) > 0.5  # failures are reported first; nothing has changed

    found = judged(strata, LabelledRows(inputs=window.inputs[early], errors=window.errors[early]))

    assert found.measurement.p_value < 0.001
    assert "labels that come early" in (concept.measure.__doc__ or "")


def test_rows_that_are_worth_less_say_less(strata: ErrorStrata) -> None:
    window = labelled(np.random.default_rng(2), 2000, flipped=True)

    alike = judged(strata, window, sizes=Sizes(reference=800.0, window=200.0, freedom=20.0))

    alone = judged(strata, window)
    assert alike.measurement.p_value > alone.measurement.p_value
    assert alike.measurement.noise_limit > alone.measurement.noise_limit


def test_rows_in_another_order_give_the_same_answer() -> None:
    generator = np.random.default_rng(7)
    reference, window = labelled(generator, 2000), labelled(generator, 300)
    shuffled = [
        LabelledRows(inputs=rows.inputs[order], errors=rows.errors[order])
        for rows in (reference, window)
        for order in [generator.permutation(rows.row_count)]
    ]

    first = judged(ErrorStrata.learn(reference), window)
    second = judged(ErrorStrata.learn(shuffled[0]), shuffled[1])

    assert first.leaf.rule == second.leaf.rule
    assert first.measurement.p_value == pytest.approx(second.measurement.p_value, rel=1e-9)


def test_too_little_is_a_reason_and_not_a_number(strata: ErrorStrata) -> None:
    generator = np.random.default_rng(8)
    few = labelled(generator, 49)
    constant = LabelledRows(inputs=generator.normal(size=(500, 3)), errors=np.zeros(500))

    assert measure(strata, few, names=NAMES, alpha=0.01) is ConceptReason.TOO_FEW_WINDOW_ROWS
    for rows in (0, 1, 399):
        found = measure(ErrorStrata.learn(labelled(generator, rows)), few, names=NAMES, alpha=0.01)
        assert found is ConceptReason.TOO_FEW_REFERENCE_ROWS
    found = measure(ErrorStrata.learn(constant), labelled(generator, 100), names=NAMES, alpha=0.01)
    assert found is ConceptReason.NO_VARIANCE


@pytest.mark.parametrize(
    "errors",
    [
        np.full(500, 1e308),
        np.where(np.arange(500) % 2, np.inf, -np.inf),
        np.where(np.arange(500) % 3, np.nan, 1.0),
        (np.arange(500) % 2).astype(np.float64),
        np.arange(500.0) * 5e-324,
    ],
    ids=["huge", "infinite", "missing", "wrong or right", "tiny"],
)
def test_awkward_errors_and_inputs_give_finite_numbers(errors: Floats) -> None:
    generator = np.random.default_rng(9)
    inputs = generator.normal(size=(1000, 3))
    inputs[::7, 0], inputs[::11, 1], inputs[:, 2] = np.nan, np.inf, 1e308
    reference = LabelledRows.from_arrays(inputs, np.append(errors, generator.normal(size=500)))

    found = judged(ErrorStrata.learn(reference), LabelledRows.from_arrays(inputs[:500], errors))

    numbers = [found.concept, found.concept_lower, found.concept_upper, found.covariate, found.remainder]
    numbers += [found.measurement.value, found.measurement.p_value, found.measurement.noise_limit]
    assert np.all(np.isfinite(numbers))
    assert 0.0 <= found.measurement.p_value <= 1.0


def test_columns_that_do_not_match_are_refused(strata: ErrorStrata) -> None:
    window = labelled(np.random.default_rng(1), 100)

    with pytest.raises(ValueError, match="3 input columns"):
        measure(strata, window, names=["price"], alpha=0.01)
    with pytest.raises(ValueError, match="one row of columns per error"):
        LabelledRows.from_arrays(np.ones(3), np.ones(3))


def test_ranks_within_kinds_are_those_of_scipy() -> None:
    generator = np.random.default_rng(10)
    errors, kinds = generator.integers(0, 9, size=200).astype(np.float64), generator.integers(0, 4, size=200)

    ranks = ranks_within(errors, kinds)

    for kind in range(4):
        members = kinds == kind
        expected = (rankdata(errors[members]) - 0.5) / members.sum() - 0.5
        np.testing.assert_allclose(ranks[members], expected, atol=1e-12)
