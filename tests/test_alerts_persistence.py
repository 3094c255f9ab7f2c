"""A breach that has to last: k of the last n windows, and what makes it mature."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from pydantic import ValidationError

from monitoring_pipeline.alerts.persistence import JudgedAlone, lasting, windows_after, windows_before
from monitoring_pipeline.alerts.vocabulary import Acquittal, Finding, Verdict
from monitoring_pipeline.config.models import Escalation, Persistence, Rule, Severity
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests.alerts_examples import finding

LASTING = Rule(id="mae-high", metric="mae", above=10, persist=Persistence(windows=2, of=3))
ESCALATING = LASTING.model_copy(update={"escalate": Escalation(above=20)})


def alone(value: float | None, *, rule: Rule = LASTING, mature: bool = True, complete: bool = True) -> JudgedAlone:
    return JudgedAlone(finding=finding(value, rule=rule, mature=mature), complete=complete)


def judged(value: float, before: Sequence[float | None], *, rule: Rule = LASTING) -> Finding:
    return lasting(rule, alone(value, rule=rule), [alone(v, rule=rule) for v in before], due=True)


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        ([], Verdict.OK),  # nothing was measured before
        ([9, 9], Verdict.OK),
        ([None, None], Verdict.OK),  # silence is not beyond the bound
        ([10, 9], Verdict.OK),  # a value on the bound is not beyond it
        ([12, 9], Verdict.BREACH),
        ([9, 12], Verdict.BREACH),
        ([12], Verdict.BREACH),
        ([12, 12], Verdict.BREACH),
    ],
)
def test_a_breach_counts_if_enough_of_the_last_windows_are_beyond_the_bound(
    before: list[float | None], verdict: Verdict
) -> None:
    assert judged(11, before).verdict is verdict


def test_what_does_not_last_is_ok_and_says_why_with_its_value() -> None:
    found = judged(11, [9, 9])

    assert (found.verdict, found.reason, found.value, found.threshold) == (
        Verdict.OK,
        Acquittal.NOT_PERSISTENT,
        11.0,
        10.0,
    )


def test_a_window_within_its_bound_stays_ok_whatever_was_before() -> None:
    assert judged(9, [12, 12]) == alone(9).finding


def test_a_rule_without_persistence_looks_back_at_nothing() -> None:
    rule = LASTING.model_copy(update={"persist": None})

    assert (windows_before(rule, [0]), windows_after(rule, [0])) == (set(), set())
    assert judged(11, [], rule=rule).verdict is Verdict.BREACH


@pytest.mark.parametrize(("grain", "micros"), [(Grain.HOUR, HOUR_MICROS), (Grain.DAY, DAY_MICROS)])
def test_windows_look_back_at_those_right_before_them(grain: Grain, micros: int) -> None:
    rule = LASTING.model_copy(update={"grain": grain})

    assert windows_before(rule, [0]) == {-2 * micros, -micros}
    assert windows_after(rule, [0, micros]) == {micros, 2 * micros, 3 * micros}


def test_the_stricter_bound_has_to_be_crossed_as_often_else_the_severity_is_that_of_the_rule() -> None:
    once = judged(25, [12, 9], rule=ESCALATING)
    twice = judged(25, [12, 21], rule=ESCALATING)
    never = judged(25, [9, 9], rule=ESCALATING)

    assert (once.verdict, once.severity, once.threshold) == (Verdict.BREACH, Severity.WARNING, 10.0)
    assert (twice.verdict, twice.severity, twice.threshold) == (Verdict.BREACH, Severity.CRITICAL, 20.0)
    assert (never.verdict, never.severity, never.threshold) == (Verdict.OK, Severity.WARNING, 10.0)


def test_an_escalated_window_before_counts_for_a_breach_of_the_rule_too() -> None:
    assert judged(12, [25, 9], rule=ESCALATING).verdict is Verdict.BREACH


@pytest.mark.parametrize(
    ("own", "before", "due", "mature"),
    [
        ((True, True), [(True, True)], False, True),
        ((True, True), [(False, False)], False, False),  # its late truth may take the breach back
        ((True, True), [(True, False)], False, False),  # old enough, but nothing would say when it came of age
        ((True, True), [(True, False), (True, True)], False, True),
        ((False, False), [(True, True), (True, True)], False, False),
        ((True, False), [(True, False)], True, True),  # due by age, and so are all before it
    ],
)
def test_a_lasting_breach_is_mature_when_nothing_it_rests_on_can_change(
    own: tuple[bool, bool], before: list[tuple[bool, bool]], *, due: bool, mature: bool
) -> None:
    window = alone(12, mature=own[0], complete=own[1])
    earlier = [alone(12, mature=was_mature, complete=complete) for was_mature, complete in before]

    assert lasting(LASTING, window, earlier, due=due).mature is mature


def test_seeded_sequences_agree_with_counting_by_hand() -> None:
    rng = random.Random(4)
    for _ in range(300):
        of = rng.randint(2, 6)
        rule = LASTING.model_copy(update={"persist": Persistence(windows=rng.randint(2, of), of=of)})
        values = [rng.choice([None, 9.0, 10.0, 12.0]) for _ in range(of - 1)]
        assert rule.persist is not None

        found = judged(12, values, rule=rule)

        beyond = 1 + sum(value == 12 for value in values)
        assert (found.verdict is Verdict.BREACH) == (beyond >= rule.persist.windows)
        assert replace(found, verdict=Verdict.BREACH, reason=None) == alone(12, rule=rule).finding


@pytest.mark.parametrize("persist", [{"windows": 1, "of": 3}, {"windows": 4, "of": 3}, {"windows": 2}, {"of": 3}])
def test_a_persistence_that_means_nothing_is_refused(persist: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"id": "r", "metric": "mae", "above": 1, "persist": persist})
