"""From measurements to verdicts: drift needs evidence and a minimum effect, both.

Evidence alone calls every shift of a hundredth of a deviation drift once a window holds a million rows; effect
alone raises an alarm in most small windows where nothing changed. And "not enough data" is a verdict of its own:
silence is not health.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE
from monitoring_pipeline.drift.combine import combined_p_value, false_discovery_rates
from monitoring_pipeline.drift.measurement import SHARES, Measure, Measurement
from monitoring_pipeline.drift.verdict import DriftReason, DriftVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure of one feature, before it is judged.

    Attributes:
        measure: which.
        minimum_effect: from which value on it counts.
        measurement: ``None`` if it cannot be computed, and ``missing`` says why.
        missing: why there is no verdict; with a measurement, why its value does not count.
        detail: what else the measure says, ready for JSON.
    """

    measure: Measure
    minimum_effect: float
    measurement: Measurement | None
    missing: DriftReason | None
    detail: Mapping[str, object] | None = None

    @property
    def counts(self) -> bool:
        """Whether the measurement may be evidence."""
        return self.measurement is not None and self.missing is None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFeature:
    """Every measure of one feature's window.

    Attributes:
        measured: the measures, at least one.
        n_reference: present values of the reference.
        n_window: present values of the window.
        n_effective: how many independent values the window is worth.
        window_count: how many windows were put together; 1 is the window alone.
    """

    measured: tuple[Measured, ...]
    n_reference: int
    n_window: int
    n_effective: float
    window_count: int = 1

    @property
    def p_value(self) -> float | None:
        """The evidence of all measures together; ``None`` if none counts."""
        p_values = [m.measurement.p_value for m in self.measured if m.measurement is not None and m.counts]
        return combined_p_value(p_values) if p_values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureResult:
    """One measure's verdict on one feature's window.

    Attributes:
        measure: which measure; ``overall`` is the feature's own verdict.
        value: the distance, finite; ``None`` if it cannot be computed, and ``reason`` says why. Of ``overall`` the
            score: the largest value in units of its minimum effect.
        p_value: in [0, 1]; of ``overall`` that of all measures together.
        q_value: of ``overall`` the false discovery rate at which the feature is called drifted, see
            :func:`.combine.false_discovery_rates`; ``None`` for single measures.
        threshold: the minimum effect; 1 for ``overall``, whose value is in its units.
        noise_limit: what noise alone would exceed with probability alpha / features; ``None`` for ``overall``, and if
            that is more than the measure can show.
        detectable: the smallest true effect that this window would show in 80 % of cases, in the unit of ``value``.
        verdict: drift, no drift, or not enough data.
        reason: why.
        led_by: of ``overall`` the measure that its value comes from; ``None`` for single measures.
        detail: what else the measure says, ready for JSON.
    """

    measure: Measure
    value: float | None
    p_value: float | None
    q_value: float | None
    threshold: float
    noise_limit: float | None
    detectable: float | None
    verdict: DriftVerdict
    reason: DriftReason
    led_by: Measure | None = None
    detail: Mapping[str, object] | None = None


