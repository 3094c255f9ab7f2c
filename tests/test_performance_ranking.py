"""Ranking metrics against scikit-learn and naive arithmetic; queries are judged whole or not at all."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from monitoring_pipeline.performance.ranking.rows import LARGEST_RELEVANCE, ranking_sums
from monitoring_pipeline.performance.ranking.sums import RankingSums
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.performance.values import MetricValue, UndefinedReason

NAN = math.nan

# score, relevance
Shown = list[tuple[float, float]]
shown_rows = st.lists(
    st.tuples(st.floats(-3, 3).map(lambda x: round(x, 1)), st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0])),
    min_size=2,
    max_size=12,
)


def _sums(queries: list[Shown], k: int = 3) -> RankingSums:
    rows = [row for query in queries for row in query]
    names = [f"query {at}" for at, query in enumerate(queries) for _ in query]
    scores, relevances = [score for score, _ in rows], [relevance for _, relevance in rows]
    ids = [f"{at:04}" for at in range(len(rows))]
    [sums] = ranking_sums([0] * len(rows), 1, predicted=scores, actual=relevances, query=names, k=k, tie_breaker=ids)
    return sums


def _answers(sums: RankingSums) -> dict[str, MetricValue]:
    return {answer.metric: answer for answer in evaluate(sums)}


def _average_precision(query: Shown, k: int) -> float:
    by_score = [relevance > 0 for _, relevance in sorted(query, key=lambda row: -row[0])]
    shares = [sum(by_score[: at + 1]) / (at + 1) for at, relevant in enumerate(by_score[:k]) if relevant]
    return sum(shares) / min(k, sum(by_score))


@settings(deadline=None)
@given(st.lists(shown_rows, min_size=1, max_size=6), st.integers(1, 15))
def test_ndcg_equals_scikit_learns_with_exponential_gains_and_shared_ties(queries: list[Shown], k: int) -> None:
    answer = _answers(_sums(queries, k))["ndcg_at_k"]

    with_relevant = [np.array(query).T for query in queries if any(relevance for _, relevance in query)]
    expected = [ndcg_score([2**relevance - 1], [score], k=k) for score, relevance in with_relevant]
    if expected:
        assert answer.value == pytest.approx(np.mean(expected), rel=1e-9)
    else:
        assert answer.undefined is UndefinedReason.NO_RELEVANT_ROWS


@settings(deadline=None)
@given(st.lists(shown_rows, min_size=1, max_size=6), st.integers(1, 15))
def test_map_and_hit_rate_equal_naive_ones(queries: list[Shown], k: int) -> None:
    answers = _answers(_sums(queries, k))

    with_relevant = [query for query in queries if any(relevance for _, relevance in query)]
    hits = [any(relevance for _, relevance in sorted(query, key=lambda row: -row[0])[:k]) for query in queries]
    assert answers["hit_rate_at_k"].value == pytest.approx(np.mean(hits))
    if with_relevant:
        expected = np.mean([_average_precision(query, k) for query in with_relevant])
        assert answers["map_at_k"].value == pytest.approx(expected, rel=1e-9)


def test_a_query_waits_until_all_its_rows_are_labelled() -> None:
    sums = _sums([[(3.0, 1.0), (2.0, NAN)], [(3.0, 0.0), (2.0, 1.0)]])

    assert (sums.query_count, sums.waiting_query_count, sums.complete_query_count) == (2, 1, 1)
    assert (sums.prediction_count, sums.labelled_count, sums.unusable_count) == (4, 3, 0)
    assert _answers(sums)["map_at_k"].value == 0.5


def test_a_query_with_an_unusable_row_neither_waits_nor_counts() -> None:
    sums = _sums([[(3.0, -1.0), (2.0, 1.0)], [(NAN, 1.0)], [(1.0, 2 * LARGEST_RELEVANCE)]])

    assert (sums.query_count, sums.waiting_query_count, sums.complete_query_count) == (3, 0, 0)
    assert (sums.labelled_count, sums.unusable_count) == (1, 3)
    assert {answer.undefined for answer in evaluate(sums)} == {UndefinedReason.NO_COMPLETE_QUERY}


def test_a_row_without_query_is_a_prediction_and_with_truth_unusable() -> None:
    [sums] = ranking_sums(
        [0, 0], 1, predicted=[1.0, 2.0], actual=[1.0, NAN], query=[None, None], k=1, tie_breaker=["a", "b"]
    )

    assert (sums.prediction_count, sums.unusable_count, sums.query_count) == (2, 1, 0)


def test_a_query_without_relevant_rows_is_a_miss_and_has_no_ideal_order() -> None:
    sums = _sums([[(1.0, 0.0), (2.0, 0.0)], [(1.0, 1.0)]])

    answers = _answers(sums)

    assert (answers["ndcg_at_k"].value, answers["map_at_k"].value, answers["hit_rate_at_k"].value) == (1.0, 1.0, 0.5)
    assert (sums.gain.count, sums.complete_query_count) == (1, 2)


def test_equal_scores_are_put_in_the_order_of_their_prediction_ids() -> None:
    def hits(ids: list[str]) -> int:
        [sums] = ranking_sums(
            [0, 0], 1, predicted=[1.0, 1.0], actual=[1.0, 0.0], query=["q", "q"], k=1, tie_breaker=ids
        )
        return sums.hit_query_count

    assert (hits(["a", "b"]), hits(["b", "a"])) == (1, 0)


def test_the_same_query_in_two_hours_counts_in_each() -> None:
    hours = ranking_sums(
        [0, 1], 2, predicted=[1.0, 2.0], actual=[1.0, 0.0], query=["q", "q"], k=1, tie_breaker=["a", "b"]
    )

    assert merge(hours).query_count == 2


def test_k_must_count_at_least_one_rank() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ranking_sums([], 1, predicted=[], actual=[], query=[], k=0, tie_breaker=[])
