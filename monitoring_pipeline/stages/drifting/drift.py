"""``hourly_drift`` and ``daily_drift``: inputs and outputs of each window against the model's reference.

Late truth does not touch it: its input is ``logged_predictions``, so only new predictions make it work.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection, and_

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import OF_TRUTH, DriftVerdict
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.results.write import Row, checksum_of
from monitoring_pipeline.stages.drifting.groups import WHOLE, GroupRows, Segment, group_tables
from monitoring_pipeline.stages.drifting.prepared.base import PreparedReference
from monitoring_pipeline.stages.drifting.reference_rows import ReferenceRows, declared_rows
from monitoring_pipeline.stages.drifting.references import Wanted, prepare
from monitoring_pipeline.stages.drifting.result_rows import DRIFT_KEY, Comparison, judged_rows
from monitoring_pipeline.stages.drifting.subjects import Subject, input_subjects, joint_subjects, output_subjects
from monitoring_pipeline.stages.drifting.windows import comparisons, following, pooled_hours
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.report import Details, ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows import logged
from monitoring_pipeline.stages.rows.columns import SEGMENT_PREFIX
from monitoring_pipeline.stages.rows.read_lake import hour_tables
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain

DATASETS = {Grain.HOUR: "hourly_drift", Grain.DAY: "daily_drift"}
JUDGED_BY = "hourly_findings"  # only hours are pooled


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
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
    reference = declared_rows(pipeline, model)
    asked = {source.window_start for source in sources}
    while True:
        with reading(pipeline.engine) as connection:
            after = _followers(connection, model, grain, asked)
            files = _files(connection, model, grain, [*asked, *after])
        rows = _rows(pipeline, model, grain, [*asked, *after], files, reference)
        published = _publish(pipeline, model, grain, [*sources, *after.values()], rows, after)
        with reading(pipeline.engine) as connection:
            # Hours that were logged meanwhile may belong into a pooled window; whoever logged them may have looked
            # for followers before these results stood.
            if pooled_hours(model, grain) == 0 or _files(connection, model, grain, [*asked, *after]) == files:
                break
    state = _reference_state(model, grain, reference)
    return [_outcome(output, rows[output.window_start], state) for output in published if output.window_start in asked]


def _prepared(
    model: Model, grain: Grain, reference: ReferenceRows | None, segment: Segment = WHOLE
) -> Mapping[Subject, PreparedReference]:
    subjects = [*input_subjects(model), *joint_subjects(model, grain), *output_subjects(model)]
    if reference is None or not subjects:
        return {}
    return prepare(reference, Wanted.of(model, subjects, grain, segment))


def _followers(
    connection: Connection, model: Model, grain: Grain, starts: Collection[int]
) -> dict[int, ledger.LedgerEntry]:
    """The later windows that were measured together with these, and so are measured again.

    They stand for the same revision as before: of their own rows nothing changed.
    """
    entries = ledger.entries(connection, DATASETS[grain], following(model, grain, starts), model_id=model.id)
    return {entry.window_start: entry for entry in entries.values()}


def _files(
    connection: Connection, model: Model, grain: Grain, starts: Collection[int]
) -> dict[tuple[str, int], ledger.LedgerEntry]:
    hours = {hour for start in starts for hour in _hours(model, grain, start)}
    return ledger.entries(connection, logged.DATASET, hours, model_id=model.id)


def _rows(
    pipeline: Pipeline,
    model: Model,
    grain: Grain,
    starts: Collection[int],
    files: Mapping[tuple[str, int], ledger.LedgerEntry],
    reference: ReferenceRows | None,
) -> dict[int, list[Row]]:
    references = _prepared(model, grain, reference)
    if not references:
        return {start: [] for start in starts}
    entries = [files[key] for key in sorted(files)]
    table, hour_of_row = hour_tables(pipeline.lake, entries, columns=_columns(references, model.drift.splits))
    if not table.num_rows:
        return {start: [] for start in starts}
    groups = list(group_tables(table, hour_of_row, splits=model.drift.splits))
    return {start: _window_rows(model, grain, start, groups, reference) for start in starts}


def _publish(
    pipeline: Pipeline,
    model: Model,
    grain: Grain,
    sources: Sequence[ledger.LedgerEntry],
    rows: Mapping[int, list[Row]],
    after: Mapping[int, ledger.LedgerEntry],
) -> list[ledger.LedgerEntry]:
    def judge_again(connection: Connection, windows: Sequence[int], _now: int) -> None:
        changed = [w for w in windows if w in after and after[w].checksum != checksum_of(rows[w])]
        ledger.forget(connection, JUDGED_BY, model.id, changed)

    return publish_results(
        pipeline,
        ResultSet(
            dataset=DATASETS[grain],
            model_id=model.id,
            table=drift_results,
            key=DRIFT_KEY,
            scope=and_(drift_results.c.grain == grain.value, drift_results.c.drift_type.not_in(sorted(OF_TRUTH))),
            revisions={source.window_start: source.revision for source in sources},
            rows=rows,
        ),
        also=judge_again if after else None,
    )


def _hours(model: Model, grain: Grain, start: int) -> range:
    return range(start - pooled_hours(model, grain) * HOUR_MICROS, start + grain.micros, HOUR_MICROS)


def _columns(references: Mapping[Subject, PreparedReference], splits: Sequence[Sequence[str]]) -> list[str]:
    segments = [SEGMENT_PREFIX + field for split in splits for field in split]
    always = ["model_version", "environment", "predicted_at"]
    return list(dict.fromkeys([*always, *segments, *(column for s in references for column in s.columns)]))


def _window_rows(
    model: Model, grain: Grain, start: int, groups: Sequence[GroupRows], reference: ReferenceRows | None
) -> list[Row]:
    """The rows of one window: its versions and environments are judged each for itself."""
    together: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for group in groups:
        references = _prepared(model, grain, reference, group.segment)
        together[group.key.model_version, group.key.environment] += comparisons(model, grain, start, group, references)
    return [row for judged in together.values() for row in judged_rows(model, grain, judged)]


def _reference_state(model: Model, grain: Grain, reference: ReferenceRows | None) -> str:
    if reference is None:
        return "none declared"
    references = _prepared(model, grain, reference)
    empty = all(prepared.row_count == 0 for prepared in references.values())
    return "declared, but empty" if references and empty else "declared"


def _outcome(output: ledger.LedgerEntry, rows: Sequence[Row], reference: str) -> ModelOutcome:
    overall = [row for row in rows if row["measure"] == Measure.OVERALL.value]
    drifted = sorted({row["feature"] for row in overall if row["verdict"] == DriftVerdict.DRIFT.value})
    details: Details = {
        "reference": reference,
        **Counter(row["verdict"] for row in overall),
        "drifted": ", ".join(drifted) or None,
    }
    return ModelOutcome.of(output, OutcomeState.COMPUTED, details)
