"""From rows to the ranking sums of many groups."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.ranking.queries import judged_queries
from monitoring_pipeline.performance.ranking.sums import RankingSums
from monitoring_pipeline.performance.rows.columns import arrived, floats
from monitoring_pipeline.performance.rows.grouping import Booleans, Grouping, Integers

LARGEST_RELEVANCE = 512.0
"""Its gain, 2^512, is far from what doubles cannot hold; degrees of relevance seldom go beyond 4."""


def ranking_sums(
    codes: npt.ArrayLike,
    group_count: int,
    *,
    predicted: npt.ArrayLike,
    actual: npt.ArrayLike,
    query: Sequence[str | None] | npt.NDArray[np.object_],
    k: int,
    tie_breaker: Sequence[str] | npt.NDArray[np.object_],
    labelled: npt.ArrayLike | None = None,
) -> list[RankingSums]:
    """Each group's ranking sums.

    A labelled row is unusable if its score is no finite number, its relevance is outside 0 … ``LARGEST_RELEVANCE``, or
    it names no query.

    Args:
        codes: each row's group, 0 … ``group_count - 1``.
        group_count: how many groups; one without rows gets sums of nothing.
        predicted: scores, higher comes first; NaN where the model logged none.
        actual: relevance, 0 or more; NaN where the truth has not arrived.
        query: which query the row belongs to; None where the model logged none.
        k: how many ranks count.
        tie_breaker: prediction ids, which decide between equal scores.
        labelled: rows whose truth has arrived; by default those whose actual is there. Truth of the wrong kind (a
            class name for a number) is no actual here, but it is not missing either: it counts as unusable.

    Raises:
        ValueError: if ``k`` is below 1 or a row names a group that does not exist.
    """
    if k < 1:
        raise ValueError(f"k counts ranks, so it is at least 1, not {k}")
    grouping, order = Grouping.sorting(codes, group_count)
    score, relevance = floats(predicted)[order], floats(actual)[order]
    known = arrived(labelled, ~np.isnan(relevance), order)
    number, group_of = _numbered_queries(grouping.codes, np.asarray(query, dtype=object)[order])
    named = number >= 0
    usable = known & named & np.isfinite(score) & (relevance >= 0) & (relevance <= LARGEST_RELEVANCE)
    waiting = _queries_with(named & ~known, number, group_of.size)
    complete = ~_queries_with(named & ~usable, number, group_of.size)

    judged = named & np.append(complete, False)[number]  # -1, which is no query, looks up the last
    found = judged_queries(
        (np.cumsum(complete) - 1)[number[judged]],
        score=score[judged],
        relevance=relevance[judged],
        tie_breaker=np.asarray(tie_breaker, dtype=object)[order][judged],
        k=k,
    )
    queries = Grouping(codes=group_of, group_count=group_count)
    of_complete = queries.only(complete)
    with_relevant = of_complete.only(found.has_relevant)
    columns = zip(
        grouping.counts(),
        grouping.only(known & ~usable).counts(),
        grouping.only(usable).counts(),
        queries.counts(),
        queries.only(waiting).counts(),
        of_complete.counts(),
        of_complete.only(found.is_hit).counts(),
        with_relevant.moments(found.gain[found.has_relevant]),
        with_relevant.moments(found.average_precision[found.has_relevant]),
        strict=True,
    )
    return [
        RankingSums(
            prediction_count=predictions,
            unusable_count=unusable,
            labelled_row_count=labelled_rows,
            query_count=query_count,
            waiting_query_count=waiting_count,
            complete_query_count=complete_count,
            hit_query_count=hits,
            gain=gain,
            average_precision=average_precision,
        )
        for (
            predictions,
            unusable,
            labelled_rows,
            query_count,
            waiting_count,
            complete_count,
            hits,
            gain,
            average_precision,
        ) in columns
    ]


def _numbered_queries(codes: Integers, query: npt.NDArray[np.object_]) -> tuple[Integers, Integers]:
    """Each row's query, numbered through all groups (-1: none), and each query's group, ascending."""
    numbers: dict[tuple[int, str], int] = {}
    rows = zip(codes.tolist(), query.tolist(), strict=True)
    number = [numbers.setdefault((code, name), len(numbers)) if isinstance(name, str) else -1 for code, name in rows]
    groups = np.fromiter((code for code, _ in numbers), dtype=np.int64, count=len(numbers))
    return np.array(number, dtype=np.int64), groups


def _queries_with(rows: Booleans, number: Integers, query_count: int) -> Booleans:
    """Which queries have at least one of these rows."""
    found: Booleans = np.bincount(number[rows], minlength=query_count) > 0
    return found
