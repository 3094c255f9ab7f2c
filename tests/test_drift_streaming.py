"""CUSUM and Page-Hinkley: published run lengths, promised run lengths, delays, and what an alarm's life is."""

import math

import numpy as np
import pytest
from river.drift import PageHinkley
from scipy.special import ndtr

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming.alarms import Replay
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.cusum import statistics
from monitoring_pipeline.drift.streaming.page_hinkley import centred
from monitoring_pipeline.drift.streaming.replay import replay
from monitoring_pipeline.drift.streaming.run_length import lattice_run_length, limit_for, run_length
from monitoring_pipeline.drift.streaming.schemes import sides
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings, Direction

OWN = [Detector.CUSUM, Detector.PAGE_HINKLEY]
NORMAL = Baseline(mean=0.0, std=1.0, rows=100_000)


def hits(share: float, rows: int = 100_000) -> Baseline:
    return Baseline(mean=share, std=math.sqrt(share * (1 - share)), rows=rows, binary=True)


def drawn_hits(generator: np.random.Generator, share: float, rows: int) -> Floats:
    return (generator.random(rows) < share).astype(np.float64)


def longest_wait(found: Replay, *, from_position: int) -> float:
    """Values from a place on until an alarm is in force."""
    waits = [
        max(0, alarm.position - from_position + 1)
        for alarm in found.alarms
        if alarm.ended_position is None or alarm.ended_position > from_position
    ]
    return min(waits, default=math.inf)


@pytest.mark.parametrize(
    ("limit", "shift", "published"),
    [(4.0, 0.0, 168.0), (4.0, 0.5, 26.6), (4.0, 1.0, 8.38), (4.0, 2.0, 3.34), (5.0, 0.0, 465.0), (5.0, 1.0, 10.4)],
)
def test_run_lengths_of_two_sided_cusums_are_those_of_montgomery(limit: float, shift: float, published: float) -> None:
    up = run_length(ndtr, slack=0.5, limit=limit, shift=shift)
    down = run_length(ndtr, slack=0.5, limit=limit, shift=-shift)

    two_sided = 1 / (1 / up + 1 / down)  # van Dobben de Bruyn

    assert two_sided == pytest.approx(published, rel=0.004)


@pytest.mark.parametrize(("slack", "limit"), [(0.25, 8.01), (0.5, 4.77), (0.75, 3.34), (1.0, 2.52), (1.5, 1.61)])
def test_limits_for_a_run_length_of_370_are_those_of_hawkins(slack: float, limit: float) -> None:
    assert limit_for(ndtr, slack=slack, wanted=2 * 370.0) == pytest.approx(limit, abs=0.012)


def test_run_length_of_a_proportion_is_what_simulation_gives() -> None:
    generator = np.random.default_rng(4)
    streams, up, down, limit = 4000, 4, 1, 12
    sums, lengths = np.zeros(streams), np.zeros(streams)

    running = np.ones(streams, dtype=np.bool_)
    while running.any():
        sums = np.maximum(0, sums + np.where(generator.random(streams) < 0.15, up, -down))
        lengths += running
        running &= sums < limit

    expected = lattice_run_length(0.15, up=up, down=down, limit=limit)
    assert lengths.mean() == pytest.approx(expected, abs=4 * lengths.std() / math.sqrt(streams))


