"""One number per hour, and the hours that must not be computed from."""

from collections import defaultdict
from collections.abc import Iterable

from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.quality.verdicts import QualityResult, Verdict

# A broken critical expectation outweighs several warnings, but never hides that there are warnings too.
WEIGHTS = {Severity.CRITICAL: 5, Severity.WARNING: 2, Severity.INFO: 1}


def scores(results: Iterable[QualityResult]) -> dict[int, float]:
    """The weighted share of expectations that passed, per hour.

    ``score = sum(weight of passed) / sum(weight of all)`` with critical 5, warning 2, info 1. An ``error``
    counts as not passed. The score says how many expectations hold, not how many rows are good: one bad
    row among a million fails an expectation as a million do.

    Args:
        results: verdicts of one model; several datasets may be mixed.

    Returns:
        Hour (microseconds UTC) to a score within 0 and 1. An hour without rows is absent: nothing was
        looked at, which is neither good nor bad.

    >>> from monitoring_pipeline.quality.verdicts import QualityResult
    >>> def verdict(severity, verdict):
    ...     return QualityResult(
    ...         window_start=0, dataset="joined_predictions", expectation="it holds", severity=severity,
    ...         verdict=verdict, unexpected_count=0, row_count=10, detail=None)
    >>> scores([verdict(Severity.CRITICAL, Verdict.PASSED), verdict(Severity.WARNING, Verdict.FAILED)])
    {0: 0.7142857142857143}
    """
    passed: dict[int, int] = defaultdict(int)
    total: dict[int, int] = defaultdict(int)
    for result in results:
        if not result.row_count:
            continue
        weight = WEIGHTS[result.severity]
        total[result.window_start] += weight
        passed[result.window_start] += weight if result.verdict is Verdict.PASSED else 0
    return {hour: passed[hour] / total[hour] for hour in total}


def blocked_hours(results: Iterable[QualityResult]) -> set[int]:
    """Hours from which a later stage would compute nonsense: a critical expectation failed or errored."""
    return {
        result.window_start
        for result in results
        if result.severity is Severity.CRITICAL and result.verdict is not Verdict.PASSED
    }
