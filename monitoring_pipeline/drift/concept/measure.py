"""Concept drift of one window of labelled rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import ndtri

from monitoring_pipeline.drift.arrays import Counts, finite
from monitoring_pipeline.drift.concept.balance import bands
from monitoring_pipeline.drift.concept.decomposition import Decomposition, decompose
from monitoring_pipeline.drift.concept.evidence import Compared, p_value
from monitoring_pipeline.drift.concept.labelled import LabelledRows
from monitoring_pipeline.drift.concept.leaf_changes import LeafChanges
from monitoring_pipeline.drift.concept.rules import rule
from monitoring_pipeline.drift.concept.strata import ErrorStrata, leaves_of
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Sizes

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
    kinds, leaves = _kinds_and_leaves(strata, window, tree)
    m = strata.compared.row_count
    errors = np.concatenate((strata.compared.errors, window.errors))
    unit = float(np.max(np.abs(errors)))  # squares of what is scaled stay finite
    errors = errors / unit
    parts = decompose(errors[:m], kinds[:m], errors[m:], kinds[m:])
    if float(np.sum(parts.shares)) < FEWEST_COMPARED_SHARE:
        return ConceptReason.NOTHING_COMPARABLE
    effects = _effects(strata, window, sizes)
    leaf_of_kind = np.zeros(int(kinds.max()) + 1, np.int64)
    leaf_of_kind[kinds] = leaves
    changed = LeafChanges.of(parts, leaf_of_kind[parts.kept], scale=max(effects))
    worth = sizes if sizes is not None else Sizes(reference=float(m), window=float(window.row_count))
    p = worth.p_value(p_value(Compared.of(errors, kinds, leaves, m=m, effects=effects)))
    std = max(float(np.std(errors[:m])), float(np.finfo(np.float64).tiny))
    found = changed.measurement(p, std, alpha=worth.level(alpha))
    spread = float(-ndtri(worth.level(alpha / 2.0))) * changed.error
    leaf = _largest_change(changed, unit, tree, names)
    return _concept_drift(found, parts, unit, spread=spread, leaf=leaf)


def _concept_drift(
    found: Measurement, parts: Decomposition, unit: float, *, spread: float, leaf: LeafChange
) -> ConceptDrift:
    return ConceptDrift(
        measurement=found,
        concept=parts.concept * unit,
        concept_lower=finite((parts.concept - spread) * unit),
        concept_upper=finite((parts.concept + spread) * unit),
        covariate=finite(parts.covariate * unit),
        remainder=finite(parts.remainder * unit),
        compared_share=min(1.0, float(np.sum(parts.shares))),
        leaf=leaf,
    )


def _largest_change(changed: LeafChanges, unit: float, tree: Any, names: Sequence[str]) -> LeafChange:
    top = changed.largest
    return LeafChange(
        rule=rule(tree, int(changed.leaves[top]), names),
        change=float(changed.changes[top]) * unit,
        row_share=float(changed.shares[top] / np.sum(changed.shares)),
    )


def _kinds_and_leaves(strata: ErrorStrata, window: LabelledRows, tree: Any) -> tuple[Counts, Counts]:
    """The kind and the leaf of each row, the reference's first; a kind lies in one leaf and one band of likeness."""
    rows = (strata.compared, window)
    leaves = np.concatenate([leaves_of(tree, side) for side in rows])
    kinds = np.concatenate([strata.kinds_of(side) for side in rows])
    alike = bands(strata.compared.inputs, window.inputs)
    _, kinds = np.unique(np.stack((leaves, kinds, alike)), axis=1, return_inverse=True)
    return kinds, leaves


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
