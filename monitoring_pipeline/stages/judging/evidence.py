"""What the rules judge: the standing metrics and drift verdicts of each group of a model's windows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from monitoring_pipeline.alerts.vocabulary import Group, Measurement
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftType, DriftVerdict
from monitoring_pipeline.performance.registry import KINDS, metric_names
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.families.labels import LABELS
from monitoring_pipeline.windows import Grain, Window

Drifted = tuple[list[bool | None], int]
"""One entry per feature (``None``: not enough data), and the rows of the window."""


def measurements(
    connection: Connection, model: Model, grain: Grain, windows: Collection[int]
) -> dict[Group, dict[str, Measurement]]:
    """Each group's standing metrics, by metric."""
    free = label_free_metrics(model)
    found: dict[Group, dict[str, Measurement]] = defaultdict(dict)
    for row in _standing(connection, metrics, model.id, grain, windows):
        found[_group(row, grain)][row.metric] = Measurement(
            prediction_count=row.prediction_count,
            labelled_count=row.labelled_count,
            value=row.value,
            lower=row.lower,
            upper=row.upper,
            reason=row.undefined_reason,
            needs_labels=row.metric not in free,
        )
    return found


def label_free_metrics(model: Model) -> frozenset[str]:
    """The metrics of a model that say nothing of the truth, and so do not wait for labels.

    How labels come can be told before there are any, but changes with each: it is not one of these.
    """
    kinds = [KINDS[family.kind] for family in families(model) if family.name != LABELS]
    named = {metric.__name__ for kind in kinds if not kind.needs_labels for metric in kind.metrics}
    # Those of a resource are named after it, which only the declaration knows.
    return frozenset(named | {f"{name}_{part}" for name in model.resources for part in ("mean", "max")})


def of_metric(model: Model, by_metric: Mapping[str, Measurement], metric: str) -> Measurement:
    """A group's metric; the counts alone of one that is not measured there, and of coverage."""
    if metric in by_metric:
        return by_metric[metric]
    # Every metric of the task has the counts of the group; those of other families may have others.
    named = next((name for name in metric_names(model.task) if name in by_metric), next(iter(by_metric)))
    counts = by_metric[named]
    return Measurement(
        prediction_count=counts.prediction_count,
        labelled_count=counts.labelled_count,
        needs_labels=metric not in label_free_metrics(model),
    )


def drifted_subjects(
    connection: Connection, model_id: str, grain: Grain, windows: Collection[int]
) -> dict[DriftType, dict[Group, Drifted]]:
    """Each group's features, and its outputs, by what it means if they moved."""
    found: dict[DriftType, dict[Group, Drifted]] = {kind: {} for kind in DriftType}
    for row in _standing(connection, drift_results, model_id, grain, windows):
        if row.measure == Measure.OVERALL.value:
            groups = found[DriftType(row.drift_type)]
            verdicts, row_count = groups.get(_group(row, grain), ([], 0))
            groups[_group(row, grain)] = ([*verdicts, _drifted(row.verdict)], max(row_count, row.n_window))
    return found


def _drifted(verdict: str) -> bool | None:
    return None if verdict == DriftVerdict.NOT_ENOUGH_DATA.value else verdict == DriftVerdict.DRIFT.value


def _standing(
    connection: Connection, table: Table, model_id: str, grain: Grain, windows: Collection[int]
) -> Sequence[Any]:
    query = select(table).where(
        table.c.model_id == model_id,
        table.c.grain == grain.value,
        table.c.window_start.in_(windows),
        table.c.known_to.is_(None),
    )
    return connection.execute(query).all()


def _group(row: Any, grain: Grain) -> Group:
    return Group(
        model_id=row.model_id,
        model_version=row.model_version,
        environment=row.environment,
        segment=row.segment,
        window=Window(row.window_start, grain),
    )
