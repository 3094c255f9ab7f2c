"""What a measure reports before anyone judges it."""

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """The distances and tests this package knows; the names are those of the drift settings."""

    KS = "ks"
    PSI = "psi"
    JENSEN_SHANNON = "jensen_shannon"
    WASSERSTEIN = "wasserstein"
    CHI2 = "chi2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A distance, and how surprising it is when nothing has changed.

    Attributes:
        value: the distance, finite and not negative, in the measure's own unit.
        p_value: probability of a distance at least this large without drift; ``None`` where only a bound is known.
        noise_limit: the distance that sampling noise alone exceeds with probability alpha at these two sample
            sizes; it may lie beyond the measure's range, and then no such window can show anything. ``None`` if the
            measure judges its evidence by ``p_value``.
    """

    value: float
    p_value: float | None
    noise_limit: float | None
