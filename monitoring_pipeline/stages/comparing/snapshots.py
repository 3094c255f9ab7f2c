"""Windows as they were known at a label age: each group's metrics and counts at that time."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from monitoring_pipeline.alerts.vocabulary import coverage_of
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.stages.comparing.sums_known_at import sums_known_at
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.merging import merge_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import Grain, Window

GroupName = tuple[str, str, str]
"""Version, environment and segment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One group of a window as it was known at some label age."""

    metrics: Mapping[str, MetricValue]
    prediction_count: int
    labelled_count: int

    @property
    def coverage(self) -> float | None:
        """labelled / predictions."""
        return coverage_of(self.labelled_count, self.prediction_count)


def snapshots(
    pipeline: Pipeline, model: Model, grain: Grain, starts: Collection[int], *, age_micros: int
) -> dict[int, dict[GroupName, Snapshot]]:
    """The windows' performance as it was known when they were of an age.

    Args:
        pipeline: the installation.
        model: its present declaration.
        grain: of the windows.
        starts: their starts; one that has no rows is absent from the answer.
        age_micros: how long after its end a window is looked at.
    """
    return {start: found for start in starts if (found := _snapshot(pipeline, model, Window(start, grain), age_micros))}


def same_group(groups: Mapping[GroupName, Snapshot], name: GroupName) -> Snapshot | None:
    """The group of a past window; a new version is compared with the one that then had the most predictions."""
    if name in groups:
        return groups[name]
    _, environment, segment = name
    others = [groups[other] for other in sorted(groups) if other[1:] == (environment, segment)]
    return max(others, key=lambda snapshot: snapshot.prediction_count, default=None)


def metric_of(snapshot: Snapshot | None, metric: str) -> MetricValue | None:
    """A metric of a group, ``None`` where the group or the metric is not there."""
    return None if snapshot is None else snapshot.metrics.get(metric)


def _snapshot(pipeline: Pipeline, model: Model, window: Window, age_micros: int) -> dict[GroupName, Snapshot]:
    hours = sums_known_at(pipeline, model, list(window.hours()), instant=window.end + age_micros)
    found: dict[GroupName, dict[str, MetricValue]] = defaultdict(dict)
    counts: dict[GroupName, tuple[int, int]] = {}
    judged = {family.name for family in families(model) if family.judges}
    for key, value in merge_hours(hours, lambda _hour: window.start).items():
        name = (key.model_version, key.environment, key.segment)
        found[name] |= {result.metric: result for result in evaluate(value)}
        if key.family in judged:
            counts[name] = (value.prediction_count, value.labelled_count)
    return {
        name: Snapshot(metrics=metrics, prediction_count=counts[name][0], labelled_count=counts[name][1])
        for name, metrics in found.items()
    }
