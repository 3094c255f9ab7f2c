"""``daily_estimates``: what each day's performance probably is where truth is still missing.

Beside the measured value, never in its place, and no rule judges it. A day whose rows are all labelled has no
estimate: the one that stood is closed. A day is computed when its own performance was; what its estimator learned
from may have changed since without that, see ``trained_until``.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.results.tables import estimates
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.estimating.groups import GroupEstimate
from monitoring_pipeline.stages.estimating.losses import estimate_losses
from monitoring_pipeline.stages.estimating.scores import estimate_scores
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.stages.measuring.performance_results import DAILY
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.publish import ResultSet, publish_results
from monitoring_pipeline.stages.report import Details, ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.windows import Grain

DATASET = "daily_estimates"
ESTIMATE_KEY = ("model_id", "grain", "window_start", "model_version", "environment", "segment", "metric")

_ESTIMATORS: Mapping[Task, Callable[[Pipeline, Model, int], list[GroupEstimate]]] = {
    Task.BINARY: estimate_scores,
    Task.REGRESSION: estimate_losses,
}


def estimate_days(pipeline: Pipeline, days: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Estimate the days' performance; with ``only_due`` skip days whose performance was not computed again."""
    return compute_outstanding(
        pipeline,
        days,
        partial(_estimate_model, pipeline),
        inputs=DAILY,
        outputs=DATASET,
        only_due=only_due,
        chunk_size=31,
    )


def _estimate_model(pipeline: Pipeline, model_id: str, sources: Sequence[ledger.LedgerEntry]) -> list[ModelOutcome]:
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
    estimate = _ESTIMATORS.get(model.task, _nothing)
    found = {source.window_start: estimate(pipeline, model, source.window_start) for source in sources}
    published = publish_results(
        pipeline,
        ResultSet(
            dataset=DATASET,
            model_id=model_id,
            table=estimates,
            key=ESTIMATE_KEY,
            scope=estimates.c.grain == Grain.DAY.value,
            revisions={source.window_start: source.revision for source in sources},
            rows={
                day: [row for group in groups for row in _rows(model_id, day, group)] for day, groups in found.items()
            },
        ),
    )
    return [
        ModelOutcome.of(output, OutcomeState.COMPUTED, _details(found[output.window_start])) for output in published
    ]


def _nothing(_pipeline: Pipeline, _model: Model, _day: int) -> list[GroupEstimate]:
    """Tasks that no estimator is known for."""
    return []


def _rows(model_id: str, day: int, group: GroupEstimate) -> list[Row]:
    return [
        {
            "model_id": model_id,
            "model_version": group.model_version,
            "environment": group.environment,
            "segment": ALL,
            "grain": Grain.DAY.value,
            "window_start": day,
            "metric": metric.metric,
            "value": metric.value,
            "lower": metric.lower,
            "upper": metric.upper,
            "undefined_reason": None if metric.undefined is None else metric.undefined.value,
            "method": group.method.value,
            "unlabelled_count": group.unlabelled_count,
            "trained_until": group.trained_until,
            "trained_count": group.trained_count,
        }
        for metric in group.metrics
    ]


def _details(groups: Sequence[GroupEstimate]) -> Details:
    return {
        "unlabelled": sum(group.unlabelled_count for group in groups),
        "learned from": sum(group.trained_count for group in groups),
    }
