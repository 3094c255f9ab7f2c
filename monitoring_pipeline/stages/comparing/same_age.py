"""Windows as they were known at a label age, so that a young window is never measured against complete ones.

A window whose labels are still coming in shows the labels that came first, which are seldom like the rest: a short
flight lands, and is judged, before a long one. So a young window is compared with past windows as they stood when
they were as young.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.alerts.vocabulary import Comparison, Group
from monitoring_pipeline.config.models import Baseline, Labels, Model, Rule
from monitoring_pipeline.performance.comparison import NoChange, relative_change
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.stages.comparing.sums_known_at import sums_known_at
from monitoring_pipeline.stages.measuring.families import families
from monitoring_pipeline.stages.measuring.groups import GroupKey
from monitoring_pipeline.stages.measuring.measure import complete_segments
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, MICROSECOND, Grain, Window

# Hours. Windows are looked at when they are one of these ages old, not at every minute: the past windows' answers
# are then computed once and kept. Beyond them every further day counts.
AGES_HOURS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 36)

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
        return self.labelled_count / self.prediction_count if self.prediction_count else None


def comparable_age(window: Window, labels: Labels, *, now: int) -> int:
    """The label age at which a window is compared: the last of a ladder that it has reached, microseconds.

    Once its labels are mature by age, a window is compared as it is at maturity.
    """
    maturity: int = labels.maturity // MICROSECOND
    age = min(max(now - window.end, 0), maturity)
    if age == maturity:
        return age
    days = range(48, age // HOUR_MICROS + 1, 24)
    reached = [hours * HOUR_MICROS for hours in [*AGES_HOURS, *days] if hours * HOUR_MICROS <= age]
    return max(reached, default=0)


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


def baseline_of(
    pipeline: Pipeline, model: Model, grain: Grain, starts: Sequence[int], rule: Rule, *, now: int
) -> dict[Group, Comparison]:
    """Each group's change against the past windows that a rule's ``baseline`` names, all at one label age.

    Args:
        pipeline: the installation.
        model: its present declaration.
        grain: of the windows.
        starts: the windows to judge.
        rule: has a ``baseline``.
        now: the present instant, which says how old each window is.
    """
    assert rule.baseline is not None, "only a rule with a baseline is compared"
    by_age: dict[int, list[Window]] = defaultdict(list)
    for start in starts:
        window = Window(start, grain)
        by_age[comparable_age(window, model.labels, now=now)].append(window)
    compared: dict[Group, Comparison] = {}
    for age, windows in by_age.items():
        past = {window: past_windows(window, rule.baseline) for window in windows}
        wanted = {window.start for window in windows} | {start for starts in past.values() for start in starts}
        known = snapshots(pipeline, model, grain, sorted(wanted), age_micros=age)
        for window in windows:
            compared |= _compared(model, rule.metric, window, past[window], known, age)
    return compared


def past_windows(window: Window, baseline: Baseline) -> list[int]:
    """The starts of the past windows that a baseline names, the newest first."""
    step = baseline.every // MICROSECOND
    return [window.start - step * back for back in range(1, baseline.windows + 1)]


def _compared(
    model: Model,
    metric: str,
    window: Window,
    past: Sequence[int],
    known: Mapping[int, Mapping[GroupName, Snapshot]],
    age_micros: int,
) -> dict[Group, Comparison]:
    compared: dict[Group, Comparison] = {}
    for name, present in known.get(window.start, {}).items():
        version, environment, segment = name
        group = Group(model_id=model.id, model_version=version, environment=environment, segment=segment, window=window)
        earlier = [(start, same_group(known.get(start, {}), name)) for start in past]
        compared[group] = _comparison(metric, present, earlier, age_micros)
    return compared


def same_group(groups: Mapping[GroupName, Snapshot], name: GroupName) -> Snapshot | None:
    """The group of a past window; a new version is compared with the one that then had the most predictions."""
    if name in groups:
        return groups[name]
    _, environment, segment = name
    others = [groups[other] for other in sorted(groups) if other[1:] == (environment, segment)]
    return max(others, key=lambda snapshot: snapshot.prediction_count, default=None)


def _comparison(
    metric: str, present: Snapshot, earlier: Sequence[tuple[int, Snapshot | None]], age_micros: int
) -> Comparison:
    values = [(start, _value(snapshot, metric), snapshot) for start, snapshot in earlier]
    told = tuple(
        (start, value.value if value else None, snapshot.coverage if snapshot else None)
        for start, value, snapshot in values
    )
    window = _value(present, metric)
    change = (
        NoChange.NO_VALUE if window is None else relative_change(window, [value for _, value, _ in values if value])
    )
    if isinstance(change, NoChange):
        return Comparison(
            change=None,
            lower=None,
            upper=None,
            baseline_value=None,
            past_windows=told,
            age_micros=age_micros,
            reason=change.value,
        )
    return Comparison(
        change=change.value,
        lower=change.interval.lower if change.interval else None,
        upper=change.interval.upper if change.interval else None,
        baseline_value=change.baseline,
        past_windows=told,
        age_micros=age_micros,
    )


def _value(snapshot: Snapshot | None, metric: str) -> MetricValue | None:
    return None if snapshot is None else snapshot.metrics.get(metric)


def _snapshot(pipeline: Pipeline, model: Model, window: Window, age_micros: int) -> dict[GroupName, Snapshot]:
    hours = list(window.hours())
    parts: dict[GroupKey, list[Sums]] = defaultdict(list)
    for key, sums in sums_known_at(pipeline, model, hours, instant=window.end + age_micros).items():
        parts[key.within(window.start)].append(sums)
    whole = complete_segments({key: merge(sums) for key, sums in parts.items()})
    found: dict[GroupName, dict[str, MetricValue]] = defaultdict(dict)
    counts: dict[GroupName, tuple[int, int]] = {}
    judged = {family.name for family in families(model) if family.judges}
    for key, value in whole.items():
        name = (key.model_version, key.environment, key.segment)
        found[name] |= {result.metric: result for result in evaluate(value)}
        if key.family in judged:
            counts[name] = (value.prediction_count, value.labelled_count)
    return {
        name: Snapshot(metrics=metrics, prediction_count=counts[name][0], labelled_count=counts[name][1])
        for name, metrics in found.items()
    }
