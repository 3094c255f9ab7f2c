"""What every stage asset does around its stage: which windows, due ones only or all, and the metadata."""

from collections.abc import Callable, Sequence

import dagster as dg

from assets.partitions import window_start, window_starts
from monitoring_pipeline.stages.report import ModelOutcome, StageReport

# Runs that the reconcile sensor starts carry it: they skip the models that have nothing new. A person who
# materializes a window gets all of it recomputed; the bytes are the same.
ONLY_DUE_TAG = "monitor/only_due"

OWNERS = ["team:ml-platform"]

# A table in the UI with more rows than this is no longer read.
MAX_TABLE_ROWS = 30


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
        if any(outcome.state != "unchanged" for outcome in outcomes):
            metadata |= more(window_start(key), outcomes)
        context.add_asset_metadata(metadata, partition_key=key)
    context.log.info(summary(report))
    return report


def partition_metadata(outcomes: Sequence[ModelOutcome]) -> Metadata:
    """Row count, how many models were computed, and one table row per model."""
    metadata: Metadata = {
        "dagster/row_count": sum(outcome.row_count for outcome in outcomes),
        "models_computed": sum(outcome.state == "computed" for outcome in outcomes),
    }
    if blocked := [outcome.model_id for outcome in outcomes if outcome.state == "blocked"]:
        metadata["models_blocked"] = dg.MetadataValue.text(", ".join(blocked))
    if sealed := [outcome.model_id for outcome in outcomes if outcome.state == "sealed"]:
        metadata["models_sealed"] = dg.MetadataValue.text(", ".join(sealed))
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
    text = str(value)
    # Markdown in the UI must not become a link, an image, HTML or a further cell.
    return "".join(f"\\{c}" if c in "|[]<>*_`!\\" else c for c in text.replace("\n", " "))[:200]


def summary(report: StageReport) -> str:
    """One line for the run's log."""
    states = [outcome.state for outcome in report.outcomes]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states))) or "nothing to do"
    return f"{report.dataset}: {counts} (model windows)"
