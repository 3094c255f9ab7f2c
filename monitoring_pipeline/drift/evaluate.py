"""All measures over one feature's window, before anyone judges them (:mod:`.judge`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift import cells
from monitoring_pipeline.drift.arrays import Counts, Floats, present_sorted
from monitoring_pipeline.drift.compared_rows import ComparedRows
from monitoring_pipeline.drift.judge import MeasuredFeature
from monitoring_pipeline.drift.measurement import Measure, Measurement
from monitoring_pipeline.drift.measures import (
    anderson_darling,
    chi2,
    cramer_von_mises,
    g_test,
    hellinger,
    jensen_shannon,
    ks,
    lost_categories,
    new_categories,
    psi,
    total_variation,
    wasserstein,
)
from monitoring_pipeline.drift.missing import UsuallyMissing
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference, count_in_bins
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason

_NUMERIC = {
    Measure.KS: ks.measure,
    Measure.WASSERSTEIN: wasserstein.measure,
    Measure.CRAMER_VON_MISES: cramer_von_mises.measure,
    Measure.ANDERSON_DARLING: anderson_darling.measure,
}
_BINNED = {
    Measure.PSI: psi.measure,
    Measure.JENSEN_SHANNON: jensen_shannon.measure,
    Measure.HELLINGER: hellinger.measure,
    Measure.TOTAL_VARIATION: total_variation.measure,
}
_CELLS = {Measure.CHI2: chi2.measure, Measure.G_TEST: g_test.measure}
_CATEGORIES = {Measure.NEW_CATEGORIES: new_categories.measure, Measure.LOST_CATEGORIES: lost_categories.measure}

# These have a value for two constants that differ; the others need a spread to measure in or to bin by.
_WITHOUT_SPREAD = {Measure.KS, Measure.CRAMER_VON_MISES, Measure.ANDERSON_DARLING}

FITTING_NUMERIC = frozenset({*_NUMERIC, *_BINNED, Measure.MISSING_RATE})
FITTING_CATEGORICAL = frozenset({*_BINNED, *_CELLS, *_CATEGORIES, Measure.MISSING_RATE})
"""The measures that fit a feature of each type."""


def evaluate_numeric(
    reference: NumericReference,
    values: NDArray[np.float64],
    *,
    criteria: DriftCriteria,
    alpha: float,
    sizes: Sizes | DriftReason | None = None,
    usual: UsuallyMissing | None = None,
    window_count: int = 1,
) -> MeasuredFeature:
    """The measures of a numeric feature's window.

    Args:
        reference: the feature's prepared reference.
        values: the window's values in any order; NaN means missing, an infinite one counts as ±9e307.
        criteria: which measures, fewest rows and smallest effects that count.
        alpha: false-alarm probability of one feature, in (0, 1): what limits of noise are stated at.
        sizes: how many independent values both sides are worth; as many as they hold where not given. A reason where
            that is not known: there is then no verdict, although there are values.
        usual: what missing values are compared with; the reference's missing ones where not given.
        window_count: how many windows the values come from.

    >>> reference = NumericReference.from_values(np.arange(1000.0))
    >>> feature = evaluate_numeric(reference, np.arange(500.0), criteria=DriftCriteria(), alpha=0.001)
    >>> [(m.measure.value, m.measurement.value) for m in feature.measured][0]
    ('ks', 0.5)
    """
    window = present_sorted(values)
    rows = ComparedRows(
        reference_present=reference.values.size,
        reference_missing=reference.missing_count,
        window_present=window.size,
        window_missing=values.size - window.size,
        worth=sizes,
        usual=usual,
        criteria=criteria,
        alpha=alpha,
    )
    numbers = _Numbers(reference=reference, window=window, alpha=alpha)
    return rows.measured(FITTING_NUMERIC, numbers.measure, window_count=window_count)


def evaluate_categorical(
    reference: CategoricalReference,
    counts: Mapping[str, int],
    *,
    missing_count: int = 0,
    criteria: DriftCriteria,
    alpha: float,
    sizes: Sizes | DriftReason | None = None,
    usual: UsuallyMissing | None = None,
    window_count: int = 1,
) -> MeasuredFeature:
    """The measures of a categorical feature's window, on cells of categories (see :mod:`.cells`).

    Args:
        reference: the feature's prepared reference.
        counts: the window's rows per category, each at least 1.
        missing_count: the window's rows without a value.
        criteria, alpha, sizes, usual, window_count: as for :func:`evaluate_numeric`.

    >>> reference = CategoricalReference.from_values(["AA", "UA"] * 500)
    >>> feature = evaluate_categorical(reference, {"AA": 200}, criteria=DriftCriteria(), alpha=0.001)
    >>> [m.measure.value for m in feature.measured if m.measurement.p_value < 0.001]
    ['psi', 'jensen_shannon', 'chi2']
    """
    rows = ComparedRows(
        reference_present=reference.row_count,
        reference_missing=reference.missing_count,
        window_present=sum(counts.values()),
        window_missing=missing_count,
        worth=sizes,
        usual=usual,
        criteria=criteria,
        alpha=alpha,
    )
    categories = _Categories(reference=reference.counts, window=counts, alpha=alpha)
    return rows.measured(FITTING_CATEGORICAL, categories.measure, window_count=window_count)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Numbers:
    """A window of numbers beside its reference; rows are counted in bins once, and only if a measure wants them."""

    reference: NumericReference
    window: Floats
    alpha: float

    def measure(self, measure: Measure, sizes: Sizes) -> Measurement | DriftReason:
        if self.reference.std == 0 and measure not in _WITHOUT_SPREAD:
            return DriftReason.CONSTANT_REFERENCE
        if measure in _NUMERIC:
            return _NUMERIC[measure](self.reference, self.window, sizes=sizes, alpha=self.alpha)
        return _BINNED[measure](self.reference.bin_counts, self._bin_counts, sizes=sizes, alpha=self.alpha)

    @cached_property
    def _bin_counts(self) -> Counts:
        return count_in_bins(self.window, self.reference.edges)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Categories:
    """A window of categories beside its reference; they are pooled once, and only if a measure wants cells."""

    reference: Mapping[str, int]
    window: Mapping[str, int]
    alpha: float

    def measure(self, measure: Measure, sizes: Sizes) -> Measurement:
        if measure in _CATEGORIES:
            return _CATEGORIES[measure](self.reference, self.window, sizes=sizes, alpha=self.alpha)
        if measure in _CELLS:
            return _CELLS[measure](self._cells, sizes=sizes, alpha=self.alpha)
        return _BINNED[measure](self._cells.reference, self._cells.window, sizes=sizes, alpha=self.alpha)

    @cached_property
    def _cells(self) -> cells.Cells:
        return cells.pool(self.reference, self.window)
