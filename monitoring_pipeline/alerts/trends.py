"""The verdict of a rule with a trend: whether a metric fell, or rose, steadily over its last windows.

It is read from the numbers that stand, as persistence is, so late truth of an earlier window is felt in the later
ones. Of a metric that needs labels every window must have them: the newest would else be the youngest, too, and the
labels that come first, which are seldom like the rest, would look like a trend on every day.

It cannot see beyond a change of the model's version: a new version is a group of its own and starts from nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from monitoring_pipeline.alerts.case import Case
from monitoring_pipeline.alerts.vocabulary import Direction, Finding, Group, Measurement, Silence, Verdict
from monitoring_pipeline.config.models import Rule, TrendDirection
from monitoring_pipeline.performance.trend import change_along_line
from monitoring_pipeline.performance.values import Estimate, Interval, UndefinedReason


def judge_trend(rule: Rule, *, group: Group, windows: Sequence[Measurement | None], mature: bool) -> Finding:
    """The verdict on the change along the line through the windows, see :func:`.change_along_line`.

    Breach: the change *and its whole interval* lie beyond ``by``. Ok: the whole interval lies within it. Where the
    interval holds the bound, the windows cannot tell: ``not_enough_data``, as where one of them is missing, has no
    value or too few rows. More windows, or a larger bound, are told apart better. The finding's value, interval and
    threshold are those of the change, negative for a fall, and its metric is called ``<metric>_trend``, so that nobody
    takes -0.05 for the metric itself; its counts are those of the judged window.

    Args:
        rule: a rule with a ``trend``.
        group: whose numbers these are, with the judged window.
        windows: the metric of each, the oldest first, the judged one last; ``None`` for one that there is not.
        mature: whether every window has its labels, or they are due.
    """
    judged = windows[-1]
    assert judged is not None, "a window that is judged was measured"
    counts = replace(judged, value=None, lower=None, upper=None)
    silent = Case(rule=_bounded(rule), group=group, measurement=counts, mature=mature)
    if few := silent.short_of_rows():
        return few
    if judged.value is None:
        return silent.compared()
    values = [_usable(silent, window) for window in windows]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return silent.finding(Verdict.NOT_ENOUGH_DATA, Silence.WINDOWS_MISSING)
    if not mature:
        return silent.finding(Verdict.NOT_ENOUGH_DATA, Silence.LABELS_STILL_EXPECTED)
    change = change_along_line(known)
    if isinstance(change, UndefinedReason):
        return silent.finding(Verdict.UNDEFINED, change.value)
    return _beyond_doubt(silent, change)


def _bounded(rule: Rule) -> Rule:
    """The rule as one on the change, which has a sign: to fall by more than 0.02 is to be below -0.02."""
    assert rule.trend is not None, "only a rule with a trend follows one"
    falls, by = rule.trend.direction is TrendDirection.FALLING, rule.trend.by
    bound = {"below": 0.0 - by} if falls else {"above": by}
    return rule.model_copy(update={"metric": f"{rule.metric}_trend", **bound})


def _usable(case: Case, window: Measurement | None) -> Estimate | None:
    """A window's metric, unless it is missing or of too few rows."""
    if window is None or window.value is None or replace(case, measurement=window).short_of_rows():
        return None
    if window.lower is None or window.upper is None:
        return Estimate(value=window.value)
    return Estimate(value=window.value, interval=Interval(lower=window.lower, upper=window.upper))


def _beyond_doubt(silent: Case, change: Estimate) -> Finding:
    assert change.interval is not None, "the change along a line has one, or is not told"
    lower, upper = change.interval.lower, change.interval.upper
    measured = replace(silent.measurement, value=change.value, lower=lower, upper=upper)
    finding = replace(silent, measurement=measured).compared()
    falls = finding.direction is Direction.BELOW
    nearest, farthest = (upper, lower) if falls else (lower, upper)
    if _is_beyond(nearest, finding) or not _is_beyond(farthest, finding):
        return finding
    return replace(finding, verdict=Verdict.NOT_ENOUGH_DATA, reason=Silence.TREND_UNCERTAIN)


def _is_beyond(bound: float, finding: Finding) -> bool:
    return bound < finding.threshold if finding.direction is Direction.BELOW else bound > finding.threshold
