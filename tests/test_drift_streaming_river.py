"""River's detectors: what river documents, what the table promises, and awkward sequences through every detector."""

import math
import random

import numpy as np
import pytest
from river import drift

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.streaming.alarms import StreamReason
from monitoring_pipeline.drift.streaming.baseline import Baseline
from monitoring_pipeline.drift.streaming.calibrated import parameter_for
from monitoring_pipeline.drift.streaming.replay import replay
from monitoring_pipeline.drift.streaming.river_detectors import RiverDetector, make
from monitoring_pipeline.drift.streaming.settings import Detector, DetectorSettings, Direction

ONES = [Detector.DDM, Detector.HDDM_A, Detector.HDDM_W]
NORMAL = Baseline(mean=0.0, std=1.0, rows=100_000)


def share_of(ones: float) -> Baseline:
    return Baseline(mean=ones, std=0.0, rows=100_000, binary=True)


def documented_numbers() -> list[int]:
    generator = random.Random(12345)
    return generator.choices([0, 1], k=1000) + generator.choices(range(4, 8), k=1000)


def documented_errors() -> list[int]:
    generator = random.Random(42)
    return generator.choices([0, 1], k=1000) + generator.choices([0, 1], k=1000, weights=[0.3, 0.7])


def positions(detector: RiverDetector, values: list[int]) -> list[int]:
    found = []
    for position, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append(position)
    return found


def test_the_installed_river_gives_the_positions_that_it_documents() -> None:
    numbers, errors = documented_numbers(), documented_errors()

    assert positions(drift.ADWIN(), numbers) == [1023]
    assert positions(drift.KSWIN(alpha=0.0001, seed=42), numbers) == [1016]
    assert positions(drift.PageHinkley(), numbers) == [1006]
    assert positions(drift.binary.DDM(), errors) == [1334]
    assert positions(drift.binary.HDDMA(), errors) == [1206]
    assert positions(drift.binary.HDDMW(), errors) == [1077]


@pytest.mark.parametrize("detector", [Detector.ADWIN, Detector.KSWIN])
def test_a_change_of_numbers_is_reported_once_where_river_sees_it(detector: Detector) -> None:
    values = np.array(documented_numbers()[600:1400], dtype=np.float64)
    baseline = Baseline.from_values(values[:400])
    settings = DetectorSettings(detector=detector)
    parameter = parameter_for(detector, run_length=10_000, proportion=0.5)

    [alarm] = replay(values, settings, baseline=baseline).alarms

    assert [alarm.position] == positions(make(detector, parameter), list(baseline.deviations(values)))
    assert 400 < alarm.position < 460
    assert alarm.direction is Direction.UP
    assert alarm.statistic == pytest.approx(2.0, rel=0.05)  # 5 in truth; a value counts as 4 deviations of 0.5
    down = DetectorSettings(detector=detector, direction=Direction.DOWN)
    assert replay(values, down, baseline=baseline).alarms == ()


@pytest.mark.parametrize("detector", ONES)
def test_a_fall_of_hits_is_a_rise_of_errors(detector: Detector) -> None:
    errors = np.array(documented_errors()[500:1500], dtype=np.float64)
    settings = DetectorSettings(detector=detector, run_length=1000)

    rises = replay(errors, settings, baseline=share_of(0.5)).alarms
    falls = replay(1 - errors, settings, baseline=share_of(0.5)).alarms

    assert any(alarm.direction is Direction.UP and alarm.position >= 500 for alarm in rises)
    assert sorted(alarm.position for alarm in rises) == sorted(alarm.position for alarm in falls)


