"""Direct loss estimation: how large errors without truth are, against simulated truth."""

import warnings

import numpy as np
import pytest

from monitoring_pipeline.performance.estimation.direct_loss import (
    METRICS,
    LabelledRows,
    Learned,
    estimate_regression,
    learn_losses,
)
from monitoring_pipeline.performance.estimation.inputs import LARGEST, MOST_CATEGORIES, Column, Encoding
from monitoring_pipeline.performance.estimation.values import EstimatedMetric, EstimationReason
from monitoring_pipeline.performance.rows.grouping import Floats

NO_ROWS: dict[str, Column] = {}


def some_days(
    random: np.random.Generator, days: int, rows: int, *, day_spread: float = 0.0, scale: float = 1.0
) -> LabelledRows:
    """Errors that grow with ``x``, are twice as large for carrier a, and share a factor on each day."""
    x, carrier = random.normal(size=days * rows), random.choice(list("abcd"), days * rows)
    day = np.repeat(np.arange(days), rows)
    of_day = np.exp(random.normal(0, day_spread, days))[day] if day_spread else 1.0
    error = random.normal(0, scale * np.exp(0.5 * x) * np.where(carrier == "a", 2, 1) * of_day)
    return LabelledRows(columns={"x": x, "carrier": carrier.tolist()}, error=error, day=day)


def estimates(learned: Learned | EstimationReason, window: LabelledRows, *, known: int = 0) -> list[EstimatedMetric]:
    """With the first ``known`` rows of the window labelled."""
    return estimate_regression(
        learned,
        measured=window.error[:known],
        unlabelled={name: column[known:] for name, column in window.columns.items()},
        unlabelled_count=len(window.error) - known,
    )


def measured(error: Floats) -> list[float]:
    return [float(np.abs(error).mean()), float(np.sqrt((error * error).mean()))]


@pytest.fixture(scope="module")
def learned() -> Learned:
    found = learn_losses(some_days(np.random.default_rng(3), 28, 200))
    assert isinstance(found, Learned)
    return found


def test_rows_that_are_hard_are_known_by_their_features(learned: Learned) -> None:
    hard: dict[str, Column] = {"x": np.full(50, 1.5), "carrier": ["a"] * 50}
    easy: dict[str, Column] = {"x": np.full(50, -1.5), "carrier": ["b"] * 50}

    of_hard, of_easy = (
        estimate_regression(learned, measured=np.array([]), unlabelled=rows, unlabelled_count=50)
        for rows in (hard, easy)
    )

    half_normal = np.sqrt(2 / np.pi)
    assert of_hard[0].value == pytest.approx(2 * np.exp(0.75) * half_normal, rel=0.2)
    assert of_easy[0].value == pytest.approx(np.exp(-0.75) * half_normal, rel=0.2)


@pytest.mark.parametrize(("day_spread", "known"), [(0.0, 0), (0.3, 100)])
def test_intervals_hold_what_the_labels_later_say_as_often_as_they_claim(day_spread: float, known: int) -> None:
    """95 % are claimed; of 80 windows a correct method leaves fewer than 66 inside once in 100,000 times."""
    random = np.random.default_rng(13)
    inside = np.zeros(2)

    for _ in range(2):
        found = learn_losses(some_days(random, 28, 150, day_spread=day_spread))
        for _ in range(40):
            window = some_days(random, 1, 200, day_spread=day_spread)
            answers = estimates(found, window, known=known)
            inside += [
                (answer.lower or 0) <= truth <= (answer.upper or 0)
                for answer, truth in zip(answers, measured(window.error), strict=True)
            ]

    assert (inside >= 66).all(), inside


def test_what_is_measured_is_taken_as_it_is(learned: Learned) -> None:
    window = some_days(np.random.default_rng(4), 1, 1000)

    mae, rmse = estimates(learned, window, known=995)

    truth = measured(window.error)
    assert mae.value == pytest.approx(truth[0], rel=0.01)
    assert rmse.value == pytest.approx(truth[1], rel=0.01)
    assert mae.lower is not None
    assert mae.lower >= np.abs(window.error[:995]).sum() / 1000


def test_the_same_rows_give_the_same_bits(learned: Learned) -> None:
    again = learn_losses(some_days(np.random.default_rng(3), 28, 200))
    window = some_days(np.random.default_rng(5), 1, 100)

    assert estimates(learned, window) == estimates(again, window)