def judge_features(features: Sequence[MeasuredFeature], *, alpha: float) -> list[list[MeasureResult]]:
    """Each feature's verdict and that of its measures, ``overall`` first.

    A feature has drifted if its false discovery rate among all features is at most alpha, and one of its measures
    has a value of at least its minimum effect with a p-value of at most alpha.

    Args:
        features: everything that is judged together: the features (and segments) of one window.
        alpha: the window's budget: the probability that any feature is called drifted although nothing has changed.

    Raises:
        ValueError: if ``alpha`` is not between 0 and 1.

    Returns:
        One list per feature, in the order given.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; a false-alarm probability lies between 0 and 1, such as 0.001")
    p_values = [feature.p_value for feature in features]
    rates = iter(false_discovery_rates([p for p in p_values if p is not None]).tolist())
    q_values = [None if p is None else next(rates) for p in p_values]
    return [
        _judged(feature, p_value=p, q_value=q, alpha=alpha)
        for feature, p, q in zip(features, p_values, q_values, strict=True)
    ]


def _judged(
    feature: MeasuredFeature, *, p_value: float | None, q_value: float | None, alpha: float
) -> list[MeasureResult]:
    evidence = q_value is not None and q_value <= alpha
    results = [_measure_result(measured, evidence=evidence, alpha=alpha) for measured in feature.measured]
    verdict, reason = _overall(feature, results, evidence=evidence)
    leading = _leading(feature, results)
    overall = MeasureResult(
        measure=Measure.OVERALL,
        value=None if leading is None else _score(leading),
        p_value=p_value,
        q_value=q_value,
        threshold=1.0,
        noise_limit=None,
        detectable=_detectable(feature),
        verdict=verdict,
        reason=reason,
        led_by=None if leading is None else leading.measure,
    )
    return [overall, *results]


def _score(measured: Measured) -> float:
    """The value in units of the minimum effect."""
    assert measured.measurement is not None, "only what counts has a score"
    return _in_units(measured.measurement.value, measured)


def _in_units(effect: float, measured: Measured) -> float:
    """In units of the minimum effect, which may be declared so small that the quotient is no longer a number."""
    return min(effect / measured.minimum_effect, LARGEST_MAGNITUDE)


def _leading(feature: MeasuredFeature, results: Sequence[MeasureResult]) -> Measured | None:
    """The measure that shows most: among those that say drift, else among those that could have said it.

    What cannot show anything in so few rows has the largest values, all of them noise.
    """
    counting = [(result, m) for result, m in zip(results, feature.measured, strict=True) if m.counts]
    drifted = [m for result, m in counting if result.verdict is DriftVerdict.DRIFT]
    able = [m for _, m in counting if m.measurement is not None and m.measurement.detectable is not None]
    return max(drifted or able or [m for _, m in counting], key=_score, default=None)


def _of_values(feature: MeasuredFeature) -> Sequence[Measured]:
    """What is measured of the values that are there; how many are missing, only where nothing else is measured."""
    return [m for m in feature.measured if m.measure is not Measure.MISSING_RATE] or feature.measured


def _detectable(feature: MeasuredFeature) -> float | None:
    """What the most sensitive measure would have shown, in units of its minimum effect."""
    found = [
        max(1.0, _in_units(m.measurement.detectable, m))
        for m in _of_values(feature)
        if m.counts and m.measurement is not None and m.measurement.detectable is not None
    ]
    return min(found, default=None)


def _overall(
    feature: MeasuredFeature, results: Sequence[MeasureResult], *, evidence: bool
) -> tuple[DriftVerdict, DriftReason]:
    if any(result.verdict is DriftVerdict.DRIFT for result in results):
        return DriftVerdict.DRIFT, DriftReason.EFFECT_AND_EVIDENCE
    # A window that lacks values is not healthy because the rate of missing ones is known.
    of_values = _of_values(feature)
    missing = next((m.missing for m in of_values if m.missing is not None), None)
    if missing is not None and not any(m.counts for m in of_values):
        return DriftVerdict.NOT_ENOUGH_DATA, missing
    if _detectable(feature) is None:
        return DriftVerdict.NOT_ENOUGH_DATA, DriftReason.NOTHING_DETECTABLE
    if evidence:
        return DriftVerdict.NO_DRIFT, DriftReason.EFFECT_BELOW_MINIMUM
    return DriftVerdict.NO_DRIFT, DriftReason.NO_EVIDENCE


def _measure_result(measured: Measured, *, evidence: bool, alpha: float) -> MeasureResult:
    measurement = measured.measurement
    verdict, reason = _verdict(measured, evidence=evidence, alpha=alpha)
    return MeasureResult(
        measure=measured.measure,
        value=None if measurement is None else measurement.value,
        p_value=None if measurement is None else measurement.p_value,
        q_value=None,
        threshold=measured.minimum_effect,
        noise_limit=None if measurement is None else _within_range(measured.measure, measurement.noise_limit),
        detectable=None if measurement is None else measurement.detectable,
        verdict=verdict,
        reason=reason,
        detail=measured.detail,
    )


def _within_range(measure: Measure, limit: float) -> float | None:
    return None if measure in SHARES and limit > 1 else limit


def _verdict(measured: Measured, *, evidence: bool, alpha: float) -> tuple[DriftVerdict, DriftReason]:
    measurement = measured.measurement
    if measurement is None or measured.missing is not None:
        assert measured.missing is not None, "a measure that is not computed says why"
        return DriftVerdict.NOT_ENOUGH_DATA, measured.missing
    if not evidence or measurement.p_value > alpha:
        return DriftVerdict.NO_DRIFT, DriftReason.NO_EVIDENCE
    if measurement.value < measured.minimum_effect:
        return DriftVerdict.NO_DRIFT, DriftReason.EFFECT_BELOW_MINIMUM
    return DriftVerdict.DRIFT, DriftReason.EFFECT_AND_EVIDENCE
