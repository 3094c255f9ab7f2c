"""Rules with a trend: verdicts on the fall or rise over several windows."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitoring_pipeline.alerts.persistence import windows_after, windows_before
from monitoring_pipeline.alerts.trends import judge_trend
from monitoring_pipeline.alerts.vocabulary import Direction, Finding, Measurement, Silence, Verdict
from monitoring_pipeline.config.models import Rule, Trend, TrendDirection
from monitoring_pipeline.windows import DAY_MICROS
from tests.alerts_examples import DAY, GROUP

FALLING = Rule(
    id="losing-confidence", metric="average_confidence", trend=Trend(direction=TrendDirection.FALLING, by=0.02)
)
RISING = Rule(id="slower", metric="latency_p95_ms", trend=Trend(direction=TrendDirection.RISING, by=50.0))
STEADY = (0.9, 0.9, 0.9, 0.9)
FELL = (0.90, 0.87, 0.84, 0.81)


def measured(value: float | None, *, half: float = 0.002) -> Measurement:
    """A metric of 100 predictions that needs no labels."""
    lower, upper = (None, None) if value is None else (value - half, value + half)
    return Measurement(
        prediction_count=100, labelled_count=0, value=value, lower=lower, upper=upper, needs_labels=False
    )


def labelled(value: float, count: int = 90) -> Measurement:
    return replace(measured(value), labelled_count=count, needs_labels=True)


def judged(
    values: Sequence[float | None], *, rule: Rule = FALLING, mature: bool = True, half: float = 0.002
) -> Finding:
    return judge_trend(rule, group=GROUP, windows=[measured(v, half=half) for v in values], mature=mature)


@pytest.mark.parametrize(
    ("values", "half", "verdict", "reason"),
    [
        (FELL, 0.002, Verdict.BREACH, None),
        (STEADY, 0.002, Verdict.OK, None),
        (FELL[::-1], 0.002, Verdict.OK, None),
        (FELL, 0.06, Verdict.NOT_ENOUGH_DATA, Silence.TREND_UNCERTAIN),  # beyond the bound, and so uncertain
        (STEADY, 0.06, Verdict.NOT_ENOUGH_DATA, Silence.TREND_UNCERTAIN),  # within it, and so uncertain
        ((0.90, 0.80, 0.92, 0.85), 0.002, Verdict.NOT_ENOUGH_DATA, Silence.TREND_UNCERTAIN),
        (FELL[::-1], 0.12, Verdict.NOT_ENOUGH_DATA, Silence.TREND_UNCERTAIN),
        ((1e308, -1e308, 1e308, -1e308), 0.0, Verdict.UNDEFINED, "overflow"),
    ],
)
def test_it_is_a_breach_if_the_whole_interval_is_beyond_and_ok_if_it_is_within(
    values: Sequence[float], half: float, verdict: Verdict, reason: str | None
) -> None:
    found = judged(values, half=half)

    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_rise_is_judged_by_the_other_side() -> None:
    rose = (200.0, 250.0, 300.0, 350.0)

    assert judged(rose, rule=RISING).verdict is Verdict.BREACH
    assert judged(rose[::-1], rule=RISING).verdict is Verdict.OK
    assert judged(rose, rule=RISING, half=200.0).reason == Silence.TREND_UNCERTAIN
    assert judged(rose, rule=RISING).direction is Direction.ABOVE
    assert judged(rose, rule=RISING).threshold == 50.0


def test_the_finding_tells_the_change_under_a_name_of_its_own() -> None:
    found = judged(FELL)

    assert found.metric == "average_confidence_trend"
    assert found.value == pytest.approx(-0.09)
    assert (found.threshold, found.direction) == (-0.02, Direction.BELOW)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < -0.09 < found.upper < -0.02
    assert (found.prediction_count, found.labelled_count) == (100, 0)


def test_any_fall_that_is_certain_is_beyond_a_bound_of_zero() -> None:
    any_fall = FALLING.model_copy(update={"trend": Trend(direction=TrendDirection.FALLING, by=0.0)})

    assert judged((0.900, 0.899, 0.898, 0.897), rule=any_fall, half=1e-4).verdict is Verdict.BREACH
    assert judged(STEADY, rule=any_fall, half=0.0).verdict is Verdict.OK
    assert str(judged(STEADY, rule=any_fall, half=0.0).threshold) == "0.0"


@pytest.mark.parametrize(
    "missing",
    [
        None,
        measured(None),
        replace(measured(0.87), prediction_count=29),
        labelled(0.87, 29),
    ],
)
def test_a_window_that_is_missing_or_has_too_few_rows_leaves_no_trend(missing: Measurement | None) -> None:
    windows = [measured(0.90), missing, measured(0.84), measured(0.81)]

    found = judge_trend(FALLING, group=GROUP, windows=windows, mature=False)

    assert (found.verdict, found.reason) == (Verdict.NOT_ENOUGH_DATA, Silence.WINDOWS_MISSING)
    assert (found.value, found.lower, found.upper) == (None, None, None)


def test_the_judged_window_says_itself_what_it_lacks() -> None:
    before = [measured(value) for value in FELL[:3]]

    few = judge_trend(FALLING, group=GROUP, windows=[*before, replace(measured(0.8), prediction_count=29)], mature=True)
    young = judge_trend(FALLING, group=GROUP, windows=[*before, labelled(0.8, 29)], mature=False)
    none = judge_trend(FALLING, group=GROUP, windows=[*before, replace(measured(None), reason="one_row")], mature=True)

    assert (few.verdict, few.reason) == (Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PREDICTIONS)
    assert (young.verdict, young.reason) == (Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_LABELS)
    assert (none.verdict, none.reason, none.value) == (Verdict.UNDEFINED, "one_row", None)


def test_windows_whose_labels_are_expected_wait_for_them() -> None:
    windows = [labelled(value) for value in FELL]

    young = judge_trend(FALLING, group=GROUP, windows=windows, mature=False)
    old = judge_trend(FALLING, group=GROUP, windows=windows, mature=True)

    assert (young.verdict, young.reason, young.mature) == (
        Verdict.NOT_ENOUGH_DATA,
        Silence.LABELS_STILL_EXPECTED,
        False,
    )
    assert (old.verdict, old.mature) == (Verdict.BREACH, True)


def test_a_trend_looks_back_at_the_windows_before_the_judged_one() -> None:
    assert windows_before(FALLING, [DAY.start]) == {DAY.start - days * DAY_MICROS for days in (1, 2, 3)}
    assert windows_after(FALLING, [DAY.start]) == {DAY.start + days * DAY_MICROS for days in (1, 2, 3)}
