"""From sums to what is stored and shown of a window's performance."""

from collections import defaultdict
from collections.abc import Collection, Mapping

import orjson
from sqlalchemy import Connection

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.results.tables import metrics
from monitoring_pipeline.results.write import Row, replace_sums
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.groups import ALL, PERFORMANCE, GroupKey
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.report import Details, ModelOutcome, OutcomeState
from monitoring_pipeline.windows import Grain, floor

HOURLY = "hourly_performance"
DAILY = "daily_performance"
DATASETS = {Grain.HOUR: HOURLY, Grain.DAY: DAILY}

# What a person looks at first, of whichever task; the results hold all.
MAIN_METRICS = (
    "mae", "rmse", "bias",
    "accuracy", "precision", "recall", "roc_auc", "macro_f1", "log_loss",
    "ndcg_at_k", "map_at_k", "hit_rate_at_k",
)  # fmt: skip

METRIC_KEY = ("model_id", "grain", "window_start", "model_version", "environment", "segment", "metric")


def publish_performance(
    pipeline: Pipeline,
    model: Model,
    grain: Grain,
    revisions: Mapping[int, int],
    sums: Mapping[GroupKey, Sums],
    blocked: Collection[int],
) -> list[ModelOutcome]:
    """Make the metrics of these sums, and for hours the sums themselves, the standing ones.

    Args:
        pipeline: where to.
        model: whose performance; its declaration is what the sums were measured under.
        grain: of the windows.
        revisions: the windows, each with the input revision that it stands for.
        sums: the groups of all the windows.
        blocked: hours that were left out because a critical expectation failed there.
    """
    rows: dict[int, list[Row]] = defaultdict(list)
    for key, value in sums.items():
        rows[key.window_start] += _metric_rows(model.id, grain, key, value)

    measured_as = {family.name: family.measured_as for family in families(model)}

    def store_sums(connection: Connection, windows: list[int], now: int) -> None:
        stored = [
            _sums_row(model, measured_as[key.family], key, value)
            for key, value in sums.items()
            if key.window_start in windows
        ]
        replace_sums(connection, model.id, windows, stored, now=now)

    results = ResultSet(
        dataset=DATASETS[grain],
        model_id=model.id,
        table=metrics,
        key=METRIC_KEY,
        scope=metrics.c.grain == grain.value,
        revisions=revisions,
        rows=rows,
    )
    published = publish_results(pipeline, results, also=store_sums if grain is Grain.HOUR else None)
    return [
        ModelOutcome.of(
            output,
            OutcomeState.BLOCKED if output.window_start in blocked else OutcomeState.COMPUTED,
            {**_headline(sums, output.window_start), **_left_out(blocked, grain, output.window_start)},
        )
        for output in published
    ]


def _left_out(blocked: Collection[int], grain: Grain, window: int) -> dict[str, int]:
    """How many of a day's hours are missing from its numbers: they would pass for the whole day otherwise."""
    hours = sum(floor(hour, grain) == window for hour in blocked)
    return {"hours left out": hours} if hours and grain is Grain.DAY else {}


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
            "detectable_change": result.detectable_change,
            "error_bound": result.error_bound,
            "undefined_reason": None if result.undefined is None else result.undefined.value,
        }
        for result in evaluate(sums)
    ]


def _sums_row(model: Model, measured_as: str, key: GroupKey, sums: Sums) -> Row:
    return {
        "model_id": model.id,
        "window_start": key.window_start,
        "measured_as": measured_as,
        "model_version": key.model_version,
        "environment": key.environment,
        "segment": key.segment,
        "family": key.family,
        "prediction_count": sums.prediction_count,
        "labelled_count": sums.labelled_count,
        "sums": orjson.dumps(sums.to_dict(), option=orjson.OPT_SORT_KEYS).decode(),
    }


def _headline(sums: Mapping[GroupKey, Sums], window: int) -> Details:
    """What a person wants to see first: coverage, and the main metrics of the busiest version and environment."""
    wholes = [
        (key, value)
        for key, value in sums.items()
        if (key.window_start, key.segment, key.family) == (window, ALL, PERFORMANCE)
    ]
    if not wholes:
        return {}
    key, busiest = max(wholes, key=lambda item: item[1].prediction_count)
    main = [result for result in evaluate(busiest) if result.metric in MAIN_METRICS]
    shown = [f"{result.metric} {result.value:.4g}" for result in main if result.value is not None]
    details: dict[str, str | int | float | None] = {
        "version": key.model_version,
        "environment": key.environment,
        "coverage": busiest.labelled_count / busiest.prediction_count,
        "metrics": ", ".join(shown) or None,
    }
    if busiest.unusable_count:
        details["labelled but unusable"] = busiest.unusable_count
    return details
