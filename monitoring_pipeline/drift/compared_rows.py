"""How many values a reference and a window have, what they are worth, and which verdict they allow."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from monitoring_pipeline.drift.judge import Measured, MeasuredFeature
from monitoring_pipeline.drift.measurement import Measure, Measurement
from monitoring_pipeline.drift.measures import missing_rate
from monitoring_pipeline.drift.missing import UsuallyMissing
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftReason, shortage

Compute = Callable[[Measure, Sizes], Measurement | DriftReason]
"""A measure of two samples, neither of them empty, or why it is not defined for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRows:
    """Both sides of one feature's comparison.

    Attributes:
        reference_present: values of the reference.
        reference_missing: rows of the reference without one.
        window_present: values of the window.
        window_missing: rows of the window without one.
        worth: how many independent values both sides are worth; as many as they hold where ``None``, and a reason
            where that is not known: there is then no verdict, although there are values.
        usual: what missing values are compared with; the reference's missing ones where ``None``.
        criteria: which measures, fewest rows and smallest effects that count.
        alpha: false-alarm probability of the feature, in (0, 1).
    """

    reference_present: int
    reference_missing: int
    window_present: int
    window_missing: int
    worth: Sizes | DriftReason | None
    usual: UsuallyMissing | None
    criteria: DriftCriteria
    alpha: float

    def measured(self, fitting: Collection[Measure], compute: Compute, *, window_count: int) -> MeasuredFeature:
        """The wanted measures that fit the feature.

        Args:
            fitting: the measures that fit its type.
            compute: any of them but the missing rate, which needs no value.
            window_count: how many windows the values come from.
        """
        wanted = [measure for measure in self.criteria.measures if measure in fitting]
        return MeasuredFeature(
            measured=tuple(
                self._missing_rate() if m is Measure.MISSING_RATE else self._one(m, compute) for m in wanted
            ),
            n_reference=self.reference_present,
            n_window=self.window_present,
            n_effective=0.0 if self._is_empty else self._sizes.window,
            window_count=window_count,
        )

    @property
    def _is_empty(self) -> bool:
        return self.reference_present == 0 or self.window_present == 0

    @property
    def _sizes(self) -> Sizes:
        if isinstance(self.worth, Sizes):
            return self.worth
        return Sizes(reference=self.reference_present, window=self.window_present)

    @property
    def _withheld(self) -> DriftReason | None:
        return self.worth if isinstance(self.worth, DriftReason) else None

    def _one(self, measure: Measure, compute: Compute) -> Measured:
        short = shortage(
            n_reference=self.reference_present,
            n_window=self.window_present,
            window_rows=self.window_present + self.window_missing,
            min_samples=self.criteria.min_samples,
        )
        if self._is_empty:  # always a shortage
            return self._of(measure, None, short)
        found = compute(measure, self._sizes)
        # A shortage is said first: more rows may also bring what a measure lacks.
        if isinstance(found, DriftReason):
            return self._of(measure, None, short or self._withheld or found)
        return self._of(measure, found, short or self._withheld)

    def _missing_rate(self) -> Measured:
        """Of all rows, also where not one value is present."""
        window, usual = self.window_present + self.window_missing, self.usual or self._usually_missing()
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

    def _usually_missing(self) -> UsuallyMissing:
        """The reference's missing values; all rows are worth what a present one is."""
        rows = self.reference_present + self.reference_missing
        return UsuallyMissing(
            missing=self.reference_missing,
            rows=rows,
            sizes=self._sizes_of_all(rows, self.window_present + self.window_missing),
            withheld=self._withheld,
        )

    def _sizes_of_all(self, reference: int, window: int) -> Sizes | None:
        if not isinstance(self.worth, Sizes) or self._is_empty:
            return None
        return Sizes(
            reference=self.worth.reference * reference / self.reference_present,
            window=self.worth.window * window / self.window_present,
            freedom=self.worth.freedom,
        )

    def _of(self, measure: Measure, measurement: Measurement | None, missing: DriftReason | None) -> Measured:
        return Measured(
            measure=measure,
            minimum_effect=self.criteria.minimum_effect(measure),
            measurement=measurement,
            missing=missing,
        )