def test_statistics_without_a_loop_are_those_of_the_loop() -> None:
    increments = np.random.default_rng(1).normal(-0.1, size=1000)

    expected, total = [], 2.0
    for increment in increments:
        total = max(0.0, total + increment)
        expected.append(total)

    np.testing.assert_allclose(statistics(increments, start=2.0), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("mode", ["up", "down"])
def test_page_hinkley_without_baseline_rows_is_rivers(mode: str) -> None:
    values = np.concatenate((np.random.default_rng(2).normal(size=300), np.random.default_rng(3).normal(2, size=100)))
    values = values if mode == "up" else -values
    river = PageHinkley(min_instances=1, delta=0.5, threshold=8.0, alpha=1.0, mode=mode)

    expected = []
    for value in values:
        river.update(value)
        expected.append(river.drift_detected)

    signed = centred(values, mean=0.0, rows=0) * (1 if mode == "up" else -1)
    reached = statistics(signed - 0.5) > 8.0
    first = int(np.argmax(expected))
    assert 300 < first == int(np.argmax(reached))


@pytest.mark.parametrize("wanted", [1000, 10_000])
@pytest.mark.parametrize("detector", OWN)
@pytest.mark.parametrize("kind", ["normal", "few baseline rows", "skewed", "counts", "0.1", "0.5", "0.9", "0.99"])
def test_without_change_alarms_come_no_more_often_than_the_run_length_says(
    kind: str, detector: Detector, wanted: int
) -> None:
    generator = np.random.default_rng(wanted + 1)
    rows = (400 if wanted == 1000 else 200) * wanted
    baseline = NORMAL
    match kind:
        case "normal" | "few baseline rows":
            values = generator.normal(size=rows)
        case "skewed":
            values = generator.exponential(size=rows)
            baseline = Baseline.from_values(generator.exponential(size=100_000))
        case "counts":
            values = generator.poisson(2.0, size=rows).astype(np.float64)
            baseline = Baseline.from_values(generator.poisson(2.0, size=100_000).astype(np.float64))
        case share:
            values, baseline = drawn_hits(generator, float(share), rows), hits(float(share))
    if kind == "few baseline rows":
        if detector is Detector.CUSUM:
            return  # it takes the baseline for known, and says so
        baseline = Baseline(mean=float(generator.normal(scale=0.1)), std=1.0, rows=100)
    settings = DetectorSettings(detector=detector, run_length=wanted, rearm_rows=1)

    alarms = replay(values, settings, baseline=baseline).alarms

    assert rows / len(alarms) >= 0.9 * wanted


@pytest.mark.parametrize("detector", OWN)
@pytest.mark.parametrize("direction", [Direction.DOWN, Direction.BOTH])
def test_a_fall_of_accuracy_from_90_to_70_percent_is_seen_within_100_rows(
    detector: Detector, direction: Direction
) -> None:
    generator = np.random.default_rng(7)
    settings = DetectorSettings(detector=detector, run_length=10_000, direction=direction)

    waits = []
    for _ in range(500):
        values = np.concatenate((drawn_hits(generator, 0.9, 500), drawn_hits(generator, 0.7, 100)))
        waits.append(longest_wait(replay(values, settings, baseline=hits(0.9)), from_position=500))

    assert np.mean(np.array(waits) <= 100) >= 0.95


@pytest.mark.parametrize("detector", OWN)
def test_a_shift_that_lasts_is_one_alarm_and_its_return_ends_it(detector: Detector) -> None:
    generator = np.random.default_rng(8)
    values = np.concatenate(
        [generator.normal(mean, size=rows) for mean, rows in ((0, 500), (1, 2000), (0, 500), (-1, 500))]
    )

    [up, down] = replay(values, DetectorSettings(detector=detector), baseline=NORMAL).alarms

    assert (up.direction, down.direction) == (Direction.UP, Direction.DOWN)
    assert 500 <= up.position < 540
    assert up.ended_position is not None
    assert 2500 <= up.ended_position < 2600
    assert 3000 <= down.position < 3040
    assert down.ended_position is None


def test_a_shift_that_lasts_is_reported_again_after_the_declared_rows() -> None:
    values = np.concatenate((np.zeros(100), np.full(3000, 1.5)))
    settings = DetectorSettings(detector=Detector.CUSUM, rearm_rows=1000)

    positions = [alarm.position for alarm in replay(values, settings, baseline=NORMAL).alarms]

    assert positions == [111, 111 + 1012, 111 + 2024]


def test_a_rerun_and_a_longer_sequence_repeat_the_same_alarms() -> None:
    values = np.concatenate(
        (np.random.default_rng(9).normal(size=5000), np.random.default_rng(10).normal(1, size=5000))
    )
    settings = DetectorSettings(detector=Detector.PAGE_HINKLEY, run_length=100)

    whole = replay(values, settings, baseline=NORMAL)

    assert len(whole.alarms) > 10
    assert whole == replay(values, settings, baseline=NORMAL)
    for rows in (1, 1023, 1024, 1025, 6000):
        known = [alarm.position for alarm in replay(values[:rows], settings, baseline=NORMAL).alarms]
        assert known == [alarm.position for alarm in whole.alarms if alarm.position < rows]


@pytest.mark.parametrize("detector", OWN)
def test_a_falling_share_mirrors_a_rising_one(detector: Detector) -> None:
    values = drawn_hits(np.random.default_rng(11), 0.6, 3000)
    settings = DetectorSettings(detector=detector, run_length=1000)

    rising = replay(values, settings, baseline=hits(0.3)).alarms
    falling = replay(1 - values, settings, baseline=hits(0.7)).alarms

    assert [alarm.position for alarm in rising] == [alarm.position for alarm in falling]
    assert {(a.direction, b.direction) for a, b in zip(rising, falling, strict=True)} == {("up", "down")}


@pytest.mark.parametrize("detector", OWN)
@pytest.mark.parametrize("level", [0.0, 1.0, 100.0, -1e300, 1e307])
def test_a_constant_baseline_ignores_a_trifle_and_one_odd_row_but_sees_a_change_of_level(
    detector: Detector, level: float
) -> None:
    baseline = Baseline.from_values(np.full(1000, level))
    step = 0.01 * (abs(level) or 1.0)
    settings = DetectorSettings(detector=detector)
    odd = np.full(500, level)
    odd[250] = math.inf

    assert replay(odd, settings, baseline=baseline).alarms == ()
    assert replay(np.full(5000, level + 0.1 * step), settings, baseline=baseline).alarms == ()
    [alarm] = replay(np.full(100, level - step), settings, baseline=baseline).alarms
    assert alarm.direction is Direction.DOWN


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_that_never_failed_still_shows_a_change_and_forgives_one_miss(share: float) -> None:
    values = np.full(2000, share)
    values[500] = 1.0 - share
    settings = DetectorSettings(detector=Detector.CUSUM)

    assert replay(values, settings, baseline=hits(share)).alarms == ()
    values[600:700:10] = 1.0 - share
    assert len(replay(values, settings, baseline=hits(share)).alarms) == 1


@pytest.mark.parametrize("smallest_change", [0.05, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.49, 0.5, 0.9, 0.999])
def test_the_slack_of_a_proportion_lies_between_what_is_normal_and_what_must_be_seen(
    share: float, smallest_change: float
) -> None:
    settings = DetectorSettings(detector=Detector.CUSUM, smallest_change=smallest_change, run_length=200)

    for side in sides(hits(share), settings):
        ones = np.array([1.0, 0.0])
        expected = float(side.increments(ones) @ [share, 1 - share])
        assert expected < 0.0 < max(side.increments(ones))


@pytest.mark.parametrize(
    "changes", [{"run_length": 1}, {"smallest_change": 0.0}, {"smallest_change": math.nan}, {"rearm_rows": 0}]
)
def test_settings_that_cannot_be_met_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        DetectorSettings(detector=Detector.CUSUM, **changes)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    "wrong", [{"mean": math.nan}, {"std": -1.0}, {"std": math.inf}, {"rows": 0}, {"mean": 2.0, "binary": True}]
)
def test_baselines_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|needs at least|lies in"):
        Baseline(**({"mean": 0.0, "std": 1.0, "rows": 10} | wrong))  # type: ignore[arg-type]  # that is the point


def test_a_reference_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="no present value"):
        Baseline.from_values(np.array([math.nan]))
