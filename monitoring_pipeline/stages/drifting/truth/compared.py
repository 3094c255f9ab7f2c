"""One group's labelled rows beside the reference: the truth's distribution, and errors at equal inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftType
from monitoring_pipeline.stages.drifting.groups import WHOLE, GroupRows
from monitoring_pipeline.stages.drifting.prepared.base import PreparedReference
from monitoring_pipeline.stages.drifting.references import Wanted, prepare
from monitoring_pipeline.stages.drifting.result_rows import Comparison
from monitoring_pipeline.stages.drifting.subjects import Subject, criteria
from monitoring_pipeline.stages.drifting.truth.concept import AT_EQUAL_INPUTS, PreparedConcept, prepared_concept
from monitoring_pipeline.stages.drifting.truth.outcomes import outcomes_of
from monitoring_pipeline.stages.drifting.truth.reference import LabelledReference
from monitoring_pipeline.stages.drifting.windows import comparisons_between
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedTruth:
    """What labelled rows are compared with.

    Attributes:
        grain: of the windows that the truth is compared by; errors always are by days, since kinds stand for hours.
        label: the truth's distribution.
        concept: errors at equal inputs; ``None`` where rows have no error of their own.
    """

    grain: Grain
    label: Mapping[Subject, PreparedReference]
    concept: PreparedConcept | None

    @classmethod
    def of(cls, model: Model, reference: LabelledReference, grain: Grain) -> "PreparedTruth":
        """Prepare a reference; each part once."""
        actual = outcomes_of(model.task).actual
        return cls(
            grain=grain,
            label=prepare(reference.rows, Wanted.of(model, [actual], grain, WHOLE)),
            concept=prepared_concept(reference, model.task, in_time=not model.drift.independent_rows),
        )

    def compare(
        self, model: Model, look: tuple[int, int], key: GroupKey, labelled: GroupRows, features: pa.Table
    ) -> list[Comparison]:
        """A group's rows from where to where, measured; without a label as what had not enough data.

        Args:
            model: the declaration.
            look: start and end.
            key: the group and its window.
            labelled: the group's labelled rows, also of other times.
            features: labelled rows of these times with features, also of other groups.
        """
        found = comparisons_between(model, self.grain, [look], labelled, self.label)
        compared = [replace(comparison, key=key) for comparison in found]
        return compared if self.concept is None else [*compared, _of_concept(model, key, features, self.concept)]


def labelled_of(model: Model, group: GroupRows) -> GroupRows:
    """The rows of a group that can be compared with their truth."""
    chosen = outcomes_of(model.task).is_labelled(group.table)
    return replace(group, table=group.table.filter(pa.array(chosen)), hours=group.hours[chosen])


def _of_concept(model: Model, key: GroupKey, features: pa.Table, concept: PreparedConcept) -> Comparison:
    of_key = pc.and_(
        pc.equal(features["model_version"], key.model_version), pc.equal(features["environment"], key.environment)
    )
    effect = criteria(model, outcomes_of(model.task).actual).minimum_effect(Measure.CONCEPT)
    return Comparison(
        key=key,
        drift_type=DriftType.CONCEPT,
        name=AT_EQUAL_INPUTS,
        reference_id=concept.reference_id,
        measured=concept.measure(features.filter(of_key), minimum_effect=effect, alpha=model.drift.alpha),
    )
