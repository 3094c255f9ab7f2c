"""The coverage that a young window lacks against windows like it at the same age."""

import pytest

from monitoring_pipeline.performance.labels.curve import DelayCurve, learn_curve
from monitoring_pipeline.performance.labels.shortfall import (
    NoShortfall,
    expected_coverage,
    past_coverages,
    shortfall,
)
from monitoring_pipeline.performance.values import Estimate
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.label_examples import MONDAY, World, batches, instant, one_by_one


def curve_of(world: World, hours: float) -> DelayCurve:
    curve = learn_curve(world.history_at(hours), at=instant(hours))
    assert isinstance(curve, DelayCurve)
    return curve


def asked(world: World, hours: float, window: tuple[int, int], *, curve: DelayCurve | None = None) -> Estimate:
    """The shortfall of a window as the world shows it."""
    sums = [value for start, value in world.sums_at(hours).items() if window[0] <= start < window[1]]
    answer = shortfall(
        curve or curve_of(world, hours),
        window=window,
        prediction_count=sum(value.prediction_count for value in sums),
        labelled_count=sum(value.labelled_count for value in sums),
        now=instant(hours),
    )
    assert isinstance(answer, Estimate)
    return answer


def day(number: int) -> tuple[int, int]:
    return MONDAY + number * DAY_MICROS, MONDAY + (number + 1) * DAY_MICROS


@pytest.mark.parametrize("hour_of_day", [1, 5, 8, 20])
def test_a_day_before_its_batch_lacks_nothing(hour_of_day: int) -> None:
    world = World.of(batches(), days=25)
    now = 22 * 24 + hour_of_day

    of_day = asked(world, now, day(21))
    of_hour = asked(world, now, (instant(now - 4), instant(now - 3)))

    for answer in (of_day, of_hour):
        assert answer.interval is not None
        assert abs(answer.value) < 0.05
        assert answer.interval.lower <= 0 <= answer.interval.upper


def test_a_day_whose_labels_do_not_come_lacks_what_days_usually_have() -> None:
    stopped = World.of(one_by_one(4), days=25).stopped_at(21 * 24)

    answer = asked(stopped, 22 * 24 + 6, day(21))

    assert answer.value == pytest.approx(0.94, abs=0.05)
    assert answer.interval is not None
    assert answer.interval.lower > 0.8


def test_the_interval_holds_zero_for_nearly_all_healthy_windows() -> None:
    world = World.of(one_by_one(12), days=40, per_hour=15, seed=3)
    answers = [
        asked(world, 31 * 24 + 7 * step, (instant(31 * 24 + 7 * step - 8), instant(31 * 24 + 7 * step - 7)))
        for step in range(30)
    ]

    holding = [a for a in answers if a.interval is not None and a.interval.lower <= 0 <= a.interval.upper]

    assert len(holding) >= 26


def test_past_windows_are_taken_at_the_age_that_the_window_has_now() -> None:
    world = World.of(one_by_one(6), days=20, per_hour=200)
    now = instant(15 * 24 + 3)

    past = past_coverages(world.history_at(15 * 24 + 3), window=day(14), now=now)

    for back, coverage in enumerate(past, start=1):
        sums = world.sums_at(15 * 24 + 3 - 24 * back)
        of_day = [value for start, value in sums.items() if day(14 - back)[0] <= start < day(14 - back)[1]]
        exact = sum(value.labelled_count for value in of_day) / sum(value.prediction_count for value in of_day)
        assert coverage == pytest.approx(exact, abs=0.01)
    assert len(past) == 14


def test_what_cannot_be_told_has_a_reason() -> None:
    world = World.of(one_by_one(1), days=12)
    curve, now = curve_of(world, 5 * 24), instant(5 * 24)
    counts = {"prediction_count": 10, "labelled_count": 0}

    nothing = shortfall(curve, window=day(4), prediction_count=0, labelled_count=0, now=now)
    no_curve = shortfall(None, window=day(4), now=now, **counts)
    young = shortfall(curve, window=day(4), now=now, **counts)

    assert (nothing, no_curve) == (NoShortfall.NO_PREDICTIONS, NoShortfall.NOT_ENOUGH_HISTORY)
    assert young is NoShortfall.TOO_FEW_PAST_WINDOWS


def test_the_pooled_curve_is_spread_over_the_window() -> None:
    world = World.of(one_by_one(1), days=12, per_hour=100)
    curve = curve_of(world, 10 * 24)
    hour = (instant(10 * 24 - 1), instant(10 * 24))

    expected = expected_coverage(curve, window=hour, now=hour[1])

    assert expected == pytest.approx(2.718281828**-1, abs=0.02)  # the mean of 1 - exp(-t) over the hour
    assert expected_coverage(curve, window=(hour[0] - 20 * DAY_MICROS, hour[1]), now=hour[1] + HOUR_MICROS) is None
