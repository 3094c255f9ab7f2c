"""What can be said of a window, and from what size on a difference counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from monitoring_pipeline.drift.measurement import Measure


class DriftType(StrEnum):
    """What moved."""

    DATA = "data_drift"  # inputs
    PREDICTION = "prediction_drift"  # what the model says, and how sure it is
    LABEL = "label_drift"  # the truth
    CONCEPT = "concept_drift"  # the relation between inputs and truth


OF_TRUTH = frozenset({DriftType.LABEL, DriftType.CONCEPT})
"""What is measured on labelled rows only, so that late truth may still change it."""


class DriftVerdict(StrEnum):
    """What is said about one feature's window."""

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
    TOO_FEW_REFERENCE_WINDOWS = "too_few_reference_windows"  # how much windows differ by themselves is unknown
    NO_COUNTERPART = "no_counterpart"  # the reference has no row of this hour or weekday
    ALL_MISSING = "all_missing"  # the window has rows, but the feature is missing in each
    CONSTANT_REFERENCE = "constant_reference"  # no spread to bin by or to measure in; KS still compares
    NOTHING_DETECTABLE = "nothing_detectable"  # not even the largest difference could be told from noise
    NOTHING_COMPARABLE = "nothing_comparable"  # most rows are of kinds that the reference lacks
    ALARM_RAISED = "alarm_raised"  # drift: a detector saw the level change in this window
    ALARM_STANDS = "alarm_stands"  # drift: it saw it change before, and the change lasts
    NO_ALARM = "no_alarm"  # no drift
    NOT_BINARY = "not_binary"  # the detector reads hits and misses, which this model has none of


MINIMUM_EFFECTS: Mapping[Measure, float] = MappingProxyType(
    {
        Measure.KS: 0.1,  # share of rows
        Measure.WASSERSTEIN: 0.25,  # standard deviations of the reference
        Measure.PSI: 0.2,  # nats
        Measure.JENSEN_SHANNON: 0.1,
        Measure.HELLINGER: 0.1,
        Measure.TOTAL_VARIATION: 0.1,  # share of rows
        Measure.CRAMER_VON_MISES: 0.06,  # a shift of KS 0.1 spread over the whole range
        Measure.ANDERSON_DARLING: 0.15,
        Measure.CHI2: 0.1,  # Cramér's V
        Measure.G_TEST: 0.1,  # Cramér's V
        Measure.MISSING_RATE: 0.02,  # share of rows
        Measure.NEW_CATEGORIES: 0.01,  # share of the window's rows
        Measure.LOST_CATEGORIES: 0.05,  # share of the reference's rows
        Measure.DOMAIN_CLASSIFIER: 0.2,  # 2 · AUC - 1: an AUC of 0.6
        Measure.CONCEPT: 0.1,  # standard deviations of the reference's errors
    }
)
"""From which size on a difference counts, where nothing is declared."""

NUMERIC_MEASURES = (Measure.KS, Measure.WASSERSTEIN, Measure.PSI, Measure.JENSEN_SHANNON, Measure.MISSING_RATE)
CATEGORICAL_MEASURES = (
    Measure.CHI2,
    Measure.PSI,
    Measure.JENSEN_SHANNON,
    Measure.NEW_CATEGORIES,
    Measure.MISSING_RATE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCriteria:
    """What is measured of one feature, and from when on it counts.

    Attributes:
        min_samples: present values that window and reference both need.
        measures: what is computed, in this order; those that do not fit the feature's type are left out.
        minimum_effects: the smallest effect that counts, by measure; :data:`MINIMUM_EFFECTS` for those not named.
    """

    min_samples: int = 30
    measures: tuple[Measure, ...] = (*NUMERIC_MEASURES, *(m for m in CATEGORICAL_MEASURES if m not in NUMERIC_MEASURES))
    minimum_effects: Mapping[Measure, float] = field(default_factory=dict)

    def minimum_effect(self, measure: Measure) -> float:
        """The measure's smallest effect that counts."""
        return self.minimum_effects.get(measure, MINIMUM_EFFECTS[measure])


def shortage(*, n_reference: int, n_window: int, window_rows: int, min_samples: int) -> DriftReason | None:
    """Why the rows do not suffice for a verdict, or ``None`` if they do; ``window_rows`` counts missing ones too."""
    if window_rows > 0 and n_window == 0:
        return DriftReason.ALL_MISSING
    if n_window < max(1, min_samples):
        return DriftReason.TOO_FEW_WINDOW_ROWS
    if n_reference < max(1, min_samples):
        return DriftReason.TOO_FEW_REFERENCE_ROWS
    return None
