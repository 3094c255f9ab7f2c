"""Categories that only one of two samples holds: new ones, lost ones, and those too rare to be judged alone."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from monitoring_pipeline.drift.cells import pool
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.measures import (
    lost_categories,
    new_categories,
)
from monitoring_pipeline.drift.sizes import Sizes


def zipf(generator: np.random.Generator, categories: int, rows: int) -> dict[str, int]:
    shares = 1.0 / np.arange(1, categories + 1)
    drawn = generator.multinomial(rows, shares / shares.sum())
    return {f"c{i}": int(drawn[i]) for i in np.flatnonzero(drawn)}


@pytest.mark.parametrize("measure", [new_categories.measure, lost_categories.measure])
@pytest.mark.parametrize("categories", [20, 400, 10_000])
@pytest.mark.parametrize(("n", "m"), [(30, 1_000), (500, 10_000), (2_000, 1_000)])
def test_a_long_tail_of_rare_categories_does_not_cry_wolf(
    measure: Callable[..., Measurement], categories: int, n: int, m: int
) -> None:
    generator = np.random.default_rng([categories, n])
    sizes = Sizes(reference=m, window=n)

    p_values = [
        measure(zipf(generator, categories, m), zipf(generator, categories, n), sizes=sizes, alpha=0.01).p_value
        for _ in range(60)
    ]

    assert sum(p_value <= 0.05 for p_value in p_values) <= 6
    assert min(p_values) > 1e-4


def test_a_new_category_is_evidence_also_among_many_rare_ones() -> None:
    generator = np.random.default_rng(4)
    reference, window = zipf(generator, 10_000, 10_000), zipf(generator, 10_000, 500)
    sizes = Sizes(reference=10_000, window=506)
    quiet = new_categories.measure(reference, window, sizes=sizes, alpha=0.001)

    launched = new_categories.measure(reference, window | {"launch": 6}, sizes=sizes, alpha=0.001)

    assert quiet.value > 0.02
    assert quiet.p_value > 0.05
    assert launched.p_value < 0.001


def test_the_bound_on_new_categories_is_never_below_the_exact_probability() -> None:
    generator = np.random.default_rng(8)
    together = {f"c{i}": 1 + i % 4 for i in range(120)}
    rows = np.repeat(np.arange(120), list(together.values()))
    n = 60
    simulated = []
    for _ in range(4_000):
        chosen = np.bincount(generator.permutation(rows)[:n], minlength=120)
        simulated.append(int(sum(count for count, (_, t) in zip(chosen, together.items(), strict=True) if count == t)))
    for new in np.unique(simulated)[::3]:
        reference = dict(together)
        window: dict[str, int] = {}
        for name in [f"c{i}" for i in range(0, 120, 4)][: int(new)]:
            window[name] = reference.pop(name)
        for name in list(reference):
            if sum(window.values()) < n and reference[name] > 1:
                window[name], reference[name] = 1, reference[name] - 1

        found = new_categories.measure(reference, window, sizes=Sizes(reference=rows.size - n, window=n), alpha=0.01)

        assert found.p_value >= np.mean(np.array(simulated) >= round(found.value * n)) - 0.01


def test_a_common_category_that_vanishes_is_lost_and_a_rare_one_is_not() -> None:
    reference = {"common": 5_000, "usual": 4_900, "rare": 100}

    lost = lost_categories.measure(reference, {"common": 100}, sizes=Sizes(reference=10_000, window=100), alpha=0.001)
    rare = lost_categories.measure(
        reference, {"common": 51, "usual": 49}, sizes=Sizes(reference=10_000, window=100), alpha=0.001
    )

    assert (lost.value, rare.value) == (0.49, 0.0)
    assert lost.p_value < 1e-20
    assert rare.p_value == 1.0


@pytest.mark.parametrize("measure", [new_categories.measure, lost_categories.measure])
@pytest.mark.parametrize(
    ("reference", "window"),
    [
        ({}, {}),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ({"a": 5}, {"b": 5}),
        ({"a": 10**9}, {"b": 10**9}),
        ({"a": 10**9, "b": 1}, {"a": 1}),
        ({"a": 0.5, "b": 12.25}, {"a": 1, "c": 10**9}),
    ],
)
@pytest.mark.parametrize("worth", [1.0, 1e-3])
def test_awkward_categories_have_a_finite_answer(
    measure: Callable[..., Measurement], reference: dict[str, float], window: dict[str, int], worth: float
) -> None:
    sizes = Sizes(
        reference=max(1.0, sum(reference.values()) * worth), window=max(1.0, sum(window.values()) * worth), freedom=9
    )

    found = measure(reference, window, sizes=sizes, alpha=5e-5)

    assert 0 <= found.value <= 1
    assert 0 <= found.p_value <= 1
    assert math.isfinite(found.noise_limit)
    assert found.detectable is None or 0 <= found.detectable < 1


def test_categories_that_are_all_new_are_overwhelming_evidence() -> None:
    sizes = Sizes(reference=1_000, window=200)

    found = new_categories.measure({"a": 500, "b": 500}, {"c": 120, "d": 80}, sizes=sizes, alpha=0.001)

    assert found.value == 1.0
    assert found.p_value < 1e-50


def test_pooling_takes_rows_of_a_reweighted_reference() -> None:
    reference = {"a": 812.5, "b": 180.25, "c": 4.25, "d": 3.0}

    cells = pool(reference, {"a": 80, "b": 15, "e": 5})

    assert cells.reference.sum() == pytest.approx(1000.0)
    assert cells.window.sum() == 100
    assert cells.window.dtype == np.int64
