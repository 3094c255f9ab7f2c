"""A window beside past ones of the same label age, so that a young window is never measured against complete ones.

A window whose labels are still coming in shows the labels that came first, which are seldom like the rest: a short
flight lands, and is judged, before a long one. So a young window is compared with past windows as they stood when
they were as young.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from monitoring_pipeline.alerts.vocabulary import Comparison, Group
from monitoring_pipeline.config.models import Baseline, Labels, Model, Rule
from monitoring_pipeline.performance.comparison import NoChange, relative_change
from monitoring_pipeline.stages.comparing.snapshots import GroupName, Snapshot, metric_of, same_group, snapshots
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, MICROSECOND, Grain, Window

# Hours. Windows are looked at when they are one of these ages old, not at every minute: the past windows' answers
# are then computed once and kept. Beyond them every further day counts.
AGES_HOURS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 36)


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


def _comparison(
    metric: str, present: Snapshot, earlier: Sequence[tuple[int, Snapshot | None]], age_micros: int
) -> Comparison:
    values = [(start, metric_of(snapshot, metric), snapshot) for start, snapshot in earlier]
    told = tuple(
        (start, value.value if value else None, snapshot.coverage if snapshot else None)
        for start, value, snapshot in values
    )
    window = metric_of(present, metric)
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
