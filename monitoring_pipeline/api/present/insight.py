"""What the S4 routes share over requests: answers that were computed, until they are outdated."""

from dataclasses import dataclass

from monitoring_pipeline.api.present.latest import LatestAnswers
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.drift_monitor import DriftMonitor, DriftResult
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.reports.present import Present, PresentPerformance
from monitoring_pipeline.reports.present_operations import Operations, PresentOperations


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftNow:
    """What a look-back found.

    Attributes:
        verdict: drift if anything drifted, not enough data if nothing could be judged.
        reason: why there is not enough data.
        results: one for each feature and output of each version and environment.
        as_of: microseconds UTC.
    """

    verdict: DriftVerdict
    reason: str | None
    results: tuple[DriftResult, ...]
    as_of: int


class Insight:
    """The answers of one process, about one installation.

    Attributes:
        installation: config, store and clock.
        drift: the look-backs, by model and hours; each with the instant that it is as of.
        performance: the last hours, by model and hours.
        operations: how the last hours were served, by model and hours.
        reports: the pages, by model and days.
        present: computes performance.
        served: computes operations.
        monitor: computes drift.
    """

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.drift: LatestAnswers[DriftNow] = LatestAnswers()
        self.performance: LatestAnswers[Present] = LatestAnswers()
        self.operations: LatestAnswers[Operations] = LatestAnswers()
        self.reports: LatestAnswers[str] = LatestAnswers()
        self.present = PresentPerformance(installation.pipeline)
        self.served = PresentOperations(installation.pipeline)
        self.monitor = DriftMonitor(installation)
