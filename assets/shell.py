"""What every stage asset does around its stage: which windows, due ones only or all, and the metadata."""

import traceback
from collections.abc import Callable, Sequence

import dagster as dg

from assets.partitions import window_start, window_starts
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.stages.isolation import told
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.text import one_line

# Runs that the reconcile sensor starts carry it: they skip the models that have nothing new. A person who
# materializes a window gets all of it recomputed; the bytes are the same.
ONLY_DUE_TAG = "monitor/only_due"

OWNERS = ["team:ml-platform"]

# A table in the UI with more rows than this is no longer read.
MAX_TABLE_ROWS = 30
MAX_CELL_LENGTH = 200


# Enough for a dozen models; the run's log has the rest.
MAX_FAILURE_TEXT = 2000


Metadata = dict[str, dg.MetadataValue | int]


def run_stage(
    context: dg.AssetExecutionContext,
    stage: Callable[..., StageReport],
    *,
    more: Callable[[int, Sequence[ModelOutcome]], Metadata] = lambda _start, _outcomes: {},
) -> StageReport:
    """Run a stage over the run's partitions and attach to each partition what was done to it.

    Args:
        context: of the asset.
        stage: takes the window starts and ``only_due``.
        more: further metadata of a window in which something was computed.
    """
    keys = list(context.partition_keys)
    only_due = context.run.tags.get(ONLY_DUE_TAG) == "true"
    report = stage(window_starts(keys), only_due=only_due)
    for key in keys:
        outcomes = report.of(window_start(key))
        metadata = partition_metadata(outcomes)
        if any(outcome.state is not OutcomeState.UNCHANGED for outcome in outcomes):
            metadata |= more(window_start(key), outcomes)
        context.add_asset_metadata(metadata, partition_key=key)
    context.log.info(summary(report))
    log_failures(context, report)
    _fail_at_the_end(context, report)
    return report


def log_failures(context: dg.AssetExecutionContext | dg.OpExecutionContext, report: StageReport) -> None:
    """Write each model's failure to the run's log, one that is not the user's with its traceback."""
    for failure in report.failures:
        trace = [] if isinstance(failure.error, MonitorError) else traceback.format_exception(failure.error)
        context.log.error("\n".join([f"{report.dataset}: {failure}", *trace]))


def failed_models(failures: str) -> MonitorError:
    """The error that a run ends with when it has finished every other model."""
    return MonitorError(f"the other models are computed, but these windows are still due: {failures}")


def _fail_at_the_end(context: dg.AssetExecutionContext, report: StageReport) -> None:
    """Fail the step if any model failed so far in this run, unless findings are still to be judged.

    Dagster skips what comes after a failed step, for all models; so the failures of the earlier stages wait in a
    tag of the run until its last stage. The key has the run's id, because a re-execution inherits all tags.
    """
    key = f"monitor.failed/{context.run.run_id}"
    run = context.instance.get_run_by_id(context.run.run_id)
    failures = "" if run is None else run.tags.get(key, "")
    if report.failures:
        failures = "; ".join(filter(None, [failures, f"{report.dataset}: {told(report.failures)}"]))[:MAX_FAILURE_TEXT]
        context.instance.add_run_tags(context.run.run_id, {key: failures})
    if failures and not _findings_follow(context):
        raise failed_models(failures)


def _findings_follow(context: dg.AssetExecutionContext) -> bool:
    name = context.asset_key.to_user_string()
    last = "daily_findings" if name.startswith("daily_") else "hourly_findings"
    selected = context.run.asset_selection  # none: the whole of a job, which ends with findings
    return name != last and (not selected or dg.AssetKey(last) in selected)


def partition_metadata(outcomes: Sequence[ModelOutcome]) -> Metadata:
    """Row count, how many models were computed, and one table row per model."""
    metadata: Metadata = {
        "dagster/row_count": sum(outcome.row_count for outcome in outcomes),
        "models_computed": sum(outcome.state is OutcomeState.COMPUTED for outcome in outcomes),
    }
    if blocked := [outcome.model_id for outcome in outcomes if outcome.state is OutcomeState.BLOCKED]:
        metadata["models_blocked"] = dg.MetadataValue.text(", ".join(blocked))
    if sealed := [outcome.model_id for outcome in outcomes if outcome.state is OutcomeState.SEALED]:
        metadata["models_sealed"] = dg.MetadataValue.text(", ".join(sealed))
    if failed := [outcome.model_id for outcome in outcomes if outcome.state is OutcomeState.FAILED]:
        metadata["models_failed"] = dg.MetadataValue.text(", ".join(failed))
    if outcomes:
        metadata["models"] = dg.MetadataValue.md(outcome_table(outcomes))
    return metadata


def outcome_table(outcomes: Sequence[ModelOutcome]) -> str:
    """A Markdown table with a row per model."""
    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.details))
    rows = [
        [outcome.model_id, outcome.state, outcome.row_count, *(outcome.details.get(name) for name in names)]
        for outcome in outcomes[:MAX_TABLE_ROWS]
    ]
    table = markdown_table(["model", "state", "rows", *names], rows)
    hidden = len(outcomes) - MAX_TABLE_ROWS
    return f"{table}\n\n… and {hidden} more models" if hidden > 0 else table


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; cells are neutralised, since identifiers come from producers."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    # Markdown in the UI must not become a link, an image, HTML, a further cell or a further row.
    return "".join(f"\\{c}" if c in "|[]<>*_`!\\" else c for c in one_line(str(value), max_length=MAX_CELL_LENGTH))


def summary(report: StageReport) -> str:
    """One line for the run's log."""
    states = [outcome.state for outcome in report.outcomes]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states))) or "nothing to do"
    return f"{report.dataset}: {counts} (model windows)"
