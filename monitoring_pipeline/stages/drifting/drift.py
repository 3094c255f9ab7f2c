"""``hourly_drift`` and ``daily_drift``: each feature of each window against the model's reference.

Late truth does not touch it: its input is ``logged_predictions``, so only new predictions make it work.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import DriftSettings, FeatureType, Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.verdict import DriftThresholds, DriftVerdict, MeasureResult, alpha_per_test
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.measuring.groups import GroupKey, group_rows
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.references import FeatureReference, feature_column, numbers, prepared_references
from monitoring_pipeline.stages.report import Details, ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows import logged
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.stages.rows.read_lake import hour_tables
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain

DATASETS = {Grain.HOUR: "hourly_drift", Grain.DAY: "daily_drift"}
DRIFT_KEY = ("model_id", "grain", "window_start", "model_version", "environment", "segment", "feature", "measure")


def measure_drift(pipeline: Pipeline, grain: Grain, starts: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Compare the windows with the reference; with ``only_due`` those whose logged rows changed."""
    return compute_outstanding(
        pipeline,
        starts,
        partial(_measure_model, pipeline, grain),
        inputs=logged.DATASET,
        outputs=DATASETS[grain],
        only_due=only_due,
        read=ledger.entries if grain is Grain.HOUR else ledger.day_sources,
        chunk_size=DAY_MICROS // grain.micros,  # a day's rows are read together, whatever the grain
    )


def _measure_model(
    pipeline: Pipeline, grain: Grain, model_id: str, sources: Sequence[ledger.LedgerEntry]
) -> list[ModelOutcome]:
    hours = [
        hour
        for source in sources
        for hour in range(source.window_start, source.window_start + grain.micros, HOUR_MICROS)
    ]
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        files = ledger.entries(connection, logged.DATASET, hours, model_id=model_id)
    references = prepared_references(pipeline, model)
    columns = ["model_version", "environment", *(FEATURE_PREFIX + name for name in references)]
    table, hour_of_row = hour_tables(pipeline.lake, [files[key] for key in sorted(files)], columns=columns)
    rows: dict[int, list[Row]] = defaultdict(list)
    if references and table.num_rows:
        for key, group in _groups(table, hour_of_row - hour_of_row % grain.micros):
            rows[key.window_start] += _drift_rows(model, grain, key, group, references)
    published = publish_results(
        pipeline,
        ResultSet(
            dataset=DATASETS[grain],
            model_id=model_id,
            table=drift_results,
            key=DRIFT_KEY,
            scope=drift_results.c.grain == grain.value,
            revisions={source.window_start: source.revision for source in sources},
            rows=rows,
        ),
    )
    state = _reference_state(model, references)
    return [_outcome(output, rows[output.window_start], state) for output in published]


def _groups(
    table: pa.Table, windows: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> Iterator[tuple[GroupKey, pa.Table]]:
    groups = group_rows(table, windows)
    order = np.argsort(groups.codes, kind="stable")
    bounds = np.searchsorted(groups.codes[order], np.arange(len(groups.keys) + 1))
    ordered = table.take(pa.array(order))
    for index, key in enumerate(groups.keys):
        yield key, ordered.slice(bounds[index], bounds[index + 1] - bounds[index])


def _drift_rows(
    model: Model, grain: Grain, key: GroupKey, table: pa.Table, references: Mapping[str, FeatureReference]
) -> list[Row]:
    alpha = alpha_per_test(model.drift.alpha, len(references))
    thresholds = _thresholds(model.drift)
    return [
        _row(model.id, grain, key, feature, reference, result)
        for feature, reference in references.items()
        for result in _compare(
            model.features[feature].type, reference, feature_column(table, feature), thresholds, alpha
        )
    ]


def _compare(
    kind: FeatureType,
    reference: FeatureReference,
    column: pa.ChunkedArray,
    thresholds: DriftThresholds,
    alpha: float,
) -> Sequence[MeasureResult]:
    prepared = reference.prepared
    if isinstance(prepared, NumericReference):
        return evaluate_numeric(prepared, numbers(column), settings=thresholds, alpha=alpha)
    values = texts(column, boolean=kind is FeatureType.BOOLEAN)
    return evaluate_categorical(prepared, values, settings=thresholds, alpha=alpha)


def _thresholds(settings: DriftSettings) -> DriftThresholds:
    return DriftThresholds(**settings.model_dump(exclude={"alpha"}))


def _row(
    model_id: str, grain: Grain, key: GroupKey, feature: str, reference: FeatureReference, result: MeasureResult
) -> Row:
    return {
        "model_id": model_id,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "grain": grain.value,
        "window_start": key.window_start,
        "feature": feature,
        "measure": result.measure.value,
        "value": result.value,
        "p_value": result.p_value,
        "threshold": result.threshold,
        "verdict": result.verdict.value,
        "reason": result.reason.value,
        "n_reference": result.n_reference,
        "n_window": result.n_window,
        "reference_id": reference.reference_id,
    }


def _reference_state(model: Model, references: Mapping[str, FeatureReference]) -> str:
    if model.reference is None:
        return "none declared"
    empty = all(reference.row_count == 0 for reference in references.values())
    return "declared, but empty" if references and empty else "declared"


def _outcome(output: ledger.LedgerEntry, rows: Sequence[Row], reference: str) -> ModelOutcome:
    drifted = sorted({row["feature"] for row in rows if row["verdict"] == DriftVerdict.DRIFT.value})
    details: Details = {
        "reference": reference,
        **Counter(row["verdict"] for row in rows),
        "drifted features": ", ".join(drifted) or None,
    }
    return ModelOutcome.of(output, OutcomeState.COMPUTED, details)
