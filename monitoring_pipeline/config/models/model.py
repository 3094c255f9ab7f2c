"""One monitored model, and what must agree between the parts of its declaration."""

from typing import Self

from pydantic import Field, model_validator

from monitoring_pipeline.config.models.base import Identifier, Strict, refuse_repeated
from monitoring_pipeline.config.models.business import OUTCOMES_OF_TASK, Business
from monitoring_pipeline.config.models.drift import DriftSettings, Reference
from monitoring_pipeline.config.models.features import Feature
from monitoring_pipeline.config.models.labels import Labels
from monitoring_pipeline.config.models.rules import Rule
from monitoring_pipeline.config.models.segments import Segment, SegmentName
from monitoring_pipeline.config.models.serving import Serving
from monitoring_pipeline.config.models.task import Task


class Model(Strict):
    """One monitored model."""

    id: Identifier
    task: Task
    description: str = ""
    owner: str | None = None
    features: dict[str, Feature] = {}
    # Features or event fields whose values split the metrics; a list of names splits by their combinations.
    segments: list[Segment] = []
    max_segment_values: int = Field(default=50, ge=1)  # an hour with more values leaves the segment out
    threshold: float = Field(default=0.5, ge=0, le=1)  # probability at which a binary model says yes
    quantile: float | None = Field(default=None, gt=0, lt=1)  # which quantile a regression predicts, if it does
    classes: list[str] | None = None
    query: SegmentName | None = None  # a ranking model's event field that names the query a row belongs to
    top_k: int = Field(default=10, ge=1)  # how many of a query's rows are looked at
    resources: list[SegmentName] = []  # numeric event fields that sample resources: cpu_percent, memory_mb, …
    low_confidence: float = Field(default=0.6, ge=0, le=1)
    business: Business | None = None
    labels: Labels = Labels()
    reference: Reference | None = None
    drift: DriftSettings = DriftSettings()
    rules: list[Rule] = []
    channels: list[str] = []
    serving: Serving | None = None

    @property
    def segment_fields(self) -> list[str]:
        """Every field that splits the metrics, alone or in a combination, once each in the order of declaration."""
        names = (name for segment in self.segments for name in ([segment] if isinstance(segment, str) else segment))
        return list(dict.fromkeys(names))

    @property
    def segment_splits(self) -> list[tuple[str, ...]]:
        """What the metrics are split by: one field, or several in combination."""
        return [(segment,) if isinstance(segment, str) else tuple(segment) for segment in self.segments]

    @property
    def numeric_fields(self) -> list[str]:
        """Event fields or features that are read as numbers beside the standard ones, once each."""
        business = [] if self.business is None else [self.business.amount, self.business.satisfaction]
        return list(dict.fromkeys(name for name in [*self.resources, *business] if name is not None))

    @property
    def extra_fields(self) -> list[str]:
        """Every event field beyond the standard ones that the declaration gives a meaning."""
        query = [] if self.query is None else [self.query]
        return list(dict.fromkeys([*self.segment_fields, *query, *self.numeric_fields]))

    @model_validator(mode="after")
    def _rules_are_distinct(self) -> Self:
        refuse_repeated("rule id", [rule.id for rule in self.rules])
        return self

    @model_validator(mode="after")
    def _segments_are_distinct(self) -> Self:
        for split in self.segment_splits:
            if not split or len(set(split)) < len(split):
                raise ValueError("a combination of segments names each field once, and at least one")
        refuse_repeated("segment", [" & ".join(split) for split in self.segment_splits])
        return self

    @model_validator(mode="after")
    def _drift_is_split_by_segments(self) -> Self:
        for split in self.drift.splits:
            if split not in self.segment_splits:
                raise ValueError(f"drift.segments names {' & '.join(split)}, which is not among the model's segments")
        return self

    @model_validator(mode="after")
    def _query_means_ranking(self) -> Self:
        if (self.query is None) == (self.task is Task.RANKING):
            raise ValueError("a ranking model, and no other, names the field of its query: query")
        return self

    @model_validator(mode="after")
    def _value_fits_the_task(self) -> Self:
        if self.business is None:
            return self
        outcomes = OUTCOMES_OF_TASK[self.task]
        if unknown := sorted(self.business.value.keys() - outcomes):
            allowed = ", ".join(sorted(outcomes)) or "none; write per_unit_error"
            raise ValueError(
                f"business.value names {', '.join(unknown)}; of a {self.task} model allowed are: {allowed}"
            )
        if (self.business.per_unit_error is not None) != (self.task is Task.REGRESSION):
            raise ValueError("business.per_unit_error is what a regression model needs, and no other")
        return self
