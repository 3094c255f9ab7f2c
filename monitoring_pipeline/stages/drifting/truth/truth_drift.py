"""``daily_truth_drift``: drift that needs labels, of each ended day's labelled rows against the labelled reference.

A young day is measured on the labels that it has. Those that come early need not be like those that come late: if
failures are reported at once and successes a week later, every young day looks like drift. So alerts on it are
provisional until the labels are mature, and each label that arrives has the day measured again.

Late truth of a day also has the seven days after it measured again, whose detectors replay it, and their findings
forgotten if that changed anything. What a window reference learns of its own truth later changes no standing result.
"""

from collections import Counter
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
from monitoring_pipeline.stages.drifting.result_rows import DRIFT_KEY
from monitoring_pipeline.stages.drifting.truth.days import Prepared, hours_of, rows_of_days
from monitoring_pipeline.stages.drifting.truth.reference import labelled_reference
from monitoring_pipeline.stages.drifting.truth.streams import DAYS_BEFORE, ROW_BY_ROW
from monitoring_pipeline.stages.measuring.performance_results import DAILY
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.report import Details, ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows.hour_files import hour_files
from monitoring_pipeline.windows import DAY_MICROS, Grain

DATASET = "daily_truth_drift"
JUDGED_BY = "daily_findings"

DAYS_PER_CHUNK = 7  # with the days before and after, three weeks of a busy model's slim rows are in memory


def measure_truth_drift(pipeline: Pipeline, days: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Compare the days' labelled rows; with ``only_due`` skip days whose performance was not computed again."""
    return compute_outstanding(
        pipeline,
        days,
        partial(_measure_model, pipeline),
        inputs=DAILY,
        outputs=DATASET,
        only_due=only_due,
        chunk_size=DAYS_PER_CHUNK,
    )


def following_days(model: Model, days: Collection[int]) -> set[int]:
    """The later days whose detectors replay these."""
    if model.reference is None or not model.drift.detectors:
        return set()
    return {day + later * DAY_MICROS for day in days for later in range(1, DAYS_BEFORE + 1)} - set(days)


def _measure_model(pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry]) -> list[ModelOutcome]:
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
    asked = {source.window_start for source in sources}
    reference = labelled_reference(pipeline, model)
    if reference is None:
        published = _publish(pipeline, model, sources, {day: [] for day in asked})
        return [_outcome(output, [], _state_without(model)) for output in published]
    prepared = Prepared.of(model, reference)
    state = "declared" if reference.rows.table.num_rows else "declared, but without truth"
    while True:
        with reading(pipeline.engine) as connection:
            after = _standing(connection, model, following_days(model, asked))
        days = [*asked, *after]
        files = hour_files(pipeline, model, hours_of(days))
        rows = rows_of_days(pipeline.lake, model, days, files, prepared)
        published = _publish(pipeline, model, [*sources, *after.values()], rows)
        # Hours that were joined meanwhile may be replayed by these days; whoever joined them may have looked for
        # followers before these results stood.
        if hour_files(pipeline, model, hours_of(days)) == files:
            break
    return [_outcome(output, rows[output.window_start], state) for output in published if output.window_start in asked]


def _standing(connection: Connection, model: Model, days: Collection[int]) -> dict[int, ledger.LedgerEntry]:
    """Days that were measured: they are measured again for the same revision, as of their own rows nothing changed."""
    entries = ledger.entries(connection, DATASET, days, model_id=model.id)
    return {entry.window_start: entry for entry in entries.values()}


def _publish(
    pipeline: Pipeline,
    model: Model,
    sources: Sequence[ledger.LedgerEntry],
    rows: Mapping[int, list[Row]],
) -> list[ledger.LedgerEntry]:
    def judge_again(connection: Connection, days: Sequence[int], _now: int) -> None:
        """Also a day that was judged without this, because it could not be measured then."""
        before = _standing(connection, model, days)
        nothing = checksum_of(())
        was = {day: before[day].checksum if day in before else nothing for day in days}
        ledger.forget(connection, JUDGED_BY, model.id, [day for day in days if was[day] != checksum_of(rows[day])])

    return publish_results(
        pipeline,
        ResultSet(
            dataset=DATASET,
            model_id=model.id,
            table=drift_results,
            key=DRIFT_KEY,
            scope=and_(
                drift_results.c.grain == Grain.DAY.value,
                drift_results.c.drift_type.in_(sorted(drift_type.value for drift_type in OF_TRUTH)),
            ),
            revisions={source.window_start: source.revision for source in sources},
            rows=rows,
        ),
        also=judge_again,
    )


def _state_without(model: Model) -> str:
    return "none declared" if model.reference is None else "declared, but without a column of truth"


def _outcome(output: ledger.LedgerEntry, rows: Sequence[Row], reference: str) -> ModelOutcome:
    overall = [row for row in rows if row["measure"] == Measure.OVERALL.value]
    alarms = [r for r in rows if r["feature"] == ROW_BY_ROW and r["verdict"] == DriftVerdict.DRIFT.value]
    drifted = sorted({row["drift_type"] for row in overall if row["verdict"] == DriftVerdict.DRIFT.value})
    details: Details = {
        "reference": reference,
        **Counter(row["verdict"] for row in overall),
        "drifted": ", ".join(drifted) or None,
        "detectors": ", ".join(sorted({row["measure"] for row in alarms})) or None,
    }
    return ModelOutcome.of(output, OutcomeState.COMPUTED, details)
