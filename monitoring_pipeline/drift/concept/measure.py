"""Concept drift of one window of labelled rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtri, chndtrinc, ndtri

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Counts, Floats
from monitoring_pipeline.drift.concept.balance import bands
from monitoring_pipeline.drift.concept.decomposition import Decomposition, decompose
from monitoring_pipeline.drift.concept.evidence import TESTS, Compared, p_value
from monitoring_pipeline.drift.concept.labelled import LabelledRows
from monitoring_pipeline.drift.concept.rules import rule
from monitoring_pipeline.drift.concept.strata import ErrorStrata, leaves_of
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import POWER, Z_POWER, Sizes

FEWEST_WINDOW_ROWS = 50
FEWEST_REFERENCE_ROWS = 400
FEWEST_COMPARED_SHARE = 0.5


class ConceptReason(StrEnum):
    """Why nothing can be said about the concept."""

    TOO_FEW_WINDOW_ROWS = "too_few_window_rows"  # fewer than 50 labelled
    TOO_FEW_REFERENCE_ROWS = "too_few_reference_rows"  # fewer than 400 labelled
    NO_VARIANCE = "no_variance"  # the reference's errors are all the same
    NOTHING_COMPARABLE = "nothing_comparable"  # most of the window's rows are of kinds that the reference lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafChange:
    """The leaf that contributes most.

    Attributes:
        rule: which rows, in words.
        change: by how much their mean error changed, in the error's unit.
        row_share: their share of the window's compared rows, in (0, 1].
    """

    rule: str
    change: float
    row_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptDrift:
    """What became of the relation between inputs and truth.

    Attributes:
        measurement: the value in standard deviations of the reference's error, with its evidence.
        concept: the part of the mean error's change that rows of the same kinds bring, in the error's unit.
        concept_lower: lower bound of its interval of confidence 1 - alpha.
        concept_upper: upper bound.
        covariate: the part that a different mixture of kinds brings.
        remainder: the part of kinds that the reference lacks.
        compared_share: share of the window's rows that are of kinds which the reference has.
        leaf: where most of the concept part comes from.
    """

    measurement: Measurement
    concept: float
    concept_lower: float
    concept_upper: float
    covariate: float
    remainder: float
    compared_share: float
    leaf: LeafChange


def measure(
    strata: ErrorStrata, window: LabelledRows, *, names: Sequence[str], alpha: float, sizes: Sizes | None = None
) -> ConceptDrift | ConceptReason:
    """Compare the errors of a window with those of the reference's rows of the same kind.

    The value is the usual change of a leaf's mean error, ``sqrt(Σ w Δ²)`` less what noise adds to it, in standard
    deviations of the reference's error: so a region that got better does not hide one that got worse. It is never
    less than the concept part as a whole. The p-value comes from ranks within kinds (see :mod:`.evidence`), which
    hold whatever the errors' distribution.

    In simulation (a model that misses a wave in one of four inputs, 10,000 reference rows, 100 to 5,000 in the window,
    all inputs moved by 0.7 standard deviations) it alarms in 0.02 to 0.08 of windows at alpha 0.05 and at most 0.015
    at 0.01, where KS on the errors alarms in up to all at 0.01. A sign that flips in a third of the rows is seen at
    alpha 0.01 in 8 of 10 windows of 1,000 signed errors, in all of 1,000 absolute ones, and hardly ever in 100.

    It cannot see:

    - labels that come early and are not like the rest: if failures are reported at once and successes later, every
      young window looks like concept drift, and the reverse hides it. Compare windows at the same label age;
    - a new relation in rows of kinds that the reference lacks: :attr:`ConceptDrift.remainder` is their part;
    - a change within one kind that leaves its errors' distribution alone: better here, worse beside it;
    - which of both moved, the world or the model: a new model version is another relation, too;
    - an input that nobody logged: if its mixture changes, the relation to what is logged does.

    Args:
        strata: the prepared reference.
        window: the window's labelled rows, with the same columns.
        names: of the columns.
        alpha: false-alarm probability of this test, in (0, 1).
        sizes: effective rows of the labelled reference and window, if rows of one hour are alike.

    Raises:
        ValueError: if the columns are not those of the reference, or not as many as the names.
    """
    _check_columns(strata, window, names)
    undefined = _undefined(strata, window)
    if undefined is not None:
        return undefined
    tree = strata.leaves_for(window.row_count)
    rows = (strata.compared, window)
    leaves = np.concatenate([leaves_of(tree, side) for side in rows])
    kinds = np.concatenate([strata.kinds_of(side) for side in rows])
    alike = bands(strata.compared.inputs, window.inputs)
    _, kinds = np.unique(np.stack((leaves, kinds, alike)), axis=1, return_inverse=True)
    m = strata.compared.row_count
    unit = float(max(np.max(np.abs(side.errors)) for side in rows))  # squares of what is scaled stay finite
    before, after = (side.errors / unit for side in rows)
    parts = decompose(before, kinds[:m], after, kinds[m:])
    compared_share = float(np.sum(parts.shares))
    if compared_share < FEWEST_COMPARED_SHARE:
        return ConceptReason.NOTHING_COMPARABLE
    effects = _effects(strata, window, sizes)
    evidence = _compared(np.concatenate((before, after)), kinds, leaves, m, effects)
    leaf_of_kind = np.zeros(int(kinds.max()) + 1, np.int64)
    leaf_of_kind[kinds] = leaves
    changed = _Leaves.of(parts, leaf_of_kind[parts.kept], scale=max(effects))
    std = max(float(np.std(before)), float(np.finfo(np.float64).tiny))
    widened = sizes if sizes is not None else Sizes(reference=float(m), window=float(window.row_count))
    p = widened.p_value(p_value(evidence))
    spread = float(-ndtri(widened.level(alpha / 2.0))) * changed.error
    top = int(np.argmax(np.abs(changed.shares * changed.changes)))
    return ConceptDrift(
        measurement=changed.measurement(p, std, alpha=widened.level(alpha)),
        concept=parts.concept * unit,
        concept_lower=_finite((parts.concept - spread) * unit),
        concept_upper=_finite((parts.concept + spread) * unit),
        covariate=_finite(parts.covariate * unit),
        remainder=_finite(parts.remainder * unit),
        compared_share=min(1.0, compared_share),
        leaf=LeafChange(
            rule=rule(tree, int(changed.leaves[top]), names),
            change=float(changed.changes[top]) * unit,
            row_share=float(changed.shares[top] / np.sum(changed.shares)),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Leaves:
    """The changes of the kinds, gathered by leaf."""

    leaves: Counts
    shares: Floats
    changes: Floats
    variances: Floats

    @classmethod
    def of(cls, parts: Decomposition, leaf_of_kind: Counts, *, scale: float) -> "_Leaves":
        leaves, codes = np.unique(leaf_of_kind, return_inverse=True)
        shares: Floats = np.bincount(codes, weights=parts.shares).astype(np.float64)
        return cls(
            leaves=leaves,
            shares=shares,
            changes=np.bincount(codes, weights=parts.shares * parts.changes) / shares,
            variances=np.bincount(codes, weights=parts.shares**2 * parts.variances) / shares**2 * scale,
        )

    @property
    def error(self) -> float:
        """Standard error of the concept part."""
        return math.sqrt(float(np.sum(self.shares**2 * self.variances)))

    def measurement(self, p: float, std: float, *, alpha: float) -> Measurement:
        noise = self.shares * self.variances
        usual = float(np.sum(self.shares * self.changes**2 - noise))
        whole = float(np.sum(self.shares * self.changes))
        limit, seen = self._reach(noise, alpha / TESTS)
        return Measurement(
            value=_finite(math.sqrt(max(usual, whole**2)) / std),
            p_value=p,
            noise_limit=_finite(limit / std),
            detectable=_finite(seen / std),
        )

    def _reach(self, noise: Floats, alpha: float) -> tuple[float, float]:
        """What noise alone exceeds, and what is seen in 80 % of cases: of the whole, or leaf by leaf, the larger.

        Leaf by leaf ``Σ w Δ²`` is a sum of squares of unequal weights: a multiple of χ² (Satterthwaite).
        """
        z = float(-ndtri(alpha / 2.0))
        total, squares = float(np.sum(noise)), float(np.sum(noise**2))
        if total <= 0 or squares <= 0:
            return z * self.error, (z + Z_POWER) * self.error
        freedom = total**2 / squares
        critical = float(chdtri(freedom, alpha))
        limit = math.sqrt(max(0.0, total * (critical / freedom - 1.0)))
        seen = math.sqrt(total / freedom * float(chndtrinc(critical, freedom, 1.0 - POWER)))
        return max(limit, z * self.error), max(seen, (z + Z_POWER) * self.error)


def _check_columns(strata: ErrorStrata, window: LabelledRows, names: Sequence[str]) -> None:
    columns = strata.compared.inputs.shape[1]
    if window.inputs.shape[1] != columns or len(names) != columns:
        raise ValueError(
            f"the reference has {columns} input columns, the window {window.inputs.shape[1]}, "
            f"and {len(names)} names are given; all three must be the same"
        )


def _undefined(strata: ErrorStrata, window: LabelledRows) -> ConceptReason | None:
    if strata.row_count < FEWEST_REFERENCE_ROWS:
        return ConceptReason.TOO_FEW_REFERENCE_ROWS
    if window.row_count < FEWEST_WINDOW_ROWS:
        return ConceptReason.TOO_FEW_WINDOW_ROWS
    if np.ptp(strata.compared.errors) == 0:
        return ConceptReason.NO_VARIANCE
    return None


def _effects(strata: ErrorStrata, window: LabelledRows, sizes: Sizes | None) -> tuple[float, float]:
    """How many rows of the window, and of the reference, are worth one."""
    if sizes is None:
        return 1.0, 1.0
    return max(1.0, window.row_count / sizes.window), max(1.0, strata.row_count / sizes.reference)


def _compared(errors: Floats, kinds: Counts, leaves: Counts, m: int, effects: tuple[float, float]) -> Compared:
    of_window = np.arange(errors.size) >= m
    n_of_kind, m_of_kind = np.bincount(kinds, weights=of_window), np.bincount(kinds, weights=~of_window)
    kept = ((n_of_kind > 0) & (m_of_kind > 0))[kinds]
    _, kept_kinds = np.unique(kinds[kept], return_inverse=True)
    _, kept_leaves = np.unique(leaves[kept], return_inverse=True)
    return Compared(
        errors=errors[kept],
        of_window=of_window[kept],
        kinds=kept_kinds,
        leaves=kept_leaves,
        window_effect=effects[0],
        reference_effect=effects[1],
    )


def _finite(number: float) -> float:
    return min(max(number, -LARGEST_MAGNITUDE), LARGEST_MAGNITUDE)
