"""``hourly_drift`` and ``daily_drift``: each feature of each window against the model's reference.

Late truth does not touch it: its input is ``logged_predictions``, so only new predictions make it work.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import DriftSettings, Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.reference import NumericReference
from monitoring_pipeline.drift.verdict import DriftThresholds, DriftVerdict, MeasureResult, alpha_per_test
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages import logged
from monitoring_pipeline.stages.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.stages.groups import GroupKey, group_rows
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.read_lake import hour_tables
from monitoring_pipeline.stages.references import FeatureReference, prepared_references
from monitoring_pipeline.stages.report import ModelOutcome, StageReport, chunks, unchanged
from monitoring_pipeline.windows import HOUR_MICROS, Grain

DATASETS = {Grain.HOUR: "hourly_drift", Grain.DAY: "daily_drift"}
DRIFT_KEY = ("model_id", "grain", "window_start", "model_version", "environment", "segment", "feature", "measure")


def measure_drift(pipeline: Pipeline, grain: Grain, starts: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Compare the windows with the reference; with ``only_due`` those whose logged rows changed."""
    outcomes: list[ModelOutcome] = []
    for chunk in chunks(starts, size=24 if grain is Grain.HOUR else 1):
        with reading(pipeline.engine) as connection:
            if grain is Grain.HOUR:
                sources = ledger.entries(connection, logged.DATASET, chunk)
            else:
                sources = ledger.day_sources(connection, logged.DATASET, chunk)
            standing = ledger.entries(connection, DATASETS[grain], chunk)
        work = ledger.outstanding(sources, standing, only_due=only_due)
        outcomes += unchanged(standing, work)
        for model_id, of_model in work.items():
            outcomes += _measure_model(pipeline, grain, model_id, of_model)
    return StageReport(dataset=DATASETS[grain], outcomes=tuple(outcomes))


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
    return [_outcome(output, rows[output.window_start], has_reference=bool(references)) for output in published]


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
        for result in _compare(reference, _values(table, feature), thresholds, alpha)
    ]


def _values(table: pa.Table, feature: str) -> pa.ChunkedArray:
    """The feature's column; all missing where the hours were logged before anybody declared it."""
    name = FEATURE_PREFIX + feature
    return table[name] if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows, pa.float64())])


def _compare(
    reference: FeatureReference, column: pa.ChunkedArray, thresholds: DriftThresholds, alpha: float
) -> Sequence[MeasureResult]:
    prepared = reference.prepared
    if isinstance(prepared, NumericReference):
        return evaluate_numeric(prepared, column.to_numpy(), settings=thresholds, alpha=alpha)
    return evaluate_categorical(prepared, texts(column), settings=thresholds, alpha=alpha)


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


def _outcome(output: ledger.LedgerEntry, rows: Sequence[Row], *, has_reference: bool) -> ModelOutcome:
    drifted = sorted({row["feature"] for row in rows if row["verdict"] == DriftVerdict.DRIFT.value})
    details: dict[str, str | int | float | None] = {"reference": "declared" if has_reference else "none declared"}
    details |= Counter(row["verdict"] for row in rows)
    details["drifted features"] = ", ".join(drifted) or None
    return ModelOutcome(
        model_id=output.model_id,
        window_start=output.window_start,
        state="computed",
        row_count=output.row_count,
        details=details,
    )
