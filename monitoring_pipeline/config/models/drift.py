"""What the inputs of a model are compared with, and from when on a difference is drift."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from monitoring_pipeline.config.models.base import Strict, refuse_repeated
from monitoring_pipeline.config.models.segments import Segment
from monitoring_pipeline.config.models.times import WholeHour
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.streaming.calibrated import LONGEST_RUN_LENGTH
from monitoring_pipeline.drift.streaming.settings import LARGEST_RUN_LENGTH, Detector
from monitoring_pipeline.drift.time_structure.season import Season

_LONGEST_WINDOW = timedelta(days=7305)  # twenty years: each of its hours is looked for in the ledger


class Reference(Strict):
    """What drift is measured against: predictions logged in a window, or a file of feature columns."""

    start: WholeHour | None = None  # hours are read whole
    end: WholeHour | None = None
    file: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        window = self.start is not None or self.end is not None
        if window == (self.file is not None):
            raise ValueError("a reference is either a window (start and end) or a file, one of the two")
        if window and (self.start is None or self.end is None or self.start >= self.end):
            raise ValueError("a reference window needs start and end, start before end")
        if self.start is not None and self.end is not None and self.end - self.start > _LONGEST_WINDOW:
            raise ValueError(f"a reference window is at most {_LONGEST_WINDOW.days:,} days long")
        return self


def _of_a_feature(measure: Measure) -> Measure:
    if measure in NOT_OF_ONE_FEATURE:
        raise ValueError(f"{measure} is not a measure of a single feature; leave it out")
    return measure


NOT_OF_ONE_FEATURE = frozenset(
    {Measure.OVERALL, Measure.DOMAIN_CLASSIFIER, Measure.CONCEPT, *(Measure(detector.value) for detector in Detector)}
)

FeatureMeasure = Annotated[Measure, AfterValidator(_of_a_feature)]

Share = Annotated[float, Field(gt=0, le=1)]
Size = Annotated[float, Field(gt=0)]


class MinimumEffects(Strict):
    """From which size on a difference counts, by measure; what is not given is the measure's default."""

    ks: Share | None = None
    wasserstein: Size | None = None  # in standard deviations of the reference
    psi: Size | None = None
    jensen_shannon: Share | None = None
    hellinger: Share | None = None
    total_variation: Share | None = None
    cramer_von_mises: Size | None = None
    anderson_darling: Size | None = None
    chi2: Share | None = None  # Cramér's V
    g_test: Share | None = None  # Cramér's V
    missing_rate: Share | None = None
    new_categories: Share | None = None
    lost_categories: Share | None = None

    measures: list[FeatureMeasure] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _measures_are_distinct(self) -> Self:
        refuse_repeated("measure", [measure.value for measure in self.measures or ()])
        return self

    @property
    def minimum_effects(self) -> dict[Measure, float]:
        """Those that are declared."""
        return {measure: value for measure in Measure if (value := getattr(self, measure.value, None)) is not None}


class FeatureDrift(MinimumEffects):
    """What one feature is measured by, where it differs from the rest of its model."""


class Pool(Strict):
    """When an hour with few rows is looked at together with those before it, too."""

    rows: int = Field(default=500, ge=1)
    hours: int = Field(default=6, ge=1, le=48)


class Multivariate(StrEnum):
    """How all inputs are looked at together."""

    RECONSTRUCTION = "reconstruction"  # do they still go together as they did
    DOMAIN_CLASSIFIER = "domain_classifier"  # can anything tell the window's rows from the reference's


class DriftSettings(MinimumEffects):
    """When a difference is called drift: evidence (``alpha``) and a minimum effect, both."""

    min_samples: int = Field(default=30, ge=2)
    alpha: float = Field(default=0.001, gt=0, lt=1)
    segments: list[Segment] = []  # splits that are measured too, each against its own rows of the reference
    season: Season | None = None  # which windows are compared with which; else what makes comparisons sharpest
    independent_rows: bool = False  # rows of one window are no more alike than those of different ones
    pool: Pool = Pool()
    multivariate: list[Multivariate] = []  # looks at all inputs together, of whole days
    domain_classifier: Share | None = None
    concept: Size | None = None  # in standard deviations of the reference's errors
    detectors: list[Detector] = []  # what reads labelled rows one by one
    run_length: int = Field(default=10_000, ge=20, le=LARGEST_RUN_LENGTH)  # labelled rows between their false alarms

    @model_validator(mode="after")
    def _detectors_are_distinct(self) -> Self:
        refuse_repeated("detector", [detector.value for detector in self.detectors])
        return self

    @model_validator(mode="after")
    def _detectors_are_calibrated(self) -> Self:
        known = {Detector.CUSUM, Detector.PAGE_HINKLEY}
        if self.run_length > LONGEST_RUN_LENGTH and (others := [d.value for d in self.detectors if d not in known]):
            raise ValueError(
                f"run_length is {self.run_length}; {', '.join(others)} know run lengths to {LONGEST_RUN_LENGTH}"
            )
        return self

    @model_validator(mode="after")
    def _multivariate_is_distinct(self) -> Self:
        refuse_repeated("multivariate", [look.value for look in self.multivariate])
        return self

    @property
    def splits(self) -> list[tuple[str, ...]]:
        """The fields of each split that is measured."""
        return [(segment,) if isinstance(segment, str) else tuple(segment) for segment in self.segments]
