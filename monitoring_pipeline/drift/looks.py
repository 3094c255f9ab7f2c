"""A small window is looked at twice: alone, and together with those before it."""

from collections.abc import Sequence
from dataclasses import replace

from monitoring_pipeline.drift.judge import Measured, MeasuredFeature


def best_look(looks: Sequence[MeasuredFeature]) -> MeasuredFeature:
    """The look with the most evidence, paid for: its p-values are multiplied by the number of looks that count.

    A large change shows in the window alone at once, a small one only in several windows together; whoever looks
    twice has two chances of a false alarm (Bonferroni). Of looks with equal evidence the first is taken, and if none
    counts, too.

    Args:
        looks: at least one, of the same feature.
    """
    counting = [look for look in looks if look.p_value is not None]
    if not counting:
        return looks[0]
    best = min(counting, key=lambda look: look.p_value or 0.0)
    return replace(best, measured=tuple(_paid(m, looks=len(counting)) for m in best.measured))


def _paid(measured: Measured, *, looks: int) -> Measured:
    found = measured.measurement
    if found is None or looks == 1:
        return measured
    return replace(measured, measurement=replace(found, p_value=min(1.0, looks * found.p_value)))
