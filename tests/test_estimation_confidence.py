"""Confidence-based estimation: what is expected of rows without truth, against simulated truth."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.estimation.calibration import PSEUDO_ROWS, Calibration
from monitoring_pipeline.performance.estimation.cells import LabelledDays, ScoreCells
from monitoring_pipeline.performance.estimation.confidence import METRICS, estimate_binary
from monitoring_pipeline.performance.estimation.values import EstimatedMetric
from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.rows.grouping import Booleans, Floats

THRESHOLD = 0.3
NAN = float("nan")

Rows = tuple[Floats, Floats]
"""Score and truth of each row."""


def a_day(
    random: np.random.Generator, rows: int, *, stretch: float = 1.0, shift: float = 0.0, day_spread: float = 0.0
) -> Rows:
    """Scores, and truth whose logit is ``stretch`` times that of the score, plus ``shift`` and a draw of the day."""
    score = random.beta(1.2, 3, rows).clip(0.002, 0.998)
    logit = stretch * np.log(score / (1 - score)) + shift + random.normal(0, day_spread)
    return score, (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float64)


def the_sums(rows: Rows, *, known: Booleans | None = None) -> BinarySums:
    score, truth = rows
    actual = truth if known is None else np.where(known, truth, np.nan)
    codes, predicted = np.zeros(len(score), dtype=np.int64), np.full(len(score), np.nan)
    return binary_sums(codes, 1, predicted=predicted, proba=score, actual=actual, threshold=THRESHOLD)[0]


def none_of(rows: Rows) -> Booleans:
    return np.zeros(len(rows[0]), dtype=np.bool_)


def by_name(answers: list[EstimatedMetric]) -> dict[str, EstimatedMetric]:
    return {answer.metric: answer for answer in answers}


def measured(rows: Rows) -> dict[str, float | None]:
    """Of all rows with their truth; the area under the curve by scikit-learn."""
    values = {found.metric: found.value for found in evaluate(the_sums(rows))}
    return {**values, "roc_auc": float(roc_auc_score(rows[1], rows[0]))}


@pytest.mark.parametrize("stretch", [1.0, 0.5, 1.8], ids=["calibrated", "overconfident", "underconfident"])
@pytest.mark.parametrize("shift", [0.0, -0.7])
def test_the_truth_is_recovered_from_scores_whatever_they_really_mean(stretch: float, shift: float) -> None:
    random = np.random.default_rng(7)
    history = [the_sums(a_day(random, 1500, stretch=stretch, shift=shift)).scores for _ in range(20)]
    window = a_day(random, 20_000, stretch=stretch, shift=shift)

    answers = by_name(estimate_binary(the_sums(window, known=none_of(window)), history))

    truth = measured(window)
    for metric in METRICS:
        assert answers[metric].value == pytest.approx(truth[metric], abs=0.03), metric


def test_the_curve_is_that_of_scikit_learn_but_for_its_pseudo_row() -> None:
    random = np.random.default_rng(3)
    score = np.sort(random.random(40))
    positives = random.binomial(50_000, score).astype(np.float64)

    curve = Calibration.fit(score, 50_000 - positives, positives)

    oracle = IsotonicRegression().fit(score, positives / 50_000, sample_weight=np.full(40, 50_000))
    at = np.linspace(score[0], score[-1], 500)
    assert curve.probability(at) == pytest.approx(oracle.predict(at), abs=PSEUDO_ROWS / 50_000)


def test_a_probability_is_never_exactly_nothing_or_everything() -> None:
    score = np.array([0.1, 0.9])

    never = Calibration.fit(score, np.array([5.0, 5.0]), np.zeros(2))
    always = Calibration.fit(score, np.zeros(2), np.array([5.0, 5.0]))

    assert (never.probability(score) > 0).all()
    assert (never.probability(score) < 0.05).all()
    assert (always.probability(score) > 0.95).all()
    assert (always.probability(score) < 1).all()


@pytest.mark.parametrize(("day_spread", "rows"), [(0.0, 150), (0.5, 500)])
def test_intervals_hold_what_the_labels_later_say_as_often_as_they_claim(day_spread: float, rows: int) -> None:
    """95 % are claimed; of 30 windows a correct method leaves fewer than 24 inside once in 10,000 times."""
    random = np.random.default_rng(11)
    inside: dict[str, int] = dict.fromkeys(METRICS, 0)

    for _ in range(30):
        history = [the_sums(a_day(random, rows, stretch=0.7, day_spread=day_spread)).scores for _ in range(28)]
        window = a_day(random, rows, stretch=0.7, day_spread=day_spread)
        known = random.random(rows) < 0.4
        truth = measured(window)
        for answer in estimate_binary(the_sums(window, known=known), history):
            assert answer.lower is not None
            assert answer.upper is not None
            inside[answer.metric] += answer.lower <= (truth[answer.metric] or NAN) <= answer.upper

    assert min(inside.values()) >= 24, inside


def test_days_that_differ_widen_the_interval() -> None:
    random = np.random.default_rng(5)
    window = a_day(random, 500)
    waiting = the_sums(window, known=none_of(window))

    def width(day_spread: float) -> float:
        history = [the_sums(a_day(random, 500, day_spread=day_spread)).scores for _ in range(28)]
        recall = by_name(estimate_binary(waiting, history))["accuracy"]
        assert recall.lower is not None
        assert recall.upper is not None
        return recall.upper - recall.lower

    assert width(0.8) > 2 * width(0.0)


def test_what_is_measured_is_taken_as_it_is_and_only_the_rest_is_uncertain() -> None:
    random = np.random.default_rng(9)
    history = [the_sums(a_day(random, 500)).scores for _ in range(14)]
    window = a_day(random, 1000)
    truth = measured(window)["accuracy"]
    assert truth is not None

    nearly_all = by_name(estimate_binary(the_sums(window, known=np.arange(1000) >= 10), history))["accuracy"]

    assert nearly_all.value == pytest.approx(truth, abs=0.01)
    assert nearly_all.lower is not None
    assert nearly_all.upper is not None
    assert nearly_all.upper - nearly_all.lower <= 10 / 1000


def test_the_same_sums_give_the_same_bits() -> None:
    random = np.random.default_rng(1)
    history = [the_sums(a_day(random, 200)).scores for _ in range(10)]
    window = a_day(random, 200)
    waiting = the_sums(window, known=none_of(window))

    assert estimate_binary(waiting, history) == estimate_binary(waiting, history)


def test_without_unlabelled_rows_there_is_nothing_to_estimate() -> None:
    random = np.random.default_rng(1)
    history = [the_sums(a_day(random, 200)).scores for _ in range(10)]

    assert estimate_binary(the_sums(a_day(random, 50)), history) == []
    assert estimate_binary(the_sums((np.array([]), np.array([]))), history) == []


@pytest.mark.parametrize(("days", "rows"), [(0, 0), (6, 500), (10, 15)])
def test_a_short_history_is_a_reason_and_not_a_number(days: int, rows: int) -> None:
    random = np.random.default_rng(1)
    history = [the_sums(a_day(random, rows)).scores for _ in range(days)]
    window = a_day(random, 50)

    answers = estimate_binary(the_sums(window, known=none_of(window)), history)

    assert [answer.metric for answer in answers] == list(METRICS)
    assert {answer.undefined for answer in answers} == {"not_enough_history"}
    assert {answer.value for answer in answers} == {None}


def test_unlabelled_days_teach_nothing() -> None:
    random = np.random.default_rng(1)
    rows = a_day(random, 500)
    history = [the_sums(rows, known=none_of(rows)).scores for _ in range(20)]

    answers = estimate_binary(the_sums(rows, known=none_of(rows)), history)

    assert {answer.undefined for answer in answers} == {"not_enough_history"}


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_a_history_of_one_class_gives_finite_values_or_reasons(truth: float) -> None:
    random = np.random.default_rng(1)
    score, _ = a_day(random, 300)
    one_class = (score, np.full(300, truth))
    history = [the_sums(one_class).scores] * 10

    answers = by_name(estimate_binary(the_sums(one_class, known=none_of(one_class)), history))

    positives, negatives = ("recall", "specificity") if truth == 0 else ("specificity", "recall")
    assert answers[positives].undefined in ("no_actual_positives", "no_actual_negatives")
    assert answers[negatives].value is not None
    assert_contract(list(answers.values()))


@pytest.mark.parametrize("score", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_constant_scores_give_finite_values_or_reasons(score: float) -> None:
    random = np.random.default_rng(1)
    scores = np.full(300, score)
    history = [the_sums((scores, (random.random(300) < 0.2).astype(np.float64))).scores for _ in range(10)]
    window = (scores, np.zeros(300))

    answers = by_name(estimate_binary(the_sums(window, known=none_of(window)), history))

    assert answers["accuracy"].value == pytest.approx(0.2 if score >= THRESHOLD else 0.8, abs=0.03)
    assert answers["roc_auc"].value == 0.5
    assert (answers["precision"].undefined == "no_positives_predicted") == (score < THRESHOLD)
    assert_contract(list(answers.values()))


def test_concept_drift_is_not_seen() -> None:
    """The blind spot: scores that came to mean the opposite are expected to be as good as they were."""
    random = np.random.default_rng(2)
    history = [the_sums(a_day(random, 500)).scores for _ in range(20)]
    score, truth = a_day(random, 2000)
    reversed_window = (score, 1 - truth)

    before = by_name(estimate_binary(the_sums((score, truth), known=np.zeros(2000, dtype=bool)), history))["roc_auc"]
    after = by_name(estimate_binary(the_sums(reversed_window, known=np.zeros(2000, dtype=bool)), history))["roc_auc"]

    assert before == after
    assert after.lower is not None
    assert (measured(reversed_window)["roc_auc"] or 1) < 0.5 < after.lower


def test_days_are_put_together_by_score() -> None:
    first = ScoreHistogram(cells=(0, 1666), said_yes=(0, 1), unlabelled=(0, 9), negatives=(2, 0), positives=(0, 0))
    second = ScoreHistogram(cells=(1666, 1666), said_yes=(0, 1), unlabelled=(0, 0), negatives=(1, 3), positives=(0, 5))

    days = LabelledDays.of([ScoreCells.of(day) for day in (first, ScoreHistogram(), second)])

    assert days.score.tolist() == [0.0, 0.5]
    assert days.negatives.tolist() == [[2, 0], [0, 4]]
    assert days.positives.tolist() == [[0, 0], [0, 5]]
    assert (days.day_count, days.row_count) == (2, 11)


def assert_contract(answers: list[EstimatedMetric]) -> None:
    for answer in answers:
        assert (answer.value is None) == (answer.undefined is not None)
        if answer.value is not None and answer.lower is not None and answer.upper is not None:
            assert np.isfinite([answer.lower, answer.value, answer.upper]).all()
            assert answer.lower <= answer.value <= answer.upper
