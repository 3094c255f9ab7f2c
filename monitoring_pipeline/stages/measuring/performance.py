"""``hourly_performance``: sums and metrics of each hour, from what is known of the truth now."""

from collections.abc import Collection, Sequence
from functools import partial

from sqlalchemy import Connection

from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages import quality
from monitoring_pipeline.stages.blocked import blocked_windows
from monitoring_pipeline.stages.measuring.measure import grouped_sums
from monitoring_pipeline.stages.measuring.performance_results import HOURLY, publish_performance
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import Entries, compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, StageReport
from monitoring_pipeline.stages.rows import joined
from monitoring_pipeline.stages.rows.read_lake import hour_tables
from monitoring_pipeline.windows import Grain


def measure_hours(pipeline: Pipeline, hours: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Compute the hours' sums and metrics; with ``only_due`` skip hours whose joined rows did not change."""
    return compute_outstanding(
        pipeline,
        hours,
        partial(measure_model, pipeline),
        inputs=joined.DATASET,
        outputs=HOURLY,
        only_due=only_due,
        read=_validated,
    )


def _validated(connection: Connection, dataset: str, hours: Collection[int]) -> Entries:
    """The standing inputs, without the hours whose validation is behind them: it failed and is still due."""
    validated = ledger.entries(connection, quality.DATASET, hours)
    return {
        key: entry
        for key, entry in ledger.entries(connection, dataset, hours).items()
        if key not in validated or validated[key].revision >= entry.revision
    }


def measure_model(pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry]) -> list[ModelOutcome]:
    """Measure one model's hours under its present declaration.

    Args:
        pipeline: the installation.
        model_id: the model.
        sources: the standing entries of ``joined_predictions`` of those hours.
    """
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        blocked = blocked_windows(connection, model_id, [source.window_start for source in sources])
    usable = [source for source in sources if source.window_start not in blocked]
    sums = grouped_sums(model, *hour_tables(pipeline.lake, usable))
    revisions = {source.window_start: source.revision for source in sources}
    return publish_performance(pipeline, model, Grain.HOUR, revisions, sums, blocked)
