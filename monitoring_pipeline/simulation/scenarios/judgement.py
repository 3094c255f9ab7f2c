"""Whether the monitor said what it should: what stands and stood in a simulation's store against what was injected."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.simulation.scenarios.declaration import WatchedRule
from monitoring_pipeline.simulation.scenarios.events import MONITORING_START
from monitoring_pipeline.simulation.scenarios.outcome import Ending, Notice, Outcome, RuleOutcome
from monitoring_pipeline.simulation.scenarios.rows import World
from monitoring_pipeline.simulation.scenarios.said import (
    EXPECTATIONS,
    FAILED,
    Said,
    alerts_said,
    drift_said,
    expectations_said,
    judged_windows,
)
from monitoring_pipeline.simulation.scenarios.scenario import Scenario, Signal
from monitoring_pipeline.windows import HOUR_MICROS, Window, isoformat

MUST_SPEAK = frozenset(
    {Signal.DRIFT, Signal.PREDICTION_DRIFT, Signal.LABEL_DRIFT, Signal.CONCEPT_DRIFT, Signal.PERFORMANCE}
)
"""What has to have judged a window, before the silence of a healthy model is called quiet."""


def outcome_of(
    installation: Installation, world: World, watched: Sequence[WatchedRule], *, rejected_count: int
) -> Outcome:
    """The outcome, read from what stands and stood in the simulation's store."""
    scenario = world.scenario
    onset = None if scenario.is_control else MONITORING_START + round(scenario.onset_hours * HOUR_MICROS)
    signals = {watch.rule["id"]: watch.signal for watch in watched} | {EXPECTATIONS: Signal.QUALITY}
    with reading(installation.engine) as connection:
        said = [*alerts_said(connection), *expectations_said(connection)]
        drifts = [drift for drift in drift_said(connection, scenario.feature) if _is_after(drift.window, onset)]
        judged = judged_windows(connection)
    rules = tuple(
        _rule_outcome(scenario, rule_id, signal, [s for s in said if s.by == rule_id], judged.get(rule_id, []), onset)
        for rule_id, signal in signals.items()
    )
    return Outcome(
        scenario=scenario.name,
        injected=scenario.told(),
        onset_at=None if onset is None else isoformat(onset),
        feature=scenario.feature,
        seed=scenario.seed,
        home=str(installation.home.root),
        ending=ending_of(scenario, rules, has_drifted=bool(drifts)),
        first_drift=_first(drifts, onset),
        rules=rules,
        rejected_count=rejected_count,
    )


def _rule_outcome(
    scenario: Scenario,
    rule_id: str,
    signal: Signal,
    said: Sequence[Said],
    judged: Sequence[Window],
    onset: int | None,
) -> RuleOutcome:
    after = [s for s in said if _is_after(s.window, onset)]
    return RuleOutcome(
        rule_id=rule_id,
        signal=signal,
        expected=scenario.expects(signal),
        judged_count=sum(onset is None or _is_after(window, onset) for window in judged),
        before=_counts(s for s in said if not _is_after(s.window, onset)),
        after=_counts(after),
        first=_first(after, onset),
    )


def _counts(said: Iterable[Said]) -> dict[str, int]:
    return dict(sorted(Counter(s.state for s in said).items()))


def _is_after(window: Window, onset: int | None) -> bool:
    """Whether the window holds an instant at which something was injected."""
    return onset is not None and window.end > onset


def _first(said: Sequence[Said], onset: int | None) -> Notice | None:
    if not said or onset is None:
        return None
    first = min(said, key=lambda s: (s.known_at, s.window, s.what))
    return Notice(
        what=first.what,
        window_start=isoformat(first.window.start),
        known_at=isoformat(first.known_at),
        delay_hours=round((first.known_at - onset) / HOUR_MICROS, 2),
    )


def ending_of(scenario: Scenario, rules: Sequence[RuleOutcome], *, has_drifted: bool) -> Ending:
    """Whether what stands is what the scenario declares.

    Args:
        scenario: what was injected.
        rules: what each rule came to.
        has_drifted: whether the feature that it was done to was ever said to drift after the onset.
    """
    standing = {rule.signal for rule in rules if _stands(rule.after)}
    # Another feature's drift is not what was injected.
    seen = standing if has_drifted else standing - {Signal.DRIFT}
    spoke = {rule.signal for rule in rules if rule.judged_count}
    if unseen := scenario.raises - seen:
        return Ending.MISSED if unseen & spoke else Ending.NOT_ENOUGH_DATA
    # Of a failure the healthy days before it are counted, but not held against it.
    early = set() if scenario.raises else {rule.signal for rule in rules if _stands(rule.before)}
    if (standing | early) & scenario.silent:
        return Ending.FALSE_ALARM
    if scenario.raises:
        return Ending.SEEN
    # Silence of what could not speak is not health.
    return Ending.QUIET if spoke >= scenario.silent & MUST_SPEAK else Ending.NOT_ENOUGH_DATA


def _stands(states: Mapping[str, int]) -> bool:
    return any(state == FAILED or AlertState(state).active for state in states)
