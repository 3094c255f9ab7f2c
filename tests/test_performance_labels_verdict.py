"""Verdicts on simulated label pipelines: quiet while they are healthy, soon there when labels stop or come late."""

import math
import re
from dataclasses import astuple
from functools import cache

import pytest

from monitoring_pipeline.performance.labels.arrivals import recent_arrivals
from monitoring_pipeline.performance.labels.history import DelayHistory, HourDelays
from monitoring_pipeline.performance.labels.verdict import LabelJudgement, LabelVerdict, judge_labels
from tests.label_examples import World, batches, instant, not_at_night, one_by_one

DELIVERIES = {
    "after an hour": one_by_one(1),
    "after a day, some never": one_by_one(24, coverage=0.8),
    "once a day": batches(),
    "once a day, unpunctual": batches(jitter_hours=2),
    "once a day, three days later": batches(after_days=3),
    "on weekdays": batches(rest_at_weekends=True),
    "not at night": not_at_night(2),
}

# Each is about three of the pipeline's own rhythm: delays, nights, days, weekends.
SEEN_WITHIN_HOURS = {
    "after an hour": 6,
    "after a day, some never": 12,
    "once a day": 40,
    "once a day, unpunctual": 64,
    "once a day, three days later": 40,
    "on weekdays": 120,
    "not at night": 16,
}


@cache
def world(name: str) -> World:
    return World.of(DELIVERIES[name], seed=len(name))


def judged(world: World, hours: float) -> LabelJudgement:
    return judge_labels(world.history_at(hours), at=instant(hours))


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_healthy_pipeline_is_called_healthy_all_the_time(name: str) -> None:
    judgements = [judged(world(name), 30 * 24 + 0.5 + 43 * step) for step in range(8)]

    verdicts = [judgement.verdict for judgement in judgements]
    assert LabelVerdict.LABELS_STOPPED not in verdicts
    assert LabelVerdict.LABELS_LATE not in verdicts
    assert verdicts.count(LabelVerdict.HEALTHY) >= 7


@pytest.mark.parametrize("name", SEEN_WITHIN_HOURS)
def test_a_stop_is_seen_and_stays_seen(name: str) -> None:
    stop_hours = 31 * 24 + 3
    stopped = world(name).stopped_at(stop_hours)

    later = [judged(stopped, stop_hours + SEEN_WITHIN_HOURS[name] + wait) for wait in (0, 24, 96)]

    assert [judgement.verdict for judgement in later] == [LabelVerdict.LABELS_STOPPED] * 3
    assert all(judgement.arrivals and judgement.arrivals.p_value < 1e-6 for judgement in later)


def test_a_trickle_that_is_left_does_not_hide_a_stop() -> None:
    healthy = world("after an hour")
    stopped = healthy.stopped_at(31 * 24)
    trickle = World(made=healthy.made, known=stopped.known.copy())
    trickle.known[::20] = healthy.known[::20]

    judgement = judged(trickle, 31 * 24 + 12)

    assert judgement.verdict is LabelVerdict.LABELS_STOPPED
    assert judgement.arrivals is not None
    assert judgement.arrivals.seen > 0


@pytest.mark.parametrize("name", ["after an hour", "once a day", "not at night"])
def test_a_drop_to_half_is_not_called_a_stop(name: str) -> None:
    healthy = world(name)
    half = World(made=healthy.made, known=healthy.stopped_at(31 * 24).known.copy())
    half.known[::2] = healthy.known[::2]

    assert not any(
        arrivals.stopped
        for arrivals in (recent_arrivals(half.history_at(31 * 24 + h), at=instant(31 * 24 + h)) for h in (12, 30, 50))
        if arrivals
    )


@pytest.mark.parametrize(
    ("name", "times", "seen_within_hours"),
    [("after an hour", 2, 30), ("after a day, some never", 3, 72), ("once a day", 2, 48), ("on weekdays", 4, 150)],
)
def test_labels_that_come_later_than_before_are_seen(name: str, times: float, seen_within_hours: float) -> None:
    since = 31 * 24
    slower = world(name).slower_since(since, times=times)

    judgement = judged(slower, since + seen_within_hours)

    assert judgement.verdict is LabelVerdict.LABELS_LATE
    assert judgement.lateness is not None
    assert judgement.lateness.recent_coverage <= judgement.lateness.older_coverage - 0.15


