"""Sums of a ranking model."""

from dataclasses import dataclass

from monitoring_pipeline.performance.mergeable.moments import Moments
from monitoring_pipeline.performance.sums import Sums


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingSums(Sums):
    """Sums of a ranking model over queries; the rows of one query in one hour and group are judged together.

    A query is *complete* when each of its rows can be judged; it *waits* while truth is missing for one of them. With
    all truth there, but unusable in a row, it does neither. A query that spans two hours or groups counts in each.

    Attributes:
        labelled_row_count: rows with usable truth, in complete queries or others.
        query_count: queries with at least one prediction.
        waiting_query_count: queries that wait for truth.
        complete_query_count: queries that were judged.
        hit_query_count: complete queries with a relevant row among the first k.
        gain: NDCG@k of the complete queries that have a relevant row.
        average_precision: AP@k of the same queries.
    """

    labelled_row_count: int
    query_count: int
    waiting_query_count: int
    complete_query_count: int
    hit_query_count: int
    gain: Moments
    average_precision: Moments

    @property
    def labelled_count(self) -> int:
        """Rows whose truth is there and usable; they are judged with the rest of their query."""
        return self.labelled_row_count
