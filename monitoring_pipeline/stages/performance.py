"""``hourly_performance`` and ``daily_performance``: sums and metrics from what is known of the truth now.

Hours are measured from rows, days are merged from the hours' sums: exactly, without reading a row again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import Connection, select

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.performance.metrics import evaluate
from monitoring_pipeline.performance.sums import SUMS_OF_TASK, Sums, merge
from monitoring_pipeline.results.tables import metrics, performance_sums
from monitoring_pipeline.results.write import Row, replace_sums
from monitoring_pipeline.stages import joined
from monitoring_pipeline.stages.blocked import blocked_windows
from monitoring_pipeline.stages.groups import ALL, GroupKey
from monitoring_pipeline.stages.measure import complete_segments, grouped_sums
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.read_lake import hour_tables
from monitoring_pipeline.stages.report import ModelOutcome, StageReport, chunks, unchanged
from monitoring_pipeline.windows import DAY_MICROS, Grain, floor

HOURLY = "hourly_performance"
DAILY = "daily_performance"
DATASETS = {Grain.HOUR: HOURLY, Grain.DAY: DAILY}

METRIC_KEY = ("model_id", "grain", "window_start", "model_version", "environment", "segment", "metric")


def measure_hours(pipeline: Pipeline, hours: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Compute the hours' sums and metrics; with ``only_due`` skip hours whose joined rows did not change."""
    outcomes: list[ModelOutcome] = []
    for chunk in chunks(hours):
        with reading(pipeline.engine) as connection:
            sources = ledger.entries(connection, joined.DATASET, chunk)
            standing = ledger.entries(connection, HOURLY, chunk)
        work = ledger.outstanding(sources, standing, only_due=only_due)
        outcomes += unchanged(standing, work)
        for model_id, of_model in work.items():
            outcomes += _measure_model(pipeline, model_id, of_model)
    return StageReport(dataset=HOURLY, outcomes=tuple(outcomes))


def _measure_model(pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry]) -> list[ModelOutcome]:
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        blocked = blocked_windows(connection, model_id, [source.window_start for source in sources])
    usable = [source for source in sources if source.window_start not in blocked]
    sums = grouped_sums(model, *hour_tables(pipeline.lake, usable))
    revisions = {source.window_start: source.revision for source in sources}
    return _publish(pipeline, model_id, Grain.HOUR, revisions, sums, blocked)


def merge_days(pipeline: Pipeline, days: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Merge the days' metrics from their hours' sums; with ``only_due`` skip days whose hours did not change."""
    outcomes: list[ModelOutcome] = []
    for chunk in chunks(days, size=31):
        with reading(pipeline.engine) as connection:
            sources = ledger.day_sources(connection, HOURLY, chunk)
            standing = ledger.entries(connection, DAILY, chunk)
        work = ledger.outstanding(sources, standing, only_due=only_due)
        outcomes += unchanged(standing, work)
        for model_id, of_model in work.items():
            outcomes += _merge_model(pipeline, model_id, of_model)
    return StageReport(dataset=DAILY, outcomes=tuple(outcomes))


def _merge_model(pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry]) -> list[ModelOutcome]:
    revisions = {source.window_start: source.revision for source in sources}
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        hours = _stored_sums(connection, model, min(revisions), max(revisions) + DAY_MICROS)
    parts: dict[GroupKey, list[Sums]] = defaultdict(list)
    for key, sums in hours.items():
        day = floor(key.window_start, Grain.DAY)
        if day in revisions:
            parts[key.within(day)].append(sums)
    merged = {key: merge(sums) for key, sums in parts.items()}
    return _publish(pipeline, model_id, Grain.DAY, revisions, complete_segments(merged), set())


def _stored_sums(connection: Connection, model: Model, start: int, end: int) -> dict[GroupKey, Sums]:
    table, kind = performance_sums.c, SUMS_OF_TASK[model.task]
    query = (
        select(table.window_start, table.model_version, table.environment, table.segment, table.sums)
        .where(table.model_id == model.id, table.window_start >= start, table.window_start < end)
        .order_by(table.window_start)
    )
    return {GroupKey.of(row): kind.from_dict(orjson.loads(row.sums)) for row in connection.execute(query)}


def _publish(
    pipeline: Pipeline,
    model_id: str,
    grain: Grain,
    revisions: Mapping[int, int],
    sums: Mapping[GroupKey, Sums],
    blocked: set[int],
) -> list[ModelOutcome]:
    rows: dict[int, list[Row]] = defaultdict(list)
    for key, value in sums.items():
        rows[key.window_start] += _metric_rows(model_id, grain, key, value)

    def store_sums(connection: Connection, windows: list[int]) -> None:
        stored = [_sums_row(model_id, key, value) for key, value in sums.items() if key.window_start in windows]
        replace_sums(connection, model_id, windows, stored)

    results = ResultSet(
        dataset=DATASETS[grain],
        model_id=model_id,
        table=metrics,
        key=METRIC_KEY,
        scope=metrics.c.grain == grain.value,
        revisions=revisions,
        rows=rows,
    )
    published = publish_results(pipeline, results, also=store_sums if grain is Grain.HOUR else None)
    return [
        ModelOutcome(
            model_id=model_id,
            window_start=output.window_start,
            state="blocked" if output.window_start in blocked else "computed",
            row_count=output.row_count,
            details=_headline(sums, output.window_start),
        )
        for output in published
    ]


def _metric_rows(model_id: str, grain: Grain, key: GroupKey, sums: Sums) -> list[Row]:
    owner = {
        "model_id": model_id,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "grain": grain.value,
        "window_start": key.window_start,
        "prediction_count": sums.prediction_count,
        "labelled_count": sums.labelled_count,
    }
    return [
        {
            **owner,
            "metric": result.metric,
            "value": result.value,
            "lower": result.lower,
            "upper": result.upper,
            "undefined_reason": None if result.undefined is None else result.undefined.value,
        }
        for result in evaluate(sums)
    ]


def _sums_row(model_id: str, key: GroupKey, sums: Sums) -> Row:
    return {
        "model_id": model_id,
        "window_start": key.window_start,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "prediction_count": sums.prediction_count,
        "labelled_count": sums.labelled_count,
        "sums": orjson.dumps(sums.to_dict(), option=orjson.OPT_SORT_KEYS).decode(),
    }


def _headline(sums: Mapping[GroupKey, Sums], window: int) -> dict[str, str | int | float | None]:
    """What a person wants to see first: coverage, and each metric of the busiest version and environment."""
    wholes = [(key, value) for key, value in sums.items() if key.window_start == window and key.segment == ALL]
    if not wholes:
        return {}
    key, busiest = max(wholes, key=lambda item: item[1].prediction_count)
    shown = [f"{result.metric} {result.value:.4g}" for result in evaluate(busiest) if result.value is not None]
    details: dict[str, str | int | float | None] = {
        "version": key.model_version,
        "environment": key.environment,
        "coverage": busiest.labelled_count / busiest.prediction_count,
        "metrics": ", ".join(shown) or None,
    }
    if busiest.unusable_count:
        details["labelled but unusable"] = busiest.unusable_count
    return details
