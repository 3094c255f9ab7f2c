"""How well each query's rows are ordered: NDCG@k, AP@k and whether the first k hold a relevant row."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.rows.grouping import Booleans, Floats, Grouping, Integers


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedQueries:
    """One entry for each query.

    Attributes:
        has_relevant: whether there is a relevant row, without which ``gain`` and ``average_precision`` mean nothing.
        is_hit: whether one of them is among the first k.
        gain: NDCG@k.
        average_precision: AP@k.
    """

    has_relevant: Booleans
    is_hit: Booleans
    gain: Floats
    average_precision: Floats


def judged_queries(
    codes: Integers, *, score: Floats, relevance: Floats, tie_breaker: npt.NDArray[np.object_], k: int
) -> JudgedQueries:
    """Each query's figures; the same bits for every order of the rows.

    Args:
        codes: each row's query, 0 … without gaps.
        score: higher comes first.
        relevance: 0 or more.
        tie_breaker: comes first among equal scores if it is smaller.
        k: how many ranks count.
    """
    query_count = int(codes.max()) + 1 if codes.size else 0
    order = np.lexsort((_ranks_among_ties(codes, score, tie_breaker), -score, codes))
    by_score = Grouping(codes=codes[order], group_count=query_count)
    rank = _ranks(by_score)
    is_relevant = relevance[order] > 0
    relevant_counts = np.array(by_score.only(is_relevant).counts(), dtype=np.int64)
    counted = is_relevant & (rank <= k)
    precision = _relevant_so_far(by_score, is_relevant)[counted] / rank[counted]

    gains, discounts = _gains(relevance), _discounts(rank, k)
    ideal = gains[np.lexsort((-relevance, codes))] * discounts
    gained = _shared_among_ties(by_score.codes, score[order], gains[order]) * discounts
    return JudgedQueries(
        has_relevant=relevant_counts > 0,
        is_hit=np.array(by_score.only(counted).counts(), dtype=np.int64) > 0,
        gain=_ratio(by_score.totals(gained), np.array(by_score.totals(ideal))),
        average_precision=_ratio(by_score.only(counted).totals(precision), np.minimum(relevant_counts, k)),
    )


def _ranks_among_ties(codes: Integers, score: Floats, tie_breaker: npt.NDArray[np.object_]) -> Integers:
    """The rank of the tie breaker of rows whose score another row of the query has; comparing texts is dear."""
    order = np.lexsort((score, codes))
    ties = ~_starts_of_ties(codes[order], score[order])
    tied = order[ties | np.append(ties[1:], False)] if codes.size else order
    ranks = np.zeros(codes.size, dtype=np.int64)
    ranks[tied[np.argsort(tie_breaker[tied], kind="stable")]] = np.arange(tied.size)
    return ranks


def _starts_of_ties(codes: Integers, score: Floats) -> Booleans:
    """Rows, sorted by query and score, which do not have both from the row before."""
    starts = np.ones(codes.size, dtype=np.bool_)
    starts[1:] = (codes[1:] != codes[:-1]) | (score[1:] != score[:-1])
    return starts


def _ranks(grouping: Grouping) -> Integers:
    """1, 2, … within each query."""
    starts = np.searchsorted(grouping.codes, np.arange(grouping.group_count))
    ranks: Integers = np.arange(grouping.codes.size) - starts[grouping.codes] + 1
    return ranks


def _discounts(rank: Integers, k: int) -> Floats:
    deepest = min(k, int(rank.max(initial=0)))
    table = np.array([0.0, *(1 / math.log2(1 + r) for r in range(1, deepest + 1)), 0.0])
    return table[np.minimum(rank, deepest + 1)]


def _gains(relevance: Floats) -> Floats:
    """2^relevance - 1."""
    # Not np.exp2: its vector code may differ in the last bit with the place in the array. Few degrees occur.
    values, at = np.unique(relevance, return_inverse=True)
    gains = [math.expm1(r * math.log(2)) if r < 1 else 2.0**r - 1 for r in values.tolist()]
    return np.array(gains, dtype=np.float64)[at]


def _shared_among_ties(codes: Integers, score: Floats, gains: Floats) -> Floats:
    """Each row's gain, or the mean gain of the rows that share its query and score."""
    is_first = _starts_of_ties(codes, score)
    if is_first.all():
        return gains
    ties = Grouping(codes=np.cumsum(is_first) - 1, group_count=int(is_first.sum()))
    means: Floats = np.array(ties.totals(gains)) / np.array(ties.counts())
    return means[ties.codes]


def _relevant_so_far(grouping: Grouping, is_relevant: Booleans) -> Integers:
    """How many rows of the query are relevant down to each row."""
    so_far = np.cumsum(is_relevant)
    starts = np.searchsorted(grouping.codes, np.arange(grouping.group_count))
    before: Integers = (so_far - is_relevant)[starts]
    result: Integers = so_far - before[grouping.codes]
    return result


def _ratio(above: list[float], below: Floats | Integers) -> Floats:
    """Within 0 … 1, which rounding may leave; 0 where there is nothing below the line."""
    shares = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return np.clip(shares, 0.0, 1.0)
