"""``logged_predictions``: each model's hour of predictions as one Parquet file.

Late truth never rewrites it: only a change of the predictions themselves does.
"""

from collections import defaultdict
from collections.abc import Sequence

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.read import HourRevision, hour_revisions, predictions_of_hours
from monitoring_pipeline.events.seals import sealed_hours
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.chunks import chunks
from monitoring_pipeline.stages.isolation import Failures
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows.columns import logged_table
from monitoring_pipeline.stages.sealed import publish_files, sealed_outcome
from monitoring_pipeline.windows import Grain, floor

DATASET = "logged_predictions"


def log_predictions(pipeline: Pipeline, hours: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Publish the hours' predictions; with ``only_due`` skip those whose predictions did not change."""
    outcomes: list[ModelOutcome] = []
    failures = Failures()
    for chunk in chunks(hours):
        with reading(pipeline.engine) as connection:
            sealed = sealed_hours(connection, chunk)
            revisions = [r for r in hour_revisions(connection, chunk) if (r.model_id, r.hour) not in sealed]
            standing = ledger.entries(connection, DATASET, chunk)
        outcomes += [sealed_outcome(entry) for key, entry in standing.items() if key in sealed]
        work = [r for r in revisions if not (only_due and _is_current(r, standing, pipeline.lake))]
        current = [r for r in revisions if r not in work]
        outcomes += [ModelOutcome.of(standing[r.model_id, r.hour], OutcomeState.UNCHANGED) for r in current]
        outcomes += _publish(pipeline, work, failures)
    return failures.report(DATASET, outcomes)


def _is_current(revision: HourRevision, standing: dict[tuple[str, int], ledger.LedgerEntry], lake: Lake) -> bool:
    entry = standing.get((revision.model_id, revision.hour))
    return entry is not None and entry.revision >= revision.prediction_revision and lake.holds(entry.path)


def _publish(pipeline: Pipeline, work: Sequence[HourRevision], failures: Failures) -> list[ModelOutcome]:
    if not work:
        return []
    by_model = defaultdict(list)
    for item in work:
        by_model[item.model_id].append(item)
    outputs: list[ledger.LedgerEntry] = []
    for model_id, items in by_model.items():
        with failures.of(model_id, [item.hour for item in items]):
            outputs += _write_files(pipeline, model_id, items)
    sealed = publish_files(pipeline, DATASET, outputs)
    return [sealed_outcome(sealed[output.key]) if output.key in sealed else _computed(output) for output in outputs]


def _write_files(pipeline: Pipeline, model_id: str, items: Sequence[HourRevision]) -> list[ledger.LedgerEntry]:
    hours = [item.hour for item in items]
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        rows = predictions_of_hours(connection, model_id, hours)
    by_hour = defaultdict(list)
    for row in rows:
        by_hour[floor(row[1], Grain.HOUR)].append(row)
    return [
        ledger.LedgerEntry.of_file(
            pipeline.lake.store(DATASET, model_id, item.hour, logged_table(model, by_hour[item.hour])),
            dataset=DATASET,
            model_id=model_id,
            window_start=item.hour,
            revision=item.revision,
        )
        for item in items
    ]


def _computed(output: ledger.LedgerEntry) -> ModelOutcome:
    return ModelOutcome.of(output, OutcomeState.COMPUTED, {"bytes": output.byte_count})
