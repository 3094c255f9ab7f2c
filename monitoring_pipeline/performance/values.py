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
    TOO_FEW_ROWS = "too_few_rows"
    """A correlation needs at least four rows that have both quantities."""
    CONSTANT_VALUES = "constant_values"
    """One of two correlated quantities is the same in every row."""
    NO_COMPLETE_QUERY = "no_complete_query"
    """No query of a ranking model has usable truth for all its rows."""
    NO_RELEVANT_ROWS = "no_relevant_rows"
    """No complete query of a ranking model has a row that is relevant: every order is as good."""
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
    """A value and, where a method is known and the rows suffice, its 95 % interval.

    Attributes:
        value: in the metric's unit.
        interval: of the true value; where a histogram was used it is widened by ``error_bound`` on both sides already.
        error_bound: how far ``value`` can be from the one that all the rows would give, because a histogram stands
            for them; in the metric's unit. None: the value is exact but for rounding.
    """

    value: float
    interval: Interval | None = None
    error_bound: float | None = None


Answer = Estimate | UndefinedReason
"""What one metric says of one group's sums."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricValue:
    """One metric of one group as it is stored: ``value`` or ``undefined``, exactly one of the two.

    All numbers are finite. ``lower`` and ``upper`` are both there or both missing; so is ``detectable_change`` with
    them (see :mod:`.detectable`), unless it is beyond the doubles. ``error_bound`` is that of the :class:`Estimate`.
    """

    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    undefined: UndefinedReason | None
    detectable_change: float | None = None
    error_bound: float | None = None