def test_without_unlabelled_rows_there_is_nothing_to_estimate(learned: Learned) -> None:
    assert estimate_regression(learned, measured=np.array([1.0]), unlabelled=NO_ROWS, unlabelled_count=0) == []


@pytest.mark.parametrize(("days", "rows"), [(0, 0), (6, 500), (10, 15)])
def test_a_short_history_is_a_reason_and_not_a_number(days: int, rows: int) -> None:
    random = np.random.default_rng(1)
    window = some_days(random, 1, 20)

    answers = estimates(learn_losses(some_days(random, days, rows)), window)

    assert [(answer.metric, answer.value, answer.undefined) for answer in answers] == [
        (metric, None, "not_enough_history") for metric in METRICS
    ]


def test_a_history_without_any_error_expects_none_and_claims_no_interval() -> None:
    random = np.random.default_rng(1)
    perfect = some_days(random, 10, 50, scale=0.0)

    answers = estimates(learn_losses(perfect), some_days(random, 1, 20, scale=0.0))

    assert [(answer.value, answer.lower, answer.upper) for answer in answers] == [(0.0, None, None)] * 2


def test_one_day_with_errors_among_perfect_ones_gives_finite_values() -> None:
    random = np.random.default_rng(1)
    days = some_days(random, 10, 50)
    error = np.where(days.day == 0, days.error, 0.0)

    answers = estimates(learn_losses(LabelledRows(columns=days.columns, error=error, day=days.day)), days)

    assert all(answer.value is not None and 0 < answer.value < 1 for answer in answers)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e20, 1e150, 1e200, 1e300])
def test_the_unit_of_the_target_does_not_matter_until_doubles_end(scale: float) -> None:
    usual = some_days(np.random.default_rng(2), 8, 60)
    window = some_days(np.random.default_rng(6), 1, 30)
    scaled = LabelledRows(columns=usual.columns, error=usual.error * scale, day=usual.day)
    expected = estimates(learn_losses(usual), window)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mae, rmse = estimate_regression(
            learn_losses(scaled), measured=np.array([]), unlabelled=window.columns, unlabelled_count=30
        )

    assert expected[0].value is not None
    assert mae.value == pytest.approx(expected[0].value * scale, rel=1e-6)
    if scale >= 1e200:
        assert rmse.undefined == "overflow"


def test_a_total_beyond_the_doubles_is_an_overflow_and_not_infinite() -> None:
    usual = some_days(np.random.default_rng(2), 8, 60)
    huge = LabelledRows(columns=usual.columns, error=np.clip(usual.error, -1, 1) * 1e308, day=usual.day)

    answers = estimates(learn_losses(huge), some_days(np.random.default_rng(6), 1, 300))

    assert [(answer.value, answer.undefined) for answer in answers] == [(None, "overflow")] * 2


def test_features_that_are_missing_infinite_or_new_are_no_obstacle(learned: Learned) -> None:
    rows: dict[str, Column] = {"x": np.array([np.nan, np.inf, -np.inf, 1e308]), "carrier": ["new", None, "a", "b"]}

    of_odd = estimate_regression(learned, measured=np.array([]), unlabelled=rows, unlabelled_count=4)
    of_none = estimate_regression(learned, measured=np.array([]), unlabelled=NO_ROWS, unlabelled_count=4)

    for answer in (*of_odd, *of_none):
        assert answer.value is not None
        assert np.isfinite(answer.value)


def test_categories_are_numbered_by_frequency_and_the_rare_ones_are_missing() -> None:
    names: list[str | None] = ["z", "z", "y", "y", "x", None, *(f"once {i:03}" for i in range(MOST_CATEGORIES))]

    encoding = Encoding.learn({"name": names, "number": np.array([1.0] * len(names))})

    row = encoding.matrix({"name": ["y", "z", "once 000", "once 199", None], "number": np.full(5, 1e300)}, 5)
    assert encoding.categorical == [True, False]
    assert row[:, 0].tolist()[:3] == [0, 1, 2]
    assert np.isnan(row[3:, 0]).all()
    assert row[:, 1].tolist() == [LARGEST] * 5


def test_concept_drift_is_not_seen(learned: Learned) -> None:
    """The blind spot: errors that became ten times as large at the same inputs are expected to be as they were."""
    window = some_days(np.random.default_rng(8), 1, 500)
    drifted = LabelledRows(columns=window.columns, error=10 * window.error, day=window.day)

    answers = estimates(learned, drifted)

    assert answers == estimates(learned, window)
    assert answers[0].upper is not None
    assert answers[0].upper < measured(drifted.error)[0]
