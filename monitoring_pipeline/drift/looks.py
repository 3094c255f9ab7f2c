"""A small window is looked at twice: alone, and together with those before it."""

from collections.abc import Sequence
from dataclasses import replace

from monitoring_pipeline.drift.judge import Measured, MeasuredFeature
from monitoring_pipeline.drift.measurement import Measure


def best_look(looks: Sequence[MeasuredFeature]) -> MeasuredFeature:
    """The look with the most evidence, paid for: its p-values are multiplied by the number of looks that count.

    A large change shows in the window alone at once, a small one only in several windows together; whoever looks
    twice has two chances of a false alarm (Bonferroni). Of looks with equal evidence the first is taken, and if none
    counts, too. A look with too few values to compare is taken only if their missing is itself beyond noise: it would
    say nothing of values that another look has enough of.

    Args:
        looks: at least one, of the same feature.
    """
    counting = [look for look in looks if look.p_value is not None]
    if not counting:
        return looks[0]
    telling = [look for look in counting if _tells(look)] or counting
    best = min(telling, key=lambda look: look.p_value or 0.0)
    return replace(best, measured=tuple(_paid(m, looks=len(counting)) for m in best.measured))


def _tells(look: MeasuredFeature) -> bool:
    """Whether values are compared, or so many are missing that nothing else matters."""
    return any(
        m.measure is not Measure.MISSING_RATE or m.measurement.value > m.measurement.noise_limit
        for m in look.measured
        if m.measurement is not None and m.counts
    )


def _paid(measured: Measured, *, looks: int) -> Measured:
    found = measured.measurement
    if found is None or looks == 1:
        return measured
    return replace(measured, measurement=replace(found, p_value=min(1.0, looks * found.p_value)))
