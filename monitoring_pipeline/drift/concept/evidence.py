"""How surprising it is that rows of the same kinds are missed otherwise than before."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import chdtrc, kolmogorov, ndtr

from monitoring_pipeline.drift.arrays import Booleans, Counts, Floats

FEWEST_LEAF_ROWS = 5
"""Window rows that a leaf's rank sum needs to be near enough to normal."""

TESTS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Errors of both samples with their kinds and leaves; only kinds that both samples hold.

    Attributes:
        errors: the reference's rows first, then the window's.
        of_window: which rows are the window's.
        kinds: the kind of each row, from 0.
        leaves: the leaf of each row, from 0; a kind may lie in several leaves only as several kinds.
        window_effect: how many rows of the window are worth one, at least 1.
        reference_effect: the same for the reference.
    """

    errors: Floats
    of_window: Booleans
    kinds: Counts
    leaves: Counts
    window_effect: float = 1.0
    reference_effect: float = 1.0

    @classmethod
    def of(cls, errors: Floats, kinds: Counts, leaves: Counts, *, m: int, effects: tuple[float, float]) -> Self:
        """Keep the kinds that both samples hold.

        Args:
            errors: the reference's rows first, then the window's.
            kinds: the kind of each row, from 0.
            leaves: the leaf of each row.
            m: rows of the reference.
            effects: how many rows of the window, and of the reference, are worth one.
        """
        of_window = np.arange(errors.size) >= m
        n_of_kind, m_of_kind = np.bincount(kinds, weights=of_window), np.bincount(kinds, weights=~of_window)
        kept = ((n_of_kind > 0) & (m_of_kind > 0))[kinds]
        _, kept_kinds = np.unique(kinds[kept], return_inverse=True)
        _, kept_leaves = np.unique(leaves[kept], return_inverse=True)
        return cls(
            errors=errors[kept],
            of_window=of_window[kept],
            kinds=kept_kinds,
            leaves=kept_leaves,
            window_effect=effects[0],
            reference_effect=effects[1],
        )


def p_value(compared: Compared) -> float:
    """Probability of a difference at least this large if no kind of rows changed.

    Three tests look at what differs; the p-value is three times the smallest (Bonferroni). Within a kind the rows of
    both samples could be exchanged, so the ranks of the window's errors have a known mean and variance:

    - all kinds together, in one direction (van Elteren's test): the model errs more everywhere;
    - leaf by leaf, in any direction, ``Σ z² ~ χ²(leaves)``: it errs less here and more there;
    - the place of each error among all of its kind, Kolmogorov-Smirnov: errors scatter more.

    As ranks are used, one huge error is one row; an error that grows only among the largest is not seen.

    Source: van Elteren (1960); Lehmann (1975), "Nonparametrics", on ranks with ties.
    """
    smallest = min(*_rank_p_values(compared), _shape_p_value(compared))
    return min(1.0, TESTS * smallest)


def _rank_p_values(compared: Compared) -> tuple[float, float]:
    window = compared.of_window
    scores = ranks_within(compared.errors, compared.kinds)
    rows, n = np.bincount(compared.kinds), np.bincount(compared.kinds, weights=window)
    m = rows - n
    # Scores have mean 0 in their kind: what the window's add up to is all excess.
    excess = np.bincount(compared.kinds, weights=scores * window)
    variance = np.bincount(compared.kinds, weights=scores**2) / np.maximum(rows - 1, 1) * n * m / rows
    variance *= (m * compared.window_effect + n * compared.reference_effect) / rows
    leaf_of_kind = np.zeros(rows.size, np.int64)
    leaf_of_kind[compared.kinds] = compared.leaves
    sums = np.bincount(leaf_of_kind, weights=excess)
    variances = np.bincount(leaf_of_kind, weights=variance)
    enough = (np.bincount(leaf_of_kind, weights=n) >= FEWEST_LEAF_ROWS) & (variances > 0)
    if not enough.any():
        return 1.0, 1.0
    together = float(np.sum(sums[enough])) / float(np.sqrt(np.sum(variances[enough])))
    apart = float(np.sum(sums[enough] ** 2 / variances[enough]))
    return 2.0 * float(ndtr(-abs(together))), float(chdtrc(np.count_nonzero(enough), apart))


def _shape_p_value(compared: Compared) -> float:
    window = compared.of_window
    n, m = (np.bincount(compared.kinds, weights=side) for side in (window, ~window))
    places = ranks_within(compared.errors, compared.kinds)
    weights = np.where(window, 1.0, (n / m)[compared.kinds])
    signed = np.where(window, weights, -weights) / n.sum()
    order = np.argsort(places, kind="stable")
    last_of_tie = np.append(np.diff(places[order]) > 0, True)
    gap = float(np.max(np.abs(np.cumsum(signed[order])[last_of_tie])))
    variance = compared.window_effect / n.sum()
    variance += compared.reference_effect * float(np.sum((weights[~window] / n.sum()) ** 2))
    return float(kolmogorov(gap / np.sqrt(variance)))


def ranks_within(errors: Floats, kinds: Counts) -> Floats:
    """Mid-ranks within each kind, as shares of its rows, less their mean.

    >>> ranks_within(np.array([5.0, 1.0, 1.0, 7.0]), np.array([0, 0, 1, 1])).tolist()
    [0.25, -0.25, -0.25, 0.25]
    """
    order = np.lexsort((errors, kinds))
    new_tie = np.append(True, (np.diff(kinds[order]) > 0) | (np.diff(errors[order]) > 0))
    in_tie = np.bincount(np.cumsum(new_tie) - 1)
    middle = np.repeat(np.cumsum(in_tie) - in_tie / 2.0, in_tie)
    rows = np.bincount(kinds)
    starts = np.cumsum(rows) - rows
    ranks = np.empty(errors.size)
    ranks[order] = (middle - starts[kinds[order]]) / rows[kinds[order]] - 0.5
    return ranks
