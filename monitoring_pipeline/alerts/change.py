"""One finding that changed, and what it does to its alert."""

from dataclasses import dataclass

from monitoring_pipeline.alerts.standing import StandingAlert
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding, Verdict
from monitoring_pipeline.config.models import Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A finding that differs from the one before, and what it does to its alert."""

    finding: Finding
    before: Finding | None
    since: int | None  # knowledge time of the finding before
    at: int  # knowledge time, microseconds UTC
    alert: StandingAlert | None
    to_state: AlertState | None

    @property
    def from_state(self) -> AlertState | None:
        """Where the alert stands; ``None`` if there has been none."""
        return None if self.alert is None else self.alert.state

    @property
    def severity(self) -> Severity:
        """The alert's severity after this change: an ok ends the alert at the severity that people know it by."""
        if self.finding.verdict is Verdict.BREACH or self.alert is None:
            return self.finding.severity
        return self.alert.severity

    @property
    def moves(self) -> bool:
        """Whether the alert changes its state, or its severity while it stands."""
        if self.to_state is not self.from_state:
            return True
        return self.alert is not None and self.severity is not self.alert.severity

    @property
    def sequence(self) -> int:
        """Number of the alert's last event after this change."""
        return (0 if self.alert is None else self.alert.sequence) + self.moves
