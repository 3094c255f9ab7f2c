"""All measures over one feature's window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift import cells, chi2, jensen_shannon, ks, psi, wasserstein
from monitoring_pipeline.drift.arrays import present_sorted
from monitoring_pipeline.drift.measurement import Measure, Measurement
from monitoring_pipeline.drift.reference import (
    CategoricalReference,
    NumericReference,
    count_categories,
    count_in_bins,
)
from monitoring_pipeline.drift.verdict import (
    DriftReason,
    DriftThresholds,
    DriftVerdict,
    MeasureResult,
    decide,
    shortage,
    threshold,
)


def evaluate_numeric(
    reference: NumericReference, values: NDArray[np.float64], *, settings: DriftThresholds, alpha: float
) -> list[MeasureResult]:
    """KS, PSI, Jensen-Shannon and Wasserstein, in this order.

    Args:
        reference: the feature's prepared reference.
        values: the window's values in any order; NaN means missing, an infinite one counts as ±9e307.
        settings: fewest rows and smallest effects that count.
        alpha: false-alarm probability per test, in (0, 1); see :func:`.verdict.alpha_per_test`.

    Raises:
        ValueError: if ``alpha`` is not between 0 and 1.

    >>> reference = NumericReference.from_values(np.arange(1000.0))
    >>> results = evaluate_numeric(reference, np.arange(500.0), settings=DriftThresholds(), alpha=0.001)
    >>> [(result.measure.value, result.value, result.verdict.value) for result in results][0]
    ('ks', 0.5, 'drift')
    """
    window = present_sorted(values)
    bins = count_in_bins(window, reference.edges)
    judge = _Judge(
        n_reference=reference.values.size,
        n_window=window.size,
        window_rows=values.size,
        settings=settings,
        alpha=_checked(alpha),
    )
    constant = DriftReason.CONSTANT_REFERENCE if reference.std == 0 else None
    return [
        judge(Measure.KS, lambda: ks.measure(reference, window, alpha=alpha)),
        judge(Measure.PSI, lambda: psi.measure(reference.bin_counts, bins, alpha=alpha), undefined=constant),
        judge(
            Measure.JENSEN_SHANNON,
            lambda: jensen_shannon.measure(reference.bin_counts, bins, alpha=alpha),
            undefined=constant,
        ),
        judge(Measure.WASSERSTEIN, lambda: wasserstein.measure(reference, window, alpha=alpha), undefined=constant),
    ]


def evaluate_categorical(
    reference: CategoricalReference, values: Sequence[str | None], *, settings: DriftThresholds, alpha: float
) -> list[MeasureResult]:
    """Chi-square, PSI and Jensen-Shannon, in this order, on cells of categories (see :mod:`.cells`).

    Args:
        reference: the feature's prepared reference.
        values: the window's categories in any order; ``None`` means missing.
        settings: fewest rows and smallest effects that count.
        alpha: false-alarm probability per test, in (0, 1); see :func:`.verdict.alpha_per_test`.

    Raises:
        ValueError: if ``alpha`` is not between 0 and 1.

    >>> reference = CategoricalReference.from_values(["AA", "UA"] * 500)
    >>> results = evaluate_categorical(reference, ["AA"] * 200, settings=DriftThresholds(), alpha=0.001)
    >>> [result.verdict.value for result in results]
    ['drift', 'drift', 'drift']
    """
    window, missing_count = count_categories(values)
    judge = _Judge(
        n_reference=reference.row_count,
        n_window=len(values) - missing_count,
        window_rows=len(values),
        settings=settings,
        alpha=_checked(alpha),
    )
    pooled = cells.pool(reference.counts, window)
    return [
        judge(Measure.CHI2, lambda: chi2.measure(pooled)),
        judge(Measure.PSI, lambda: psi.measure(pooled.reference, pooled.window, alpha=alpha)),
        judge(Measure.JENSEN_SHANNON, lambda: jensen_shannon.measure(pooled.reference, pooled.window, alpha=alpha)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Turns one measure's computation into its result, given the rows behind it."""

    n_reference: int
    n_window: int
    window_rows: int
    settings: DriftThresholds
    alpha: float

    def __call__(
        self, measure: Measure, compute: Callable[[], Measurement], *, undefined: DriftReason | None = None
    ) -> MeasureResult:
        short = shortage(
            n_reference=self.n_reference,
            n_window=self.n_window,
            window_rows=self.window_rows,
            min_samples=self.settings.min_samples,
        )
        if self.n_reference == 0 or self.n_window == 0 or undefined is not None:
            # An empty side is always a shortage; a shortage is said first, as more rows may also bring spread.
            return self._result(measure, None, DriftVerdict.NOT_ENOUGH_DATA, short or undefined)
        measurement = compute()
        if short is not None:
            return self._result(measure, measurement, DriftVerdict.NOT_ENOUGH_DATA, short)
        minimum_effect = self.settings.minimum_effect(measure)
        return self._result(measure, measurement, *decide(measurement, minimum_effect=minimum_effect, alpha=self.alpha))

    def _result(
        self, measure: Measure, measurement: Measurement | None, verdict: DriftVerdict, reason: DriftReason | None
    ) -> MeasureResult:
        assert reason is not None
        minimum_effect = self.settings.minimum_effect(measure)
        return MeasureResult(
            measure=measure,
            value=None if measurement is None else measurement.value,
            p_value=None if measurement is None else measurement.p_value,
            threshold=None if measurement is None else threshold(measurement, minimum_effect=minimum_effect),
            verdict=verdict,
            reason=reason,
            n_reference=self.n_reference,
            n_window=self.n_window,
        )


def _checked(alpha: float) -> float:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; a false-alarm probability lies between 0 and 1, such as 0.001")
    return alpha
