"""What a metric answers: a value with its interval, or the reason why there is none."""

from dataclasses import dataclass
from enum import StrEnum


class UndefinedReason(StrEnum):
    """Why a metric has no value. A number in its place would be read as a measurement."""

    NO_LABELS = "no_labels"
    """No truth has arrived for the window."""
    NO_USABLE_ROWS = "no_usable_rows"
    """Truth has arrived, but no row can be judged: see ``unusable_count`` of the sums."""
    ONE_ROW = "one_row"
    """The metric needs a spread of actuals, and one row has none."""
    CONSTANT_ACTUALS = "constant_actuals"
    """All actuals are equal: no variance to explain."""
    ALL_ACTUALS_ZERO = "all_actuals_zero"
    """No actual to divide an error by."""
    NO_POSITIVES_PREDICTED = "no_positives_predicted"
    """The model never said yes."""
    NO_NEGATIVES_PREDICTED = "no_negatives_predicted"
    """The model never said no."""
    NO_ACTUAL_POSITIVES = "no_actual_positives"
    """What the model looks for never happened."""
    NO_ACTUAL_NEGATIVES = "no_actual_negatives"
    """What the model looks for always happened."""
    NO_PROBABILITIES = "no_probabilities"
    """No judged row carries a probability."""
    OVERFLOW = "overflow"
    """A sum or the value itself is beyond the largest double (1.8e308)."""
    UNDERFLOW = "underflow"
    """Squares fall below the smallest normal double (2.2e-308): what is left of them is not precise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Bounds that hold the true value in 95 % of windows."""

    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A value and, where a method is known and the rows suffice, its 95 % interval."""

    value: float
    interval: Interval | None = None


Answer = Estimate | UndefinedReason
"""What one metric says of one group's sums."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricValue:
    """One metric of one group as it is stored: ``value`` or ``undefined``, exactly one of the two.

    All numbers are finite. ``lower`` and ``upper`` are both there or both missing.
    """

    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    undefined: UndefinedReason | None
