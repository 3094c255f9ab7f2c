"""Errors at equal inputs: a reference of labelled rows in kinds, and one day's rows beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.drift.arrays import Counts, Floats
from monitoring_pipeline.drift.concept.labelled import LabelledRows
from monitoring_pipeline.drift.concept.measure import ConceptDrift, ConceptReason, measure
from monitoring_pipeline.drift.concept.strata import ErrorStrata
from monitoring_pipeline.drift.judge import Measured, MeasuredFeature
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.sizes import Sizes
from monitoring_pipeline.drift.time_structure.clusters import Clusters
from monitoring_pipeline.drift.time_structure.season import Season
from monitoring_pipeline.drift.time_structure.structure import TimeStructure
from monitoring_pipeline.drift.time_structure.window_counts import count_codes, count_numbers
from monitoring_pipeline.drift.verdict import DriftReason
from monitoring_pipeline.stages.drifting.truth.inputs import Inputs
from monitoring_pipeline.stages.drifting.truth.outcomes import outcomes_of
from monitoring_pipeline.stages.drifting.truth.reference import LabelledReference
from monitoring_pipeline.windows import DAY_MICROS, Grain

AT_EQUAL_INPUTS = "(error at equal inputs)"
"""What results call it."""

_REASONS = {
    ConceptReason.TOO_FEW_WINDOW_ROWS: DriftReason.TOO_FEW_WINDOW_ROWS,
    ConceptReason.TOO_FEW_REFERENCE_ROWS: DriftReason.TOO_FEW_REFERENCE_ROWS,
    ConceptReason.NO_VARIANCE: DriftReason.CONSTANT_REFERENCE,
    ConceptReason.NOTHING_COMPARABLE: DriftReason.NOTHING_COMPARABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedConcept:
    """A reference's errors, in kinds of rows.

    Attributes:
        task: says what an error is.
        inputs: how rows become numbers.
        strata: the kinds.
        structure: how alike the errors of one day are, if the reference's instants are known.
        reference_id: hash of inputs and errors.
    """

    task: Task
    inputs: Inputs
    strata: ErrorStrata
    structure: TimeStructure | None
    reference_id: str

    def measure(self, rows: pa.Table, *, minimum_effect: float, alpha: float) -> MeasuredFeature:
        """Compare one day's labelled rows with reference rows of the same kind.

        Args:
            rows: with features; perhaps none.
            minimum_effect: from which value on it counts.
            alpha: false-alarm probability.
        """
        labelled = _labelled(rows, self.task, self.inputs)
        sizes, withheld = self._sizes(rows["predicted_at"].to_numpy() // DAY_MICROS) if rows.num_rows else (None, None)
        found = measure(self.strata, labelled, names=self.inputs.tokens, alpha=alpha, sizes=sizes)
        measured = (
            Measured(
                measure=Measure.CONCEPT,
                minimum_effect=minimum_effect,
                measurement=found.measurement if isinstance(found, ConceptDrift) else None,
                missing=withheld if isinstance(found, ConceptDrift) else _REASONS[found],
                detail=self._detail(found) if isinstance(found, ConceptDrift) else None,
            ),
        )
        return MeasuredFeature(
            measured=measured,
            n_reference=self.strata.row_count,
            n_window=labelled.row_count,
            n_effective=float(labelled.row_count) if sizes is None else sizes.window,
        )

    def _sizes(self, days: Counts) -> tuple[Sizes | None, DriftReason | None]:
        if self.structure is None:
            return None, None
        sizes = self.structure.sizes(Clusters.from_windows(days))
        # Kinds stand for the season here, so a day without counterpart does not occur.
        return (sizes, None) if isinstance(sizes, Sizes) else (None, DriftReason.TOO_FEW_REFERENCE_WINDOWS)

    def _detail(self, found: ConceptDrift) -> Mapping[str, object]:
        return {
            "concept": found.concept,
            "concept_lower": found.concept_lower,
            "concept_upper": found.concept_upper,
            "covariate": found.covariate,
            "remainder": found.remainder,
            "compared_share": found.compared_share,
            "leaf": {
                "rule": self.inputs.in_words(found.leaf.rule),
                "change": found.leaf.change,
                "row_share": found.leaf.row_share,
            },
        }


@lru_cache(maxsize=16)
def prepared_concept(reference: LabelledReference, task: Task, *, in_time: bool) -> PreparedConcept | None:
    """Learn a reference's kinds once; ``None`` for a task whose rows have no error of their own."""
    outcomes = outcomes_of(task)
    if outcomes.errors is None:
        return None
    sample = reference.sample
    inputs = Inputs.learn(reference, task)
    labelled = _labelled(sample.table, task, inputs)
    structure = None
    if in_time and sample.instants is not None and labelled.row_count:
        structure = _structure(labelled.errors, sample.instants // DAY_MICROS, are_codes=task is Task.MULTICLASS)
    strata = ErrorStrata.learn(labelled)
    return PreparedConcept(
        task=task, inputs=inputs, strata=strata, structure=structure, reference_id=_content_id(inputs, strata)
    )


def _labelled(rows: pa.Table, task: Task, inputs: Inputs) -> LabelledRows:
    errors = outcomes_of(task).errors
    assert errors is not None, "prepared only for tasks with errors"
    return LabelledRows.from_arrays(inputs.encode(rows), errors(rows))


def _structure(errors: Floats, days: Counts, *, are_codes: bool) -> TimeStructure:
    if are_codes:
        counts = count_codes(errors.astype(np.int64), days)
    else:
        counts = count_numbers(errors, days, NumericReference.from_values(errors).edges)
    return TimeStructure.of(counts, grain=Grain.DAY, season=Season.NONE)


def _content_id(inputs: Inputs, strata: ErrorStrata) -> str:
    """Of what was learned from, in the order of its contents: equal for equal rows, whatever their order."""
    digest = hashlib.sha256(repr(inputs).encode())
    for half in (strata.taught_by, strata.compared):
        for values in (half.inputs, half.errors):
            digest.update(np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8").tobytes())
    return digest.hexdigest()
