"""From a measurement to a verdict: drift needs evidence and a minimum effect, both.

Evidence alone calls every shift of a hundredth of a deviation drift once a window holds a million rows; effect
alone raises an alarm in most small windows where nothing changed. And "not enough data" is a verdict of its own:
silence is not health.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.drift.measurement import Measure, Measurement


class DriftVerdict(StrEnum):
    """What a measure says about one feature's window."""

    DRIFT = "drift"
    NO_DRIFT = "no_drift"
    NOT_ENOUGH_DATA = "not_enough_data"


class DriftReason(StrEnum):
    """Why the verdict is what it is."""

    EFFECT_AND_EVIDENCE = "effect_and_evidence"  # drift
    EFFECT_BELOW_MINIMUM = "effect_below_minimum"  # no drift: real perhaps, but smaller than what matters
    NO_EVIDENCE = "no_evidence"  # no drift: noise alone would explain it
    TOO_FEW_WINDOW_ROWS = "too_few_window_rows"
    TOO_FEW_REFERENCE_ROWS = "too_few_reference_rows"
    ALL_MISSING = "all_missing"  # the window has rows, but the feature is missing in each
    CONSTANT_REFERENCE = "constant_reference"  # no spread to bin by or to measure in; KS still compares


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """From how many rows on, and from which effect on, a difference counts; one minimum effect per measure.

    Attributes:
        min_samples: present values that window and reference both need.
        ks: share of rows, in (0, 1].
        psi: nats.
        jensen_shannon: base-2 distance, in (0, 1].
        wasserstein: standard deviations of the reference.
        chi2: Cramér's V, in (0, 1].
    """

    min_samples: int = 100
    ks: float = 0.1
    psi: float = 0.2
    jensen_shannon: float = 0.1
    wasserstein: float = 0.25
    chi2: float = 0.1

    def minimum_effect(self, measure: Measure) -> float:
        """The measure's smallest effect that counts."""
        return {
            Measure.KS: self.ks,
            Measure.PSI: self.psi,
            Measure.JENSEN_SHANNON: self.jensen_shannon,
            Measure.WASSERSTEIN: self.wasserstein,
            Measure.CHI2: self.chi2,
        }[measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureResult:
    """One measure's verdict on one feature's window.

    Attributes:
        measure: which measure.
        value: the distance, finite; ``None`` if it cannot be computed, and ``reason`` says why.
        p_value: in [0, 1]; ``None`` if the measure has none.
        threshold: what ``value`` was compared with: the larger of the minimum effect and the noise limit at alpha
            (chi² compares its evidence as ``p_value < alpha`` instead). ``None`` without a value.
        verdict: drift, no drift, or not enough data.
        reason: why.
        n_reference: present values of the reference.
        n_window: present values of the window.
    """

    measure: Measure
    value: float | None
    p_value: float | None
    threshold: float | None
    verdict: DriftVerdict
    reason: DriftReason
    n_reference: int
    n_window: int


def alpha_per_test(alpha: float, test_count: int) -> float:
    """Share a false-alarm budget among tests so that together they keep it, however dependent (Bonferroni).

    >>> alpha_per_test(0.01, 10)
    0.001

    Raises:
        ValueError: if ``test_count`` is below 1.
    """
    if test_count < 1:
        raise ValueError(f"test_count is {test_count}; share alpha among at least one test")
    return alpha / test_count


def shortage(*, n_reference: int, n_window: int, window_rows: int, min_samples: int) -> DriftReason | None:
    """Why the rows do not suffice for a verdict, or ``None`` if they do; ``window_rows`` counts missing ones too."""
    if window_rows > 0 and n_window == 0:
        return DriftReason.ALL_MISSING
    if n_window < max(1, min_samples):
        return DriftReason.TOO_FEW_WINDOW_ROWS
    if n_reference < max(1, min_samples):
        return DriftReason.TOO_FEW_REFERENCE_ROWS
    return None


def decide(measurement: Measurement, *, minimum_effect: float, alpha: float) -> tuple[DriftVerdict, DriftReason]:
    """The verdict on a measurement with enough rows behind it."""
    if not _has_evidence(measurement, alpha):
        return DriftVerdict.NO_DRIFT, DriftReason.NO_EVIDENCE
    if measurement.value < minimum_effect:
        return DriftVerdict.NO_DRIFT, DriftReason.EFFECT_BELOW_MINIMUM
    return DriftVerdict.DRIFT, DriftReason.EFFECT_AND_EVIDENCE


def threshold(measurement: Measurement, *, minimum_effect: float) -> float:
    """What the value is compared with."""
    return max(minimum_effect, measurement.noise_limit or 0.0)


def _has_evidence(measurement: Measurement, alpha: float) -> bool:
    if measurement.noise_limit is not None:
        return measurement.value > 0 and measurement.value >= measurement.noise_limit
    return measurement.p_value is not None and measurement.p_value < alpha
