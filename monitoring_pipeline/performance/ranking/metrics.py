"""Metrics of ranking models: means over queries, each of which weighs the same however many rows it has.

Only complete queries are judged (see :class:`.RankingSums`): the best row may be the one whose truth is missing. So
early on they speak for queries with few rows or quick truth. k is the model's declared depth.
"""

from monitoring_pipeline.performance.intervals import mean_interval, proportion_interval
from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.ranking.sums import RankingSums
from monitoring_pipeline.performance.values import Answer, Estimate, UndefinedReason


def ndcg_at_k(sums: RankingSums) -> Answer:
    """Normalised discounted cumulative gain: mean of DCG@k / ideal DCG@k, 0 … 1, 1 is perfect.

    DCG@k = Σ (2^relevance - 1) / log2(1 + rank) over the first k ranks; the ideal has the rows by relevance. Rows with
    equal scores share the gain of their ranks, as in scikit-learn (whose gain is the relevance itself: give it
    2^relevance - 1). Over the complete queries with a relevant row; others have no ideal to compare with.

    Blind to rows that were not shown, and to how far apart scores are. Few rows per query score high by chance.

    Source: C. Burges et al., "Learning to rank using gradient descent", 2005; K. Järvelin, J. Kekäläinen, "Cumulated
    gain-based evaluation of IR techniques", 2002; ties: F. McSherry, M. Najork, "Computing information retrieval
    performance measures efficiently in the presence of tied scores", 2008.
    """
    return _mean_over_queries(sums, sums.gain)


def map_at_k(sums: RankingSums) -> Answer:
    """Mean average precision: mean of AP@k, 0 … 1, 1 is perfect. A row is relevant if its relevance is above 0.

    AP@k = Σ (share of relevant rows among the first r) over ranks r <= k with a relevant row / min(k, relevant rows).
    Equal scores are put in the order of their prediction ids. Over the complete queries with a relevant row.

    Blind to degrees of relevance.

    Source: C. D. Manning, P. Raghavan, H. Schütze, "Introduction to Information Retrieval", 2008, section 8.4.
    """
    return _mean_over_queries(sums, sums.average_precision)


def hit_rate_at_k(sums: RankingSums) -> Answer:
    """Share of complete queries with a relevant row among the first k, 0 … 1. Without any relevant row it is a miss.

    Equal scores are put in the order of their prediction ids. Blind to the order within the first k and to the number
    of hits. Interval: Wilson's.
    """
    complete = sums.complete_query_count
    if complete == 0:
        return UndefinedReason.NO_COMPLETE_QUERY
    interval = proportion_interval(sums.hit_query_count, complete)
    return Estimate(value=sums.hit_query_count / complete, interval=interval)


def _mean_over_queries(sums: RankingSums, sample: Moments) -> Answer:
    if sums.complete_query_count == 0:
        return UndefinedReason.NO_COMPLETE_QUERY
    if sample.count == 0:
        return UndefinedReason.NO_RELEVANT_ROWS
    return Estimate(value=sample.mean, interval=mean_interval(sample, at_least=0.0, at_most=1.0))
