"""What rules with a trend judge: each group's window beside those before it, as they stand."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from monitoring_pipeline.alerts.maturity import as_stored, due_at, is_complete
from monitoring_pipeline.alerts.persistence import windows_before
from monitoring_pipeline.alerts.trends import judge_trend
from monitoring_pipeline.alerts.vocabulary import Finding, Group, Measurement
from monitoring_pipeline.config.models import Model, Rule
from monitoring_pipeline.stages.judging.evidence import of_metric
from monitoring_pipeline.windows import Window


def trend_verdicts(
    rule: Rule,
    model: Model,
    measured: Mapping[Group, Mapping[str, Measurement]],
    windows: Collection[int],
    *,
    now: int,
) -> Iterator[Finding]:
    """The verdict of a rule with a trend on each group of some windows.

    It waits for labels until each window has them or those of the judged one, the youngest, are due. That an earlier
    window is old enough counts for nothing until then: no arrival would tell when.

    Args:
        rule: has a ``trend``.
        model: its declaration.
        measured: the metrics of the groups that the rule covers, of these windows and those before.
        windows: starts of those to judge.
        now: says how old the windows are, microseconds UTC.
    """
    told = {group: of_metric(model, by_metric, rule.metric) for group, by_metric in measured.items()}
    for group in told:
        if group.window.start not in windows:
            continue
        span = [told.get(other) for other in _span(rule, group)]
        complete = all(is_complete(window, model.labels) for window in span if window is not None)
        mature = complete or now >= due_at(group.window, model.labels)
        yield as_stored(judge_trend(rule, group=group, windows=span, mature=mature), complete=complete)


def _span(rule: Rule, group: Group) -> list[Group]:
    """The same group in each window of the trend, the oldest first."""
    starts = [*sorted(windows_before(rule, [group.window.start])), group.window.start]
    return [replace(group, window=Window(start, rule.grain)) for start in starts]
