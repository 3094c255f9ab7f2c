"""``data_quality``: the expectations on each model's hour, validated many hours at a time.

What is expected is handed in as suites, because expectations are declared outside the library.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, true

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.quality.score import blocked_hours, scores
from monitoring_pipeline.quality.validate import HOUR_COLUMN, validate
from monitoring_pipeline.quality.verdicts import QualityResult, Verdict
from monitoring_pipeline.results.tables import quality_results
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.blocked import blocked_windows
from monitoring_pipeline.stages.isolation import Failures
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import Entries, unchanged
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows import joined, logged
from monitoring_pipeline.stages.rows.read_lake import hour_tables

DATASET = "data_quality"

# A validation costs a fixed time, so hours are validated together up to this many rows (some 100 MB).
ROWS_PER_VALIDATION = 200_000

Suites = Mapping[str, Callable[[Model], Any]]
"""By dataset: what is expected of a model's rows there."""


def check_quality(pipeline: Pipeline, hours: Sequence[int], *, suites: Suites, only_due: bool = False) -> StageReport:
    """Validate the hours; with ``only_due`` skip those whose joined rows did not change."""
    with reading(pipeline.engine) as connection:
        inputs = {name: ledger.entries(connection, name, hours) for name in (joined.DATASET, logged.DATASET)}
        standing = ledger.entries(connection, DATASET, hours)
        shut = _blocked_before(connection, standing)
    work = ledger.outstanding(inputs[joined.DATASET], standing, only_due=only_due)
    outcomes = [_still_blocked(o) if (o.model_id, o.window_start) in shut else o for o in unchanged(standing, work)]
    failures = Failures()
    for model_id, sources in work.items():
        for batch in _batches(sources):
            with failures.of(model_id, [source.window_start for source in batch]):
                outcomes += _check_model(pipeline, model_id, batch, inputs, suites)
    _note_failures(pipeline, failures)
    return failures.report(DATASET, outcomes)


def _note_failures(pipeline: Pipeline, failures: Failures) -> None:
    """Keep hours that could not be validated from being measured: an entry of revision 0 is behind every input."""
    failed = [(failure.model_id, window) for failure in failures.found for window in failure.windows]
    if not failed:
        return
    with writing(pipeline.engine) as connection:
        ledger.serialize(connection, DATASET)
        standing = ledger.entries(connection, DATASET, [window for _, window in failed])
        notes = [
            ledger.LedgerEntry(
                dataset=DATASET, model_id=model_id, window_start=window, revision=0, checksum="", row_count=0
            )
            for model_id, window in failed
            if (model_id, window) not in standing
        ]
        ledger.publish(connection, notes, now=pipeline.clock())


def _blocked_before(connection: Connection, standing: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    windows: dict[str, list[int]] = defaultdict(list)
    for model_id, window in standing:
        windows[model_id].append(window)
    return {(m, window) for m, starts in windows.items() for window in blocked_windows(connection, m, starts)}


def _still_blocked(outcome: ModelOutcome) -> ModelOutcome:
    """Not validated again and no better for it: the hour's check must not turn green because another model changed."""
    return replace(outcome, state=OutcomeState.BLOCKED, details={"not passed": "as when it was last validated"})


def _batches(sources: Sequence[ledger.LedgerEntry]) -> Iterator[list[ledger.LedgerEntry]]:
    batch: list[ledger.LedgerEntry] = []
    rows = 0
    for source in sources:
        if batch and rows + source.row_count > ROWS_PER_VALIDATION:
            yield batch
            batch, rows = [], 0
        batch.append(source)
        rows += source.row_count
    if batch:
        yield batch


def _check_model(
    pipeline: Pipeline,
    model_id: str,
    sources: Sequence[ledger.LedgerEntry],
    inputs: Mapping[str, Entries],
    suites: Suites,
) -> list[ModelOutcome]:
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
    results: list[QualityResult] = []
    hours = [source.window_start for source in sources]
    for dataset, entries in inputs.items():
        table, windows = hour_tables(pipeline.lake, [entries[source.key] for source in sources])
        frame = table.to_pandas().assign(**{HOUR_COLUMN: windows})
        results += validate(frame, suites[dataset](model), dataset=dataset, hours=hours)
    return _publish(pipeline, model_id, sources, results)


def _publish(
    pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry], results: Sequence[QualityResult]
) -> list[ModelOutcome]:
    of_window: dict[int, list[QualityResult]] = defaultdict(list)
    for result in results:
        of_window[result.window_start].append(result)
    published = publish_results(
        pipeline,
        ResultSet(
            dataset=DATASET,
            model_id=model_id,
            table=quality_results,
            key=("model_id", "window_start", "dataset", "expectation"),
            scope=true(),
            revisions={source.window_start: source.revision for source in sources},
            rows={window: [_row(model_id, r) for r in found] for window, found in of_window.items()},
        ),
    )
    return [_outcome(output, of_window[output.window_start]) for output in published]


def _row(model_id: str, result: QualityResult) -> Row:
    return {
        "model_id": model_id,
        "dataset": result.dataset,
        "window_start": result.window_start,
        "expectation": result.expectation,
        "severity": result.severity.value,
        "verdict": result.verdict.value,
        "unexpected_count": result.unexpected_count,
        "row_count": result.row_count,
        "detail": result.detail,
    }


def _outcome(output: ledger.LedgerEntry, results: Sequence[QualityResult]) -> ModelOutcome:
    verdicts = Counter(result.verdict.value for result in results)
    failed = [f"{r.expectation} ({r.severity.value})" for r in results if r.verdict is not Verdict.PASSED]
    state = OutcomeState.BLOCKED if blocked_hours(results) else OutcomeState.COMPUTED
    score = scores(results).get(output.window_start)
    return ModelOutcome.of(output, state, {"score": score, **verdicts, "not passed": "; ".join(failed[:5]) or None})
