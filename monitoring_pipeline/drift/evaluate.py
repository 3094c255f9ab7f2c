"""All measures over one feature's window, before anyone judges them (:mod:`.judge`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift import cells
from monitoring_pipeline.drift.arrays import Counts, present_sorted
from monitoring_pipeline.drift.judge import Measured, MeasuredFeature
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
    missing_rate,
    new_categories,
    psi,
    total_variation,
    wasserstein,
)
from monitoring_pipeline.drift.missing import UsuallyMissing
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference, count_in_bins
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason, shortage

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
    rows = _Rows(
        reference_present=reference.values.size,
        reference_missing=reference.missing_count,
        window_present=window.size,
        window_missing=values.size - window.size,
        sizes=None if isinstance(sizes, DriftReason) else sizes,
        withheld=sizes if isinstance(sizes, DriftReason) else None,
        usual=usual,
        criteria=criteria,
        alpha=alpha,
    )
    bins: list[Counts] = []  # counted once, and only if a measure wants them

    def binned(of_counts: Callable[..., Measurement]) -> Measurement:
        if not bins:
            bins.append(count_in_bins(window, reference.edges))
        return of_counts(reference.bin_counts, bins[0], sizes=rows.effective, alpha=alpha)

    def compute(measure: Measure) -> Measurement:
        if measure in _NUMERIC:
            return _NUMERIC[measure](reference, window, sizes=rows.effective, alpha=alpha)
        return binned(_BINNED[measure])

    constant = DriftReason.CONSTANT_REFERENCE if reference.std == 0 else None
    return rows.measured(
        [
            (measure, compute, None if measure in _WITHOUT_SPREAD else constant)
            for measure in criteria.measures
            if measure in FITTING_NUMERIC
        ],
        window_count=window_count,
    )


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
        criteria: which measures, fewest rows and smallest effects that count.
        alpha: false-alarm probability of one feature, in (0, 1): what limits of noise are stated at.
        sizes: how many independent values both sides are worth; as many as they hold where not given. A reason where
            that is not known: there is then no verdict, although there are values.
        usual: what missing values are compared with; the reference's missing ones where not given.
        window_count: how many windows the values come from.

    >>> reference = CategoricalReference.from_values(["AA", "UA"] * 500)
    >>> feature = evaluate_categorical(reference, {"AA": 200}, criteria=DriftCriteria(), alpha=0.001)
    >>> [m.measure.value for m in feature.measured if m.measurement.p_value < 0.001]
    ['psi', 'jensen_shannon', 'chi2']
    """
    rows = _Rows(
        reference_present=reference.row_count,
        reference_missing=reference.missing_count,
        window_present=sum(counts.values()),
        window_missing=missing_count,
        sizes=None if isinstance(sizes, DriftReason) else sizes,
        withheld=sizes if isinstance(sizes, DriftReason) else None,
        usual=usual,
        criteria=criteria,
        alpha=alpha,
    )
    pooled: list[cells.Cells] = []

    def compute(measure: Measure) -> Measurement:
        if measure in _CATEGORIES:
            return _CATEGORIES[measure](reference.counts, counts, sizes=rows.effective, alpha=alpha)
        if not pooled:
            pooled.append(cells.pool(reference.counts, counts))
        if measure in _CELLS:
            return _CELLS[measure](pooled[0], sizes=rows.effective, alpha=alpha)
        return _BINNED[measure](pooled[0].reference, pooled[0].window, sizes=rows.effective, alpha=alpha)

    return rows.measured(
        [(measure, compute, None) for measure in criteria.measures if measure in FITTING_CATEGORICAL],
        window_count=window_count,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """How many values there are, what they are worth, and which verdict they allow."""

    reference_present: int
    reference_missing: int
    window_present: int
    window_missing: int
    sizes: Sizes | None
    withheld: DriftReason | None
    usual: UsuallyMissing | None
    criteria: DriftCriteria
    alpha: float

    @property
    def effective(self) -> Sizes:
        """The independent values that both sides are worth; neither side is empty."""
        return self.sizes or Sizes(reference=self.reference_present, window=self.window_present)

    def measured(
        self,
        wanted: list[tuple[Measure, Callable[[Measure], Measurement], DriftReason | None]],
        *,
        window_count: int,
    ) -> MeasuredFeature:
        """Compute the measures that can be computed; each is given with the reason why it may not."""
        return MeasuredFeature(
            measured=tuple(self._one(measure, compute, undefined) for measure, compute, undefined in wanted),
            n_reference=self.reference_present,
            n_window=self.window_present,
            n_effective=self.effective.window if self.window_present and self.reference_present else 0.0,
            window_count=window_count,
        )

    def _one(
        self, measure: Measure, compute: Callable[[Measure], Measurement], undefined: DriftReason | None
    ) -> Measured:
        if measure is Measure.MISSING_RATE:
            return self._missing_rate()
        short = shortage(
            n_reference=self.reference_present,
            n_window=self.window_present,
            window_rows=self.window_present + self.window_missing,
            min_samples=self.criteria.min_samples,
        )
        empty = self.reference_present == 0 or self.window_present == 0
        # An empty side is always a shortage; a shortage is said first, as more rows may also bring spread.
        measurement = None if empty or undefined is not None else compute(measure)
        return self._of(measure, measurement, short or self.withheld or undefined)

    def _missing_rate(self) -> Measured:
        """Of all rows, also where not one value is present."""
        window, usual = self.window_present + self.window_missing, self.usual or self._usual()
        short = shortage(
            n_reference=usual.rows, n_window=window, window_rows=window, min_samples=self.criteria.min_samples
        )
        if usual.rows == 0 or window == 0:
            return self._of(Measure.MISSING_RATE, None, short)
        measurement = missing_rate.measure(
            reference_missing=usual.missing,
            reference_rows=usual.rows,
            window_missing=self.window_missing,
            window_rows=window,
            sizes=usual.sizes or Sizes(reference=usual.rows, window=window),
            alpha=self.alpha,
        )
        return self._of(Measure.MISSING_RATE, measurement, short or usual.withheld)

    def _usual(self) -> UsuallyMissing:
        """The reference's missing values; all rows are worth what a present one is."""
        rows = self.reference_present + self.reference_missing
        return UsuallyMissing(
            missing=self.reference_missing,
            rows=rows,
            sizes=self._sizes_of_all(rows, self.window_present + self.window_missing),
            withheld=self.withheld,
        )

    def _sizes_of_all(self, reference: int, window: int) -> Sizes | None:
        if self.sizes is None or not self.reference_present or not self.window_present:
            return None
        return Sizes(
            reference=self.sizes.reference * reference / self.reference_present,
            window=self.sizes.window * window / self.window_present,
            freedom=self.sizes.freedom,
        )

    def _of(self, measure: Measure, measurement: Measurement | None, missing: DriftReason | None) -> Measured:
        return Measured(
            measure=measure,
            minimum_effect=self.criteria.minimum_effect(measure),
            measurement=measurement,
            missing=missing,
        )
