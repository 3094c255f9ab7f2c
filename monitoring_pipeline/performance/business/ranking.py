"""What each row of a ranking model was worth: the relevant rows that a query's first places showed."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.business.values import times_amount
from monitoring_pipeline.performance.rows.columns import floats
from monitoring_pipeline.performance.rows.grouping import Floats, Integers


def ranking_values(
    queries: npt.ArrayLike,
    *,
    score: npt.ArrayLike,
    relevance: npt.ArrayLike,
    top_k: int,
    relevant_shown: float,
    amount: npt.ArrayLike | None = None,
) -> Floats:
    """``relevant_shown`` for a relevant row among its query's first ``top_k`` by score, 0 for every other row.

    Rows of equal score that compete for the last places share them: 2 places for 3 rows count 2/3 for each, what
    drawing lots would give on average, and the same for every order of the rows. All rows of a query compete, also
    those whose truth has not arrived. A row without a query or a finite score is not judged and does not compete.

    Args:
        queries: the number of each row's query, from 0; -1 where it has none.
        score: what the query's rows are ordered by, highest first.
        relevance: above 0 for a relevant row; NaN where the truth has not arrived.
        top_k: how many rows of a query are shown.
        relevant_shown: what a relevant row that was shown is worth.
        amount: multiplies each row's value.

    >>> ranking_values([0, 0, 0], score=[0.9, 0.5, 0.1], relevance=[1, 0, 2], top_k=2, relevant_shown=3.0)
    array([3., 0., 0.])
    """
    query, scores, gain = np.asarray(queries, dtype=np.int64), floats(score), floats(relevance)
    competes = (query >= 0) & np.isfinite(scores)
    shown = np.zeros(len(query))
    shown[competes] = _share_of_places(query[competes], scores[competes], top_k)
    worth = np.where(gain > 0, relevant_shown, 0.0) * shown
    return times_amount(worth, amount, competes & np.isfinite(gain))


def _share_of_places(query: Integers, score: Floats, places: int) -> Floats:
    """For each row the chance of being among its query's first places if lots are drawn among equal scores."""
    if not query.size:
        return np.zeros(0)
    order = np.lexsort((-score, query))
    query, score = query[order], score[order]
    new_query = np.append(True, query[1:] != query[:-1])
    new_tie = new_query | np.append(True, score[1:] != score[:-1])
    ties, queries = np.flatnonzero(new_tie), np.flatnonzero(new_query)
    sizes = np.diff(np.append(ties, query.size))
    rows_above = ties - queries[np.cumsum(new_query)[ties] - 1]
    shares = np.clip(places - rows_above, 0, sizes) / sizes
    result = np.empty(query.size)
    result[order] = np.repeat(shares, sizes)
    return result