@pytest.mark.parametrize(
    ("detector", "share", "run_length", "rows"),
    [
        *((Detector.ADWIN, share, 1000, 200_000) for share in (None, 0.1, 0.9)),
        *((Detector.ADWIN, share, 10_000, 300_000) for share in (None, 0.1)),
        *((Detector.DDM, share, 1000, 100_000) for share in (0.1, 0.3)),
        (Detector.DDM, 0.1, 10_000, 200_000),
        *((Detector.HDDM_A, share, 1000, 50_000) for share in (0.1, 0.3)),
        (Detector.HDDM_A, 0.3, 10_000, 100_000),
        *((Detector.HDDM_W, share, 1000, 50_000) for share in (0.1, 0.3, 0.5)),
        (Detector.HDDM_W, 0.1, 10_000, 100_000),
    ],
)
def test_without_change_a_table_entry_keeps_its_run_length(
    detector: Detector, share: float | None, run_length: int, rows: int
) -> None:
    generator = np.random.default_rng([run_length, rows])
    settings = DetectorSettings(detector=detector, run_length=run_length)
    stream_rows = 10 * run_length

    alarms = 0
    for _ in range(rows // stream_rows):
        if share is None:
            values, baseline = generator.normal(size=stream_rows), NORMAL
        else:
            values, baseline = (generator.random(stream_rows) < share).astype(np.float64), share_of(share)
        alarms += len(replay(values, settings, baseline=baseline).alarms)

    assert rows / max(1, alarms) >= 0.9 * run_length


@pytest.mark.parametrize(("detector", "within_rows"), [(Detector.ADWIN, 100), (Detector.HDDM_W, 150)])
def test_a_fall_of_accuracy_from_90_to_70_percent_is_seen(detector: Detector, within_rows: int) -> None:
    generator = np.random.default_rng(13)
    settings = DetectorSettings(detector=detector, direction=Direction.DOWN)

    seen = 0
    for _ in range(100):
        values = np.concatenate((generator.random(150) < 0.9, generator.random(within_rows) < 0.7)).astype(np.float64)
        seen += any(alarm.position >= 150 for alarm in replay(values, settings, baseline=share_of(0.9)).alarms)

    assert seen >= 90


AWKWARD: dict[str, Floats] = {
    "one": np.array([0.3]),
    "one infinite": np.array([math.inf]),
    "constant": np.full(400, 7.0),
    "huge": np.tile([1e308, -1e308], 150),
    "infinite": np.tile([math.inf, -math.inf, 0.0], 100),
    "tiny": np.full(300, 5e-324),
    "gaps": np.tile([math.nan, 0.0, math.nan, 1.0], 100),
}


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("detector", [Detector.CUSUM, Detector.PAGE_HINKLEY, Detector.ADWIN, Detector.KSWIN])
@pytest.mark.parametrize("reference", AWKWARD)
def test_awkward_numbers_give_alarms_with_finite_numbers_or_none(name: str, detector: Detector, reference: str) -> None:
    values = AWKWARD[name]
    settings = DetectorSettings(detector=detector, run_length=100)

    found = replay(values, settings, baseline=Baseline.from_values(AWKWARD[reference]))

    assert found.reason is None
    for alarm in found.alarms:
        assert not math.isnan(values[alarm.position])
        assert alarm.statistic is None or math.isfinite(alarm.statistic)


@pytest.mark.parametrize("detector", Detector)
def test_missing_values_are_passed_over_and_positions_are_those_of_the_input(detector: Detector) -> None:
    values = np.concatenate((np.tile([0.0, 0.0, 0.0, 1.0], 100), np.ones(200)))
    with_gaps = np.repeat(values, 2)
    with_gaps[::2] = math.nan
    settings = DetectorSettings(detector=detector, run_length=1000)

    plain = replay(values, settings, baseline=share_of(0.25))
    gaps = replay(with_gaps, settings, baseline=share_of(0.25))

    assert plain.alarms
    assert plain.present_count == gaps.present_count == 600
    assert [2 * alarm.position + 1 for alarm in plain.alarms] == [alarm.position for alarm in gaps.alarms]


@pytest.mark.parametrize("detector", Detector)
@pytest.mark.parametrize("values", [[], [math.nan, math.nan]])
def test_a_sequence_without_values_says_so(detector: Detector, values: list[float]) -> None:
    found = replay(np.array(values), DetectorSettings(detector=detector), baseline=share_of(0.1))

    assert (found.alarms, found.reason) == ((), StreamReason.NO_VALUES)


@pytest.mark.parametrize("detector", Detector)
def test_numbers_other_than_0_and_1_are_not_read_as_hits(detector: Detector) -> None:
    found = replay(np.array([0.0, 0.5]), DetectorSettings(detector=detector), baseline=share_of(0.1))

    assert found.reason is StreamReason.NOT_BINARY


@pytest.mark.parametrize("detector", ONES)
def test_detectors_of_errors_say_that_a_number_is_none(detector: Detector) -> None:
    found = replay(np.array([0.0, 1.0]), DetectorSettings(detector=detector), baseline=NORMAL)

    assert found.reason is StreamReason.NOT_BINARY


def test_a_run_length_beyond_the_table_says_so() -> None:
    found = replay(np.zeros(5), DetectorSettings(detector=Detector.ADWIN, run_length=20_000), baseline=NORMAL)

    assert found.reason is StreamReason.RUN_LENGTH_NOT_CALIBRATED
