"""What verdicts need that depends on the label age of their windows: past windows, and the labels expected by now.

It is gathered before the transaction that records the verdicts: it reads files, and keeps what it read of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitoring_pipeline.alerts.maturity import COVERAGE_SHORTFALL
from monitoring_pipeline.alerts.persistence import windows_before
from monitoring_pipeline.alerts.vocabulary import Comparison, Group, Measurement
from monitoring_pipeline.config.models import Model, Rule
from monitoring_pipeline.database import reading
from monitoring_pipeline.performance.labels.curve import DelayCurve, learn_curve
from monitoring_pipeline.performance.labels.history import DelayHistory, HourDelays
from monitoring_pipeline.performance.labels.shortfall import NoShortfall, shortfall
from monitoring_pipeline.stages.comparing.same_age import baseline_of, comparable_age
from monitoring_pipeline.stages.labels.history import LOOK_BACK_MICROS, judged_at, label_histories
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import Grain, Window


@dataclass(frozen=True, kw_only=True, slots=True)
class OfAge:
    """What the rules of one model need that depends on age.

    Attributes:
        now: the instant that says how old each window is, microseconds UTC.
        comparisons: with past windows, by rule and group.
        curves: how labels come, as learned at an instant; ``None`` where there was too little history.
    """

    now: int
    comparisons: Mapping[tuple[str, Group], Comparison] = field(default_factory=dict)
    curves: Mapping[int, DelayCurve | None] = field(default_factory=dict)

    def shortfall(self, model: Model, window: Window, counts: Measurement) -> Measurement:
        """The labels that a group lacks, from its counts; the window is taken at its age on the ladder."""
        instant = _instant(model, window, self.now)
        told = shortfall(
            self.curves[instant],
            window=(window.start, window.end),
            prediction_count=counts.prediction_count,
            labelled_count=counts.labelled_count,
            now=instant,
        )
        if isinstance(told, NoShortfall):
            return replace(counts, reason=told.value)
        interval = told.interval
        return replace(
            counts,
            value=told.value,
            lower=interval.lower if interval else None,
            upper=interval.upper if interval else None,
        )


def of_age(pipeline: Pipeline, model: Model, grain: Grain, starts: Sequence[int], *, now: int) -> OfAge:
    """Gather it for windows that are about to be judged.

    Args:
        pipeline: the installation.
        model: the declaration with its rules.
        grain: of the windows.
        starts: their starts.
        now: the present instant.
    """
    rules = [rule for rule in model.rules if rule.grain is grain]
    comparisons = {
        (rule.id, group): comparison
        for rule in rules
        if rule.baseline is not None
        for group, comparison in baseline_of(pipeline, model, grain, _with_earlier(rule, starts), rule, now=now).items()
    }
    shortfalls = [_with_earlier(rule, starts) for rule in rules if rule.metric == COVERAGE_SHORTFALL]
    windows = [Window(start, grain) for start in sorted({start for looked_at in shortfalls for start in looked_at})]
    return OfAge(now=now, comparisons=comparisons, curves=_curves(pipeline, model, windows, now))


def _with_earlier(rule: Rule, starts: Collection[int]) -> list[int]:
    return sorted({*starts, *windows_before(rule, starts)})


def _curves(pipeline: Pipeline, model: Model, windows: Sequence[Window], now: int) -> dict[int, DelayCurve | None]:
    """How labels came in the look-back before each instant that a window is taken at.

    What is known now of that time, and not what was known then: a home that is filled later judges the same.
    """
    instants = sorted({_instant(model, window, now) for window in windows})
    if not instants:
        return {}
    with reading(pipeline.engine) as connection:
        look_back = LOOK_BACK_MICROS + now - instants[0]
        told = label_histories(connection, model.id, now=now, look_back=look_back, is_present=True)
    hours = [hour for history in told for hour in history.hours]
    return {instant: _curve(hours, instant) for instant in instants}


def _curve(hours: Sequence[HourDelays], instant: int) -> DelayCurve | None:
    earlier = [hour for hour in hours if hour.window_start < instant]
    # As for the present: what has been silent for long is still compared with what it was.
    newest = max((hour.window_start for hour in earlier if hour.delays), default=instant)
    delays = DelayHistory.of(hour for hour in earlier if hour.window_start >= newest - LOOK_BACK_MICROS)
    curve = learn_curve(delays, at=judged_at(delays, now=instant))
    return curve if isinstance(curve, DelayCurve) else None


def _instant(model: Model, window: Window, now: int) -> int:
    """When the window reached its age on the ladder: judged again before the next age, nothing has changed."""
    return window.end + comparable_age(window, model.labels, now=now)
