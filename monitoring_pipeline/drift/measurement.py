"""What a measure reports before anyone judges it."""

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """The distances and tests this package knows; the names are those of the drift settings."""

    OVERALL = "overall"  # the feature's own verdict, from all its measures
    KS = "ks"
    WASSERSTEIN = "wasserstein"
    PSI = "psi"
    JENSEN_SHANNON = "jensen_shannon"
    HELLINGER = "hellinger"
    TOTAL_VARIATION = "total_variation"
    CRAMER_VON_MISES = "cramer_von_mises"
    ANDERSON_DARLING = "anderson_darling"
    CHI2 = "chi2"
    G_TEST = "g_test"
    MISSING_RATE = "missing_rate"
    NEW_CATEGORIES = "new_categories"
    LOST_CATEGORIES = "lost_categories"
    DOMAIN_CLASSIFIER = "domain_classifier"
    CONCEPT = "concept"
    # Detectors that read a window row by row, see :mod:`.streaming`.
    CUSUM = "cusum"
    PAGE_HINKLEY = "page_hinkley"
    ADWIN = "adwin"
    KSWIN = "kswin"
    DDM = "ddm"
    HDDM_A = "hddm_a"
    HDDM_W = "hddm_w"


SHARES = frozenset(
    {
        Measure.KS,
        Measure.JENSEN_SHANNON,
        Measure.HELLINGER,
        Measure.TOTAL_VARIATION,
        Measure.MISSING_RATE,
        Measure.NEW_CATEGORIES,
        Measure.LOST_CATEGORIES,
    }
)
"""Measures whose value is at most 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A distance, and how surprising it is when nothing has changed.

    Attributes:
        value: the distance, finite and not negative, in the measure's own unit.
        p_value: probability of a distance at least this large without drift, in [0, 1]; at most its true value is
            promised nowhere, at least about its true value everywhere: a bound from above is a p-value too.
        noise_limit: the distance that sampling noise alone exceeds with probability alpha at these two sample
            sizes; it may lie beyond the measure's range, and then no such window can show anything.
        detectable: the smallest true distance that a window of this size passes the noise limit with in 80 % of
            cases; what is smaller, the window could not see. ``None`` if not even the largest distance would.
    """

    value: float
    p_value: float
    noise_limit: float
    detectable: float | None
