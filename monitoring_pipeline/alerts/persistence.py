"""A breach that has to last: it counts if enough of the last windows were beyond the bound, too.

Each window is first judged alone; a rule with ``persist`` then looks back at what it says of the windows before. It
reads that from the numbers that stand, never from findings that were written, so the verdict does not depend on the
order in which windows were judged, and late truth of an earlier window is felt in the later ones.

It cannot see beyond a change of the model's version: a new version is a group of its own and starts from nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.alerts.case import bound_of
from monitoring_pipeline.alerts.vocabulary import Acquittal, Finding, Verdict
from monitoring_pipeline.config.models import Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedAlone:
    """What a rule says of one window by its own numbers.

    Attributes:
        finding: the verdict.
        complete: whether the window has the labels that could change it, whatever its age.
    """

    finding: Finding
    complete: bool


def windows_before(rule: Rule, starts: Collection[int]) -> set[int]:
    """The starts of the earlier windows that a rule looks back at from these; none without ``persist`` or ``trend``."""
    return {start - step for start in starts for step in _steps(rule)}


def windows_after(rule: Rule, starts: Collection[int]) -> set[int]:
    """The starts of the later windows that look back at these."""
    return {start + step for start in starts for step in _steps(rule)}


def lasting(rule: Rule, judged: JudgedAlone, before: Sequence[JudgedAlone], *, due: bool) -> Finding:
    """The verdict on a window among those before it.

    A breach stands if at least ``persist.windows`` of the last ``persist.of`` windows, this one included, are
    breaches; else it is ok, with its value and :attr:`.Acquittal.NOT_PERSISTENT`. A window that is missing, or had
    not enough data, is not beyond the bound. The bound of ``escalate`` is held in the same way: with too few windows
    beyond it, the breach has the severity of the rule.

    It is mature if the window's labels are due, or if it and as many breaches as are needed have their labels. That an
    earlier window is old enough counts for nothing until this one is, too: no arrival would tell when.

    Args:
        rule: the rule that judged.
        judged: the window.
        before: the windows that the rule looks back at, of the same group, as far as there are any.
        due: whether the window's labels are due by its age.
    """
    finding = judged.finding
    if rule.persist is None or finding.verdict is not Verdict.BREACH:
        return finding
    breaches = [other for other in (*before, judged) if other.finding.verdict is Verdict.BREACH]
    beyond = [other for other in breaches if finding.severity in {rule.severity, other.finding.severity}]
    if len(beyond) >= rule.persist.windows:
        complete = sum(other.complete for other in beyond) >= rule.persist.windows
        return replace(finding, mature=finding.mature and (due or complete))
    if finding.severity is not rule.severity:
        lesser = replace(finding, severity=rule.severity, threshold=bound_of(rule))
        return lasting(rule, replace(judged, finding=lesser), before, due=due)
    return replace(finding, verdict=Verdict.OK, reason=Acquittal.NOT_PERSISTENT)


def _steps(rule: Rule) -> range:
    count = rule.trend.windows if rule.trend else rule.persist.of if rule.persist else 1
    return range(rule.grain.micros, count * rule.grain.micros, rule.grain.micros)
