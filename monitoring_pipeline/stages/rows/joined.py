"""``joined_predictions``: each prediction beside the truth that is known of it now, or beside nothing.

The file is slim (keys, prediction, truth, segments, numeric fields), because late truth rewrites it. A prediction
without an actual stays in it with nulls: unlabelled is not the same as gone. What is needed to tell what was known at
an earlier instant (see :mod:`.known_at`) is in it, too.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from monitoring_pipeline.database import reading
from monitoring_pipeline.events.read import HourRevision, actuals_between, actuals_of_hours, hour_revisions
from monitoring_pipeline.events.seals import sealed_hours
from monitoring_pipeline.events.truth import UNKNOWN, Known, Truth, in_order, truth_of
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.chunks import chunks
from monitoring_pipeline.stages.isolation import Failures
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows import logged
from monitoring_pipeline.stages.rows.columns import NUMERIC_PREFIX, QUERY_COLUMN, SEGMENT_PREFIX
from monitoring_pipeline.stages.sealed import publish_files, sealed_outcome

DATASET = "joined_predictions"

KEPT = (
    "prediction_id",
    "predicted_at",
    "model_version",
    "environment",
    "predicted_value",
    "predicted_class",
    "prediction_proba",
    "probabilities",
    "confidence",
    "latency_ms",
    "received_at",
)

ACTUAL_TYPES = {
    "actual_value": pa.float64(),
    "actual_class": pa.string(),
    "actual_received_at": pa.int64(),
    "first_actual_received_at": pa.int64(),
    "truth_history": pa.string(),
}


def join_predictions(pipeline: Pipeline, hours: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Publish the hours' predictions beside their actuals; with ``only_due`` skip hours that did not change."""
    outcomes: list[ModelOutcome] = []
    failures = Failures()
    for chunk in chunks(hours):
        with reading(pipeline.engine) as connection:
            # The revisions first, the data after: what lands in between makes the hour due again.
            revisions = {(r.model_id, r.hour): r for r in hour_revisions(connection, chunk)}
            sources = ledger.entries(connection, logged.DATASET, chunk)
            standing = ledger.entries(connection, DATASET, chunk)
            sealed = sealed_hours(connection, chunk)
        work = [
            (source, _input_revision(revisions[key], source))
            for key, source in sorted(sources.items())
            if key not in sealed
            and not (
                only_due and _is_current(standing.get(key), _input_revision(revisions[key], source), pipeline.lake)
            )
        ]
        done = {source.key for source, _ in work} | sealed
        outcomes += [sealed_outcome(entry) for key, entry in standing.items() if key in sealed]
        outcomes += [
            ModelOutcome.of(entry, OutcomeState.UNCHANGED) for key, entry in standing.items() if key not in done
        ]
        outcomes += _publish(pipeline, work, failures)
    return failures.report(DATASET, outcomes)


def _input_revision(hour: HourRevision, source: ledger.LedgerEntry) -> int:
    """The revision that this stage's two inputs together stand for.

    If predictions came after the logged file was written, the pair is only as new as that file: recording
    the hour's present revision would call those predictions joined for ever.
    """
    return hour.revision if source.revision >= hour.prediction_revision else source.revision


def _is_current(entry: ledger.LedgerEntry | None, revision: int, lake: Lake) -> bool:
    return entry is not None and entry.revision >= revision and lake.holds(entry.path)


def _publish(
    pipeline: Pipeline, work: Sequence[tuple[ledger.LedgerEntry, int]], failures: Failures
) -> list[ModelOutcome]:
    if not work:
        return []
    by_model = defaultdict(list)
    for source, revision in work:
        by_model[source.model_id].append((source, revision))
    outputs: list[tuple[ledger.LedgerEntry, int]] = []
    for model_id, items in by_model.items():
        with failures.of(model_id, [source.window_start for source, _ in items]):
            outputs += _write_files(pipeline, model_id, items)
    sealed = publish_files(pipeline, DATASET, [output for output, _ in outputs])
    return [
        sealed_outcome(sealed[output.key]) if output.key in sealed else _computed(output, labelled)
        for output, labelled in outputs
    ]


def _write_files(
    pipeline: Pipeline, model_id: str, items: Sequence[tuple[ledger.LedgerEntry, int]]
) -> list[tuple[ledger.LedgerEntry, int]]:
    starts = [source.window_start for source, _ in items]
    with reading(pipeline.engine) as connection:
        truth = current_truth(connection, model_id, starts)
    outputs = []
    for source, revision in items:
        assert source.path is not None, "logged_predictions always has a file"
        table = _joined_table(pipeline.lake.read(source.path, checksum=source.checksum), truth)
        stored = pipeline.lake.store(DATASET, model_id, source.window_start, table)
        output = ledger.LedgerEntry.of_file(
            stored, dataset=DATASET, model_id=model_id, window_start=source.window_start, revision=revision
        )
        outputs.append((output, table.num_rows - table["actual_received_at"].null_count))
    return outputs


def current_truth(connection: Connection, model_id: str, hours: Sequence[int]) -> dict[str, Truth]:
    """What is known now of the predictions of these hours, by their ids; nothing of those without truth."""
    return _truth_in(actuals_of_hours(connection, model_id, hours))


def truth_between(connection: Connection, model_id: str, start: int, end: int) -> dict[str, Truth]:
    """The same of the predictions made in ``[start, end)``."""
    return _truth_in(actuals_between(connection, model_id, start, end))


def _truth_in(statements: Iterable[tuple[Any, ...]]) -> dict[str, Truth]:
    copies: dict[str, list[Known]] = defaultdict(list)
    for prediction_id, *known in statements:
        copies[prediction_id].append((known[0], known[1], known[2], known[3]))
    return {prediction_id: truth_of(in_order(said)) for prediction_id, said in copies.items()}


def _joined_table(logged_rows: pa.Table, truth: dict[str, Truth]) -> pa.Table:
    declared = [name for name in logged_rows.column_names if _is_declared(name)]
    return with_truth(logged_rows.select([*KEPT, *declared]), truth)


def with_truth(table: pa.Table, truth: Mapping[str, Truth]) -> pa.Table:
    """Predictions with the columns of :data:`ACTUAL_TYPES`, null where nothing is known."""
    matched = [truth.get(prediction_id, UNKNOWN) for prediction_id in table["prediction_id"].to_pylist()]
    for name, kind in ACTUAL_TYPES.items():
        table = table.append_column(name, pa.array(map(attrgetter(name), matched), type=kind))
    return table


def _is_declared(column: str) -> bool:
    return column == QUERY_COLUMN or column.startswith((SEGMENT_PREFIX, NUMERIC_PREFIX))


def _computed(output: ledger.LedgerEntry, labelled: int) -> ModelOutcome:
    return ModelOutcome.of(output, OutcomeState.COMPUTED, {"labelled": labelled})
