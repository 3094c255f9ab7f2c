"""``daily_performance``: days merged from their hours' sums, exactly and without reading a row again."""

from collections.abc import Sequence
from functools import partial

from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.stages.blocked import blocked_windows
from monitoring_pipeline.stages.measuring.merging import merge_hours
from monitoring_pipeline.stages.measuring.performance import measure_model
from monitoring_pipeline.stages.measuring.performance_results import DAILY, HOURLY, publish_performance
from monitoring_pipeline.stages.measuring.stored_sums import outdated_hours, stored_sums
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, StageReport
from monitoring_pipeline.stages.rows import joined
from monitoring_pipeline.windows import Grain, Window, floor


def merge_days(pipeline: Pipeline, days: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Merge the days' metrics from their hours' sums; with ``only_due`` skip days whose hours did not change."""
    return compute_outstanding(
        pipeline,
        days,
        partial(_merge_model, pipeline),
        inputs=HOURLY,
        outputs=DAILY,
        only_due=only_due,
        read=ledger.day_sources,
        chunk_size=31,
    )


def _merge_model(pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry]) -> list[ModelOutcome]:
    revisions = {source.window_start: source.revision for source in sources}
    hours = [hour for day in revisions for hour in Window(day, Grain.DAY).hours()]
    _measure_anew(pipeline, model_id, hours)
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        stored = stored_sums(connection, model, hours)
        blocked = blocked_windows(connection, model_id, hours)
    merged = merge_hours(stored, lambda hour: floor(hour, Grain.DAY))
    return publish_performance(pipeline, model, Grain.DAY, revisions, merged, blocked)


def _measure_anew(pipeline: Pipeline, model_id: str, hours: Sequence[int]) -> None:
    """Measure the hours again whose sums were made under other settings, lack what is measured now, or are gone.

    A day merged from both would be true under neither declaration. Sums are gone where a newer version of the program
    could not read those of a sealed hour: its file is still there.
    """
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        measured = {hour for _, hour in ledger.entries(connection, HOURLY, hours, model_id=model_id)}
        outdated = outdated_hours(connection, model, measured) - blocked_windows(connection, model_id, hours)
        sources = ledger.entries(connection, joined.DATASET, outdated, model_id=model_id)
    if sources:
        measure_model(pipeline, model_id, [sources[key] for key in sorted(sources)])
