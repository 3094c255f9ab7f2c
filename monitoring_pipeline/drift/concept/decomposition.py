"""Where a change of the mean error comes from: from what rows there are, or from how rows of a kind are missed."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.drift.arrays import Counts, Floats

_BORROWED = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decomposition:
    """The change of the mean error, in the error's unit; its three parts add up to it.

    Attributes:
        concept: ``Σ w (mean_window - mean_reference)`` over the kinds that both hold, w the window's shares.
        covariate: ``Σ (w - share_reference) (mean_reference - mean of all)`` over the reference's kinds: more or
            fewer rows of a kind, also none.
        remainder: ``Σ w (mean_window - mean of all)`` over kinds that the reference lacks: both parts in one.
        changes: the change of each kind's mean, for the kinds that both hold.
        shares: the share of the window's rows in each of them.
        variances: sampling variance of each change.
        kept: which kinds both samples hold.
    """

    concept: float
    covariate: float
    remainder: float
    changes: Floats
    shares: Floats
    variances: Floats
    kept: Counts


def decompose(reference: Floats, reference_kinds: Counts, window: Floats, window_kinds: Counts) -> Decomposition:
    """Kitagawa's decomposition over kinds of rows.

    Args:
        reference: errors of the reference, not empty.
        reference_kinds: the kind of each of its rows, from 0.
        window: errors of the window, not empty.
        window_kinds: the kind of each of its rows.

    Source: Kitagawa (1955); Oaxaca (1973); Blinder (1973).

    >>> easy_and_hard = np.array([0, 0, 0, 1])
    >>> parts = decompose(np.array([0.0, 0, 0, 4]), easy_and_hard, np.array([0.0, 0, 5, 5]), np.array([0, 0, 1, 1]))
    >>> parts.concept, parts.covariate, parts.remainder
    (0.5, 1.0, 0.0)
    """
    count = int(max(reference_kinds.max(), window_kinds.max())) + 1
    m, mean_before, spread_before = _by_kind(reference, reference_kinds, count)
    n, mean_after, spread_after = _by_kind(window, window_kinds, count)
    both = (m > 0) & (n > 0)
    changes, shares = (mean_after - mean_before)[both], n[both] / window.size
    concept = float(np.sum(shares * changes))
    overall = float(np.mean(reference))
    known = m > 0
    covariate = float(np.sum((n / window.size - m / reference.size)[known] * (mean_before[known] - overall)))
    return Decomposition(
        concept=concept,
        covariate=covariate,
        remainder=float(np.sum((n / window.size)[~known] * (mean_after[~known] - overall))),
        changes=changes,
        shares=shares,
        variances=_scatter(spread_before + spread_after, m, n)[both] * (1.0 / n[both] + 1.0 / m[both]),
        kept=np.flatnonzero(both),
    )


def _scatter(squares: Floats, m: Floats, n: Floats) -> Floats:
    """Variance of a row in each kind; a kind of few rows borrows four degrees of freedom from all."""
    freedom = np.maximum(m - 1, 0) + np.maximum(n - 1, 0)
    common = float(np.sum(squares)) / max(float(np.sum(freedom)), 1.0)
    return (squares + _BORROWED * common) / (freedom + _BORROWED)


def _by_kind(errors: Floats, kinds: Counts, count: int) -> tuple[Floats, Floats, Floats]:
    """Rows, mean, and sum of squares about the mean of each kind; 0 where there is no row."""
    rows = np.bincount(kinds, minlength=count).astype(np.float64)
    mean = np.bincount(kinds, weights=errors, minlength=count) / np.maximum(rows, 1.0)
    squares: Floats = np.bincount(kinds, weights=(errors - mean[kinds]) ** 2, minlength=count).astype(np.float64)
    return rows, mean.astype(np.float64), squares
