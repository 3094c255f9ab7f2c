"""Rules with a baseline: verdicts on the change against past windows of the same label age."""

from dataclasses import replace

import pytest

from monitoring_pipeline.alerts.findings import judge_change
from monitoring_pipeline.alerts.vocabulary import Comparison, Finding, Measurement, Silence, Verdict
from monitoring_pipeline.config.models import Baseline, Escalation, Rule, Severity
from monitoring_pipeline.windows import DAY_MICROS
from tests.alerts_examples import DAY, GROUP

WORSE = Rule(
    id="mae-rose", metric="mae", above=0.2, baseline=Baseline(), escalate=Escalation(above=1, severity="critical")
)
MEASURED = Measurement(prediction_count=100, labelled_count=60, value=15.0, lower=14.0, upper=16.0)
PAST = tuple((DAY.start - week * 7 * DAY_MICROS, 9.0 + week, 0.6) for week in (1, 2, 3))


def comparison(change: float | None = 0.5, lower: float | None = 0.1, upper: float | None = 0.9) -> Comparison:
    return Comparison(
        change=change, lower=lower, upper=upper, baseline_value=10.0, past_windows=PAST, age_micros=3_600_000_000
    )


def judged(compared: Comparison | None, *, measured: Measurement = MEASURED, rule: Rule = WORSE) -> Finding:
    return judge_change(rule, group=GROUP, measurement=measured, comparison=compared, mature=False)


@pytest.mark.parametrize(
    ("compared", "verdict", "reason"),
    [
        (comparison(0.5, 0.1, 0.9), Verdict.BREACH, None),
        (comparison(0.2, 0.1, 0.3), Verdict.OK, None),
        (comparison(-0.5, -0.9, -0.1), Verdict.OK, None),
        (comparison(0.5, -0.1, 1.1), Verdict.OK, None),
        (comparison(0.5, 0.0, 1.0), Verdict.OK, None),
        (comparison(0.5, None, None), Verdict.UNDEFINED, Silence.NO_INTERVAL),
        (comparison(0.1, None, None), Verdict.OK, None),
        (replace(comparison(None, None, None), reason="baseline_zero"), Verdict.UNDEFINED, "baseline_zero"),
        (comparison(float("nan"), None, None), Verdict.UNDEFINED, Silence.NOT_FINITE),
    ],
)
def test_a_change_is_a_breach_only_beyond_its_bound_and_beyond_noise(
    compared: Comparison, verdict: Verdict, reason: str | None
) -> None:
    found = judged(compared)

    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_fall_is_judged_by_the_lower_bound() -> None:
    fell = Rule(id="recall-fell", metric="recall", below=-0.2, baseline=Baseline())

    assert judged(comparison(-0.5, -0.9, -0.1), rule=fell).verdict is Verdict.BREACH
    assert judged(comparison(-0.5, -1.1, 0.1), rule=fell).verdict is Verdict.OK
    assert judged(comparison(0.5, 0.1, 0.9), rule=fell).verdict is Verdict.OK


def test_the_finding_tells_the_change_under_a_name_of_its_own() -> None:
    found = judged(comparison(0.5, 0.1, 0.9))

    assert (found.metric, found.value, found.lower, found.upper) == ("mae_change", 0.5, 0.1, 0.9)
    assert (found.threshold, found.severity, found.labelled_count) == (0.2, Severity.WARNING, 60)


def test_a_change_beyond_the_second_bound_has_its_severity_unless_noise_explains_it() -> None:
    assert judged(comparison(1.5, 0.1, 3.0)).severity is Severity.CRITICAL
    assert judged(comparison(1.5, -0.1, 3.0)).severity is Severity.WARNING


@pytest.mark.parametrize(
    "past", [(), PAST[:1], ((PAST[0][0], 10.0, 0.6), (PAST[1][0], None, 0.0), (PAST[2][0], None, None))]
)
def test_fewer_than_two_past_windows_with_a_value_are_not_enough(
    past: tuple[tuple[int, float | None, float | None], ...],
) -> None:
    found = judged(replace(comparison(), past_windows=past))

    assert (found.verdict, found.reason, found.value) == (Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PAST_WINDOWS, None)
    assert judged(None).reason == Silence.TOO_FEW_PAST_WINDOWS


def test_a_window_with_few_labels_or_without_a_value_is_silent_and_shows_no_value_of_another_unit() -> None:
    few = judged(comparison(), measured=replace(MEASURED, labelled_count=29))
    none = judged(comparison(), measured=replace(MEASURED, value=None, reason="one_class"))

    assert (few.verdict, few.reason, few.value) == (Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_LABELS, None)
    assert (none.verdict, none.reason, none.value) == (Verdict.UNDEFINED, "one_class", None)
