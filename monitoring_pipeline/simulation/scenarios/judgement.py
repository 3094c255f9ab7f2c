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
        _rule_outcome(rule_id, signal, [s for s in said if s.by == rule_id], judged.get(rule_id, []), onset)
        for rule_id, signal in signals.items()
    )
    return Outcome(
        scenario=scenario.name,
        injected=scenario.told(),
        onset_at=None if onset is None else isoformat(onset),
        feature=scenario.feature,
        seed=scenario.seed,
        home=str(installation.home.root),
        ending=_ending(scenario, rules, has_drifted=bool(drifts)),
        first_drift=_first(drifts, onset),
        rules=rules,
        rejected_count=rejected_count,
    )


def _rule_outcome(
    rule_id: str, signal: Signal, said: Sequence[Said], judged: Sequence[Window], onset: int | None
) -> RuleOutcome:
    after = [s for s in said if _is_after(s.window, onset)]
    return RuleOutcome(
        rule_id=rule_id,
        signal=signal,
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


def _ending(scenario: Scenario, rules: Sequence[RuleOutcome], *, has_drifted: bool) -> Ending:
    wanted = scenario.raises or scenario.silent
    spoke = {rule.signal for rule in rules if rule.judged_count} & wanted
    if scenario.raises:
        seen = {rule.signal for rule in rules if _stands(rule.after)} & wanted
        # Another feature's drift is not what was injected.
        seen -= set() if has_drifted else {Signal.DRIFT}
        return Ending.SEEN if seen else Ending.MISSED if spoke else Ending.NOT_ENOUGH_DATA
    if any(_stands(rule.before) or _stands(rule.after) for rule in rules if rule.signal in wanted):
        return Ending.FALSE_ALARM
    # Silence of what could not speak is not health.
    needed = wanted & {Signal.DRIFT, Signal.PERFORMANCE}
    return Ending.QUIET if spoke >= needed else Ending.NOT_ENOUGH_DATA


def _stands(states: Mapping[str, int]) -> bool:
    return any(state == FAILED or AlertState(state).active for state in states)
