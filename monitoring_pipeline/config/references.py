"""Names that must resolve: channels, metrics, segments of rules, identifiers that may stand only once.

They are checked on the plain values, not on the pydantic models, so that a typing error elsewhere in the file
does not hide them: people mend a file once.
"""

from collections.abc import Callable, Collection, Iterator

from monitoring_pipeline.config.models import DRIFT_METRICS
from monitoring_pipeline.config.problems import Complaint, KeyPath, allowed_values

MetricNames = Callable[[str], Collection[str]]
"""The metrics that a task (``regression``, ``binary``, ``multiclass``) has."""

# What a rule may watch besides the metrics of its model.
COUNTS = ("coverage", "coverage_shortfall", *DRIFT_METRICS)


def unresolved_names(
    value: object, *, metric_names: MetricNames, comparable_names: MetricNames | None = None
) -> Iterator[Complaint]:
    """Each name in the file that stands for nothing, with its place.

    Args:
        value: the file.
        metric_names: the metrics a rule may name.
        comparable_names: those that a rule with a baseline may name; all of them where not given.
    """
    root = value if isinstance(value, dict) else {}
    declared = root.get("channels")
    channels = list(declared) if isinstance(declared, dict) else []
    models = list(_mappings(root, (), "models"))
    yield from _repeated_ids(models)
    for path, model in models:
        rules = list(_mappings(model, path, "rules"))
        yield from _repeated_ids(rules)
        for owner_path, owner in [(path, model), *rules]:
            yield from _unknown_channels(owner, owner_path, channels)
        for rule_path, rule in rules:
            yield from _unknown_metric(rule, rule_path, model, metric_names)
            yield from _incomparable_metric(rule, rule_path, model, metric_names, comparable_names or metric_names)
            yield from _unwatched_segments(rule, rule_path, model)


def _repeated_ids(items: list[tuple[KeyPath, dict[str, object]]]) -> Iterator[Complaint]:
    first: dict[object, KeyPath] = {}
    for path, item in items:
        name = item.get("id")
        if isinstance(name, str) and first.setdefault(name, path) != path:
            yield (*path, "id"), f"{name!r} is used twice; each needs an id of its own"


def _unknown_channels(owner: dict[str, object], path: KeyPath, channels: list[str]) -> Iterator[Complaint]:
    for name_path, name in _texts(owner, path, "channels"):
        if name not in channels:
            yield name_path, f"{name!r} is not declared under channels; {allowed_values(name, channels)}"


def _unknown_metric(
    rule: dict[str, object], path: KeyPath, model: dict[str, object], metric_names: MetricNames
) -> Iterator[Complaint]:
    metric, task = rule.get("metric"), model.get("task")
    known = metric_names(task) if isinstance(task, str) else ()
    sampled = _sampled(model)
    if isinstance(metric, str) and known and metric not in (*known, *sampled, *COUNTS):
        message = f"{metric!r} is not a metric of a {task} model; {allowed_values(metric, [*known, *sampled, *COUNTS])}"
        yield (*path, "metric"), message


def _incomparable_metric(
    rule: dict[str, object],
    path: KeyPath,
    model: dict[str, object],
    metric_names: MetricNames,
    comparable_names: MetricNames,
) -> Iterator[Complaint]:
    """A rule on the change of a metric that is not known at a label age would be silent for ever."""
    metric, task = rule.get("metric"), model.get("task")
    if rule.get("baseline") is None or not isinstance(metric, str) or not isinstance(task, str):
        return
    comparable = comparable_names(task)
    if metric in (*metric_names(task), *_sampled(model)) and metric not in comparable:
        message = (
            f"{metric!r} is not compared with past windows; take out baseline; {allowed_values(metric, comparable)}"
        )
        yield (*path, "metric"), message


def _sampled(model: dict[str, object]) -> list[str]:
    return [f"{name}_{what}" for _, name in _texts(model, (), "resources") for what in ("mean", "max")]


def _unwatched_segments(rule: dict[str, object], path: KeyPath, model: dict[str, object]) -> Iterator[Complaint]:
    """A rule on a segment that the model does not split by would be silent for ever."""
    declared = [name for _, name in _texts(model, (), "segments")] + _combinations(model)
    for name_path, pattern in _texts(rule, path, "segments"):
        field, equals, _ = pattern.partition("=")
        if equals and not set(field) & set("*?[") and field not in declared:
            yield name_path, f"{field!r} is not one of the model's segments; {allowed_values(field, declared)}"


def _combinations(model: dict[str, object]) -> list[str]:
    items = model.get("segments")
    splits = [item for item in items if isinstance(item, list)] if isinstance(items, list) else []
    return [" & ".join(map(str, split)) for split in splits]


def _mappings(owner: dict[str, object], path: KeyPath, key: str) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    items = owner.get(key)
    for i, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield (*path, key, i), item


def _texts(owner: dict[str, object], path: KeyPath, key: str) -> Iterator[tuple[KeyPath, str]]:
    items = owner.get(key)
    for i, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, str):
            yield (*path, key, i), item