def test_lateness_is_told_as_long_as_it_lasts_and_no_longer() -> None:
    since = 31 * 24
    slower = world("after an hour").slower_since(since, times=3)
    mended = slower.slower_since(since + 72, times=1 / 3)

    during, after = judged(slower, since + 5 * 24), judged(mended, since + 72 + 30)

    assert during.verdict is LabelVerdict.LABELS_LATE
    assert after.verdict is LabelVerdict.HEALTHY


@pytest.mark.parametrize("days", [0, 1, 4, 7])
def test_a_young_history_is_not_called_healthy(days: int) -> None:
    judgement = judged(world("after an hour"), days * 24 + 1)

    assert judgement.verdict is LabelVerdict.NOT_ENOUGH_DATA
    assert judgement.reasons


def test_labels_that_never_came_are_not_enough_data() -> None:
    judgement = judged(world("after an hour").stopped_at(0), 31 * 24)

    assert judgement.verdict is LabelVerdict.NOT_ENOUGH_DATA
    assert judgement.reasons == ("too few labels to learn how they usually come",)


def test_a_model_that_is_no_longer_asked_has_no_labels_that_stopped() -> None:
    healthy = world("after an hour")
    asked = healthy.made < 31 * 24 * 3600
    retired = World(made=healthy.made[asked], known=healthy.known[asked])

    judgement = judged(retired, 31 * 24 + 12 * 24)

    assert judgement.verdict is LabelVerdict.NOT_ENOUGH_DATA


def test_hours_that_were_not_looked_at_since_do_not_look_silent() -> None:
    at = 31 * 24 + 12
    history = world("after an hour").stopped_at(31 * 24).history_at(at)
    unread = DelayHistory(
        starts=history.starts,
        prediction_counts=history.prediction_counts,
        observed_until=history.observed_until * 0 + instant(31 * 24),
        bounds_seconds=history.bounds_seconds,
        arrived=history.arrived,
    )

    judgement = judge_labels(unread, at=instant(at))

    assert judgement.verdict is not LabelVerdict.LABELS_STOPPED


def test_the_reasons_name_the_numbers() -> None:
    stopped = judged(world("after an hour").stopped_at(31 * 24), 31 * 24 + 24).reasons
    late = judged(world("after an hour").slower_since(31 * 24, times=3), 31 * 24 + 72).reasons

    assert re.fullmatch(r"in the last \d+ h, 0 labels arrived; about \d+ were due", stopped[0])
    assert "never below" in late[0]


def constant(hours: int, *, rows: int, delays: list[tuple[float, int]]) -> DelayHistory:
    """Hours that are all alike, seen long after."""
    return DelayHistory.of(
        HourDelays(window_start=instant(hour), prediction_count=rows, delays=delays, observed_until=instant(hours + 1))
        for hour in range(hours)
    )


@pytest.mark.parametrize(
    "history",
    [
        constant(0, rows=0, delays=[]),
        constant(1, rows=1, delays=[(0.0, 1)]),
        constant(720, rows=0, delays=[]),
        constant(720, rows=5, delays=[]),
        constant(720, rows=1, delays=[(0.0, 1)]),
        constant(720, rows=1_000_000, delays=[(0.0, 1_000_000)]),
        constant(720, rows=3, delays=[(1e-6, 1), (1e7, 1)]),
        constant(100, rows=2**40, delays=[(3600.0, 2**39)]),
    ],
)
def test_odd_histories_get_a_verdict_and_finite_numbers(history: DelayHistory) -> None:
    judgement = judge_labels(history, at=instant(721))

    assert judgement.verdict in {LabelVerdict.HEALTHY, LabelVerdict.LABELS_STOPPED, LabelVerdict.NOT_ENOUGH_DATA}
    for part in (judgement.arrivals, judgement.lateness):
        assert part is None or all(math.isfinite(number) for number in astuple(part))
