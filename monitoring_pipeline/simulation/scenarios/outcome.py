"""What a simulation came to: what was injected, what the monitor said of it, and whether that was right."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from monitoring_pipeline.simulation.scenarios.scenario import Expected, Signal


class Ending(StrEnum):
    """Whether the monitor said what it should."""

    SEEN = "seen"
    MISSED = "missed"
    QUIET = "quiet"
    FALSE_ALARM = "false_alarm"
    NOT_ENOUGH_DATA = "not_enough_data"

    @property
    def meaning(self) -> str:
        """In words."""
        return _MEANINGS[self]

    @property
    def right(self) -> bool:
        """Whether it is what should be."""
        return self in (Ending.SEEN, Ending.QUIET)


_MEANINGS = {
    Ending.SEEN: "what was injected was raised",
    Ending.MISSED: "what was injected was not raised, or not all of it",
    Ending.QUIET: "there was nothing to be raised, and nothing stands that should not",
    Ending.FALSE_ALARM: "something stands that should not",
    Ending.NOT_ENOUGH_DATA: "no window had rows enough for the rules that were to speak",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The first time that something was noticed.

    Attributes:
        what: the rule, the feature or the expectation.
        window_start: of the window that it was noticed in, ISO 8601.
        known_at: when the monitor said so; days are judged when they are over.
        delay_hours: from the onset to ``known_at``.
    """

    what: str
    window_start: str
    known_at: str
    delay_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What one rule, or the expectations together, came to.

    Attributes:
        rule_id: of the rule; ``expectations`` of what is expected of the rows.
        signal: what it is for.
        expected: what should become of it in this scenario.
        judged_count: windows that had data enough for a verdict; after the onset, where there is one.
        before: alerts by state on windows that ended before the onset, or on any window if nothing was injected.
        after: alerts by state on the other windows.
        first: the first alert on those.
    """

    rule_id: str
    signal: Signal
    expected: Expected
    judged_count: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    first: Notice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A simulation's end.

    Attributes:
        scenario: its name.
        injected: what was done, in words.
        onset_at: when, ISO 8601; ``None`` where nothing was.
        feature: the feature that it was done to, or would have been.
        seed: the seed.
        home: the ``MONITOR_HOME`` that it can be looked at in.
        ending: whether the monitor said what it should.
        first_drift: the first window in which that feature drifted after the onset.
        rules: what each rule came to.
        rejected_count: rows that ingest refused.
    """

    scenario: str
    injected: str
    onset_at: str | None
    feature: str
    seed: int
    home: str
    ending: Ending
    first_drift: Notice | None
    rules: tuple[RuleOutcome, ...]
    rejected_count: int

    @property
    def first_alert(self) -> Notice | None:
        """The first alert after the onset, of any rule."""
        notices = [rule.first for rule in self.rules if rule.first is not None]
        return min(notices, key=lambda notice: (notice.known_at, notice.what), default=None)

    @property
    def false_alarm_count(self) -> int:
        """Alerts on windows in which nothing was injected, whatever became of them."""
        return sum(sum(rule.before.values()) for rule in self.rules)

    def as_json(self) -> dict[str, Any]:
        """With stable keys."""
        first = self.first_alert
        return {
            **asdict(self),
            "first_alert": None if first is None else asdict(first),
            "false_alarm_count": self.false_alarm_count,
        }
