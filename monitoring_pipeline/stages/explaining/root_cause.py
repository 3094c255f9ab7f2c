"""Explains the change of a metric between two windows by the segments that brought it, from the sums in the store.

Nothing is read of the rows: the hours' sums of both windows are merged and decomposed, one split after the other.
Versions are a split of their own (``model_version``) where there are several: a new version is a cause, too.
"""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.performance.registry import KINDS, evaluate, metric_names
from monitoring_pipeline.performance.root_cause.decompose import decompose
from monitoring_pipeline.performance.root_cause.exact import WindowSamples
from monitoring_pipeline.performance.root_cause.quantities import Quantity, quantities
from monitoring_pipeline.performance.root_cause.values import Decomposition, NotDecomposed
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.stages.explaining.explanation import Explanation, Side, SplitExplanation
from monitoring_pipeline.stages.measuring.groups import ALL, PERFORMANCE, GroupKey, split_name, split_of
from monitoring_pipeline.stages.measuring.stored_sums import stored_sums
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import DAY_MICROS, Window

VERSIONS = "model_version"
"""The split by version; it takes the place of a declared field of this name."""

PRODUCTION = "production"


def explain(
    pipeline: Pipeline,
    *,
    model_id: str,
    metric: str,
    window: Window,
    against: Window | None = None,
    environment: str | None = None,
) -> Explanation | None:
    """Why a metric changed: its difference between two windows, by segment.

    Args:
        pipeline: the installation; its standing sums are read.
        model_id: a model.
        metric: a metric that is a mean over rows (see :func:`explainable_metrics`).
        window: the window to explain.
        against: the window to compare with; ``None`` for the same one a week before, or, if nothing was predicted or
            labelled there, a day before.
        environment: by default ``production`` if the window has rows there, else the one with the most predictions.

    Returns:
        ``None`` if one of the windows has no row that this metric judges.

    Raises:
        MonitorError: if the metric is no mean over rows, or not one of this model's.
    """
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        quantity = _quantity(model, metric)
        judged = _groups(connection, model, window)
        environment = environment or _environment(judged)
        earlier = [against] if against else [Window(window.start - days * DAY_MICROS, window.grain) for days in (7, 1)]
        for other in earlier:
            before, after = (
                _in_environment(groups, environment) for groups in (_groups(connection, model, other), judged)
            )
            if all(_can_be_judged(groups, quantity) for groups in (before, after)):
                return Explanation(
                    model_id=model_id,
                    metric=metric,
                    quantity=quantity[0],
                    environment=environment,
                    before=_side(other, metric, before),
                    after=_side(window, metric, after),
                    causes=_causes(model, quantity, before, after),
                )
    return None


def explainable_metrics(model: Model) -> list[str]:
    """The metrics of a model's task that are means over rows, and so can be explained."""
    return list(quantities(KINDS[model.task.value].sums))


def _quantity(model: Model, metric: str) -> Quantity:
    known = quantities(KINDS[model.task.value].sums)
    if metric in known:
        return known[metric]
    why = "is no mean over rows" if metric in metric_names(model.task.value) else "is not one of its metrics"
    raise MonitorError(
        f"{metric!r} of the {model.task} model {model.id} cannot be explained: it {why}; "
        f"metrics that can be: {', '.join(explainable_metrics(model)) or 'none'}"
    )


Grouped = Mapping[GroupKey, Sums]


def _groups(connection: Connection, model: Model, window: Window) -> Grouped:
    """The sums of a window's groups, merged from its hours."""
    parts = defaultdict(list)
    for key, sums in stored_sums(connection, model, list(window.hours())).items():
        if key.family == PERFORMANCE:
            parts[key.within(window.start)].append(sums)
    return {key: merge(found) for key, found in parts.items()}


def _environment(groups: Grouped) -> str:
    """``production``, or where that has no rows the environment with the most predictions."""
    counted: dict[str, int] = defaultdict(int)
    for key, sums in groups.items():
        if key.segment == ALL:
            counted[key.environment] += sums.prediction_count
    if PRODUCTION in counted or not counted:
        return PRODUCTION
    return min(counted, key=lambda name: (-counted[name], name))


def _in_environment(groups: Grouped, environment: str) -> Grouped:
    return {key: sums for key, sums in groups.items() if key.environment == environment}


def _whole(groups: Grouped) -> Sums:
    return merge([sums for key, sums in groups.items() if key.segment == ALL])


def _can_be_judged(groups: Grouped, quantity: Quantity) -> bool:
    try:
        return bool(groups) and quantity[1](_whole(groups)) is not None
    except OverflowError:
        return True  # there are rows, and each split will say so


def _side(window: Window, metric: str, groups: Grouped) -> Side:
    whole = _whole(groups)
    return Side(
        window=window,
        metric=next(found for found in evaluate(whole) if found.metric == metric),
        prediction_count=whole.prediction_count,
        labelled_count=whole.labelled_count,
    )


def _causes(model: Model, quantity: Quantity, before: Grouped, after: Grouped) -> tuple[SplitExplanation, ...]:
    names = [split_name(fields) for fields in model.segment_splits]
    causes = [SplitExplanation(split=name, found=_decomposed(name, quantity, before, after)) for name in names]
    versions = {key.model_version for key in [*before, *after]}
    if len(versions) > 1 and VERSIONS not in names:
        causes.append(SplitExplanation(split=VERSIONS, found=_decomposed(VERSIONS, quantity, before, after)))
    return tuple(sorted(causes, key=_rank))


def _rank(cause: SplitExplanation) -> tuple[float, str]:
    return (-cause.found.concentration if isinstance(cause.found, Decomposition) else 1.0, cause.split)


def _decomposed(split: str, quantity: Quantity, *sides: Grouped) -> Decomposition | NotDecomposed:
    segments = [_segments(groups, split) for groups in sides]
    for groups, found in zip(sides, segments, strict=True):
        if sum(sums.prediction_count for sums in found.values()) != _whole(groups).prediction_count:
            return NotDecomposed.INCOMPLETE_SPLIT
    try:
        before, after = (_samples(found, quantity) for found in segments)
    except OverflowError:
        return NotDecomposed.OVERFLOW
    return decompose(before, after)


def _segments(groups: Grouped, split: str) -> Mapping[str, Sums]:
    """The sums of a split's segments, all versions together; for the split by version, of each version."""
    parts = defaultdict(list)
    for key, sums in groups.items():
        if split == VERSIONS and key.segment == ALL:
            parts[f"{VERSIONS}={key.model_version}"].append(sums)
        elif key.segment != ALL and split_of(key.segment) == split:
            parts[key.segment].append(sums)
    return {segment: merge(found) for segment, found in parts.items()}


def _samples(segments: Mapping[str, Sums], quantity: Quantity) -> WindowSamples:
    """The quantity's values in each segment that has some."""
    found = {segment: quantity[1](sums) for segment, sums in segments.items()}
    return {segment: sample for segment, sample in found.items() if sample is not None}
