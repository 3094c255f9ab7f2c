"""The stage that estimates days: on real files and a real store, with labels hidden that arrive later."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.results.read_estimates import read_estimates
from monitoring_pipeline.results.tables import estimates
from monitoring_pipeline.stages.estimating.estimates import estimate_days
from monitoring_pipeline.stages.estimating.rows import labelled_sample
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.report import OutcomeState, StageReport
from monitoring_pipeline.stages.rows.hour_files import hour_files
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, isoformat
from tests.conftest import FixedClock
from tests.pipeline_examples import LONG_AFTER, START, Event, actual_of, history, ingest, open_home

DAY_COUNT = 9
LAST_DAY = START + (DAY_COUNT - 1) * DAY_MICROS
HOURS = [day * 24 + hour for day in range(DAY_COUNT) for hour in (9, 17)]
LAST_HOURS = HOURS[-2:]


@pytest.fixture(scope="module")
def events() -> tuple[list[Event], list[Event]]:
    return history(HOURS, rows=32)


@pytest.fixture
def home(tmp_path: Path, clock: FixedClock, events: tuple[list[Event], list[Event]]) -> Iterator[Installation]:
    """Eight days with their truth, and a ninth whose truth is hidden."""
    installation = _filled(tmp_path, clock, events)
    yield installation
    installation.engine.dispose()


@pytest.fixture(scope="module")
def computed(
    tmp_path_factory: pytest.TempPathFactory, events: tuple[list[Event], list[Event]]
) -> Iterator[Installation]:
    """The same, computed once for the tests that only read."""
    installation = _filled(tmp_path_factory.mktemp("computed"), FixedClock(LONG_AFTER), events)
    _compute(installation)
    yield installation
    installation.engine.dispose()


def _filled(folder: Path, clock: FixedClock, events: tuple[list[Event], list[Event]]) -> Installation:
    clock.now = LONG_AFTER
    installation = open_home(folder, clock=clock)
    predictions, actuals = events
    ingest(installation, predictions=predictions, actuals=[a for a in actuals if _hour(a) not in LAST_HOURS])
    return installation


def _hour(event: Event) -> int:
    return int(event["prediction_id"].split("-")[0])


def _compute(home: Installation, hours: Sequence[int] = HOURS, *, only_due: bool = True) -> StageReport:
    starts = [START + hour * HOUR_MICROS for hour in hours]
    log_predictions(home.pipeline, starts, only_due=only_due)
    join_predictions(home.pipeline, starts, only_due=only_due)
    measure_hours(home.pipeline, starts, only_due=only_due)
    days = [START + day * DAY_MICROS for day in sorted({hour // 24 for hour in hours})]
    merge_days(home.pipeline, days, only_due=only_due)
    return estimate_days(home.pipeline, days, only_due=only_due)


def _of_last_day(home: Installation) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["model_id"], row["metric"]): row for row in read_estimates(home.engine, start=LAST_DAY)}


def _all_rows(home: Installation) -> list[dict[str, Any]]:
    with reading(home.engine) as connection:
        return [dict(row) for row in connection.execute(select(estimates)).mappings()]


def _truth_of_last_day(events: tuple[list[Event], list[Event]]) -> list[Event]:
    """An actual for every prediction, also for those that would never get one."""
    found = []
    for event in events[0]:
        if _hour(event) in LAST_HOURS:
            value = event["predicted_value"] + (3.0 if event["model_id"] == "delay" else 0)
            at = START + _hour(event) * HOUR_MICROS + 3 * HOUR_MICROS
            found.append(actual_of(event["model_id"], event["prediction_id"], value, at=at))
    return found


def test_a_day_without_labels_is_estimated_from_the_days_before(computed: Installation) -> None:
    found = _of_last_day(computed)
    mae, accuracy = found["delay", "mae"], found["late", "accuracy"]
    assert {metric for model, metric in found if model == "delay"} == {"mae", "rmse"}
    assert (mae["method"], accuracy["method"]) == ("direct_loss", "confidence_based")
    for row in (mae, accuracy):
        assert (row["value"], row["labelled_count"], row["unlabelled_count"]) == (None, 0, 64)
        assert row["estimate_lower"] < row["estimate"] < row["estimate_upper"]
        assert 200 <= row["trained_count"] <= 8 * 64
    assert 0.5 < accuracy["estimate"] < 1  # the model's probabilities mostly come true
    assert 1 < mae["estimate"] < 15  # errors have the standard deviation 4, in wild hours 12


def test_an_estimate_stands_until_the_truth_of_every_row_is_known(
    home: Installation, clock: FixedClock, events: tuple[list[Event], list[Event]]
) -> None:
    _compute(home)
    truth = _truth_of_last_day(events)
    half = [event for event in truth if _hour(event) == LAST_HOURS[0]]
    before = _of_last_day(home)["delay", "mae"]

    clock.advance(hours=1)
    ingest(home, actuals=half)
    _compute(home)
    between = _of_last_day(home)["delay", "mae"]
    clock.advance(hours=1)
    ingest(home, actuals=[event for event in truth if event not in half])
    _compute(home)

    assert (before["unlabelled_count"], between["unlabelled_count"]) == (64, 32)
    assert between["value"] == pytest.approx(3)
    assert between["estimate_lower"] >= 32 * 3 / 64  # what is measured is certain
    assert _of_last_day(home) == {}
    closed = [row for row in _all_rows(home) if row["window_start"] == LAST_DAY and row["metric"] == "mae"]
    assert sorted(row["known_to"] - row["known_from"] for row in closed) == [HOUR_MICROS, HOUR_MICROS]


def test_a_day_is_estimated_again_only_if_its_own_performance_was(
    home: Installation, events: tuple[list[Event], list[Event]]
) -> None:
    _compute(home)
    rows = _all_rows(home)

    nothing_new = _compute(home)
    again = _compute(home, only_due=False)

    assert {outcome.state for outcome in nothing_new.outcomes} == {OutcomeState.UNCHANGED}
    assert {outcome.state for outcome in again.outcomes} == {OutcomeState.COMPUTED}
    assert _all_rows(home) == rows  # to the last bit, so nothing was closed and nothing opened


def test_the_order_of_arrival_changes_no_bit(
    home: Installation, tmp_path: Path, events: tuple[list[Event], list[Event]]
) -> None:
    _compute(home)
    other = open_home(tmp_path / "other", clock=home.clock)
    predictions, actuals = events
    ingest(other, actuals=[a for a in reversed(actuals) if _hour(a) not in LAST_HOURS])
    ingest(other, predictions=list(reversed(predictions)))

    _compute(other)

    said, other_said = _of_last_day(home), _of_last_day(other)
    other.engine.dispose()
    assert said == other_said


def test_without_enough_days_before_the_reason_stands_in_place_of_a_number(computed: Installation) -> None:
    first_day = read_estimates(computed.engine, end=START + DAY_MICROS)

    assert {row["undefined_reason"] for row in first_day} == {"not_enough_history"}
    assert all(row["estimate"] is None and row["unlabelled_count"] > 0 for row in first_day)


def test_labels_that_were_not_mature_when_the_day_ended_teach_nothing(
    computed: Installation, events: tuple[list[Event], list[Event]]
) -> None:
    """The declared maturity is a day: the hours of the day before are the last that count."""
    mae = _of_last_day(computed)["delay", "mae"]

    last_known = max(
        event["received_at"]
        for event in events[1]
        if event["model_id"] == "delay" and START + _hour(event) * HOUR_MICROS < LAST_DAY
    )
    assert mae["trained_until"] == last_known
    assert mae["trained_until"] < isoformat(LAST_DAY)


def test_an_unlabelled_row_without_probability_leaves_the_day_without_an_estimate(home: Installation) -> None:
    without = {
        "model_id": "late",
        "prediction_id": f"{LAST_HOURS[0]:03}-bare",
        "timestamp": isoformat(START + LAST_HOURS[0] * HOUR_MICROS),
        "model_version": "1",
        "predicted_value": 1,
        "features": {"distance": 1.0, "carrier": "AA"},
    }
    ingest(home, predictions=[without])

    _compute(home)

    row = _of_last_day(home)["late", "accuracy"]
    assert (row["estimate"], row["undefined_reason"]) == (None, "unlabelled_without_probability")
    assert row["unlabelled_count"] == 65


def test_a_sample_of_an_hour_is_the_same_rows_whatever_else_is_sampled(computed: Installation) -> None:
    model = computed.config.model("delay")
    assert model is not None
    files = hour_files(computed.pipeline, model, [START + hour * HOUR_MICROS for hour in HOURS])

    def sampled(one_in: int) -> set[str]:
        tables = [labelled_sample(computed.pipeline.lake, of_hour, one_in) for of_hour in files]
        return {name for table in tables for name in table["prediction_id"].to_pylist()}

    assert sampled(4) < sampled(2) < sampled(1)
    assert 0.15 < len(sampled(4)) / len(sampled(1)) < 0.35


def test_rows_that_wait_are_expected_to_be_like_rows_that_waited_as_long(tmp_path: Path, clock: FixedClock) -> None:
    """Every second row is off by 1 and labelled within the hour; the others are off by 10, and known a day later."""
    clock.now = LONG_AFTER
    home = open_home(tmp_path, clock=clock)
    hours = [day * 24 + 9 for day in range(DAY_COUNT)]
    predictions = [event for event in history(hours, rows=60)[0] if event["model_id"] == "delay"]
    soon = [_labelled(event, error=1.0, hours_later=1) for event in predictions[::2]]
    late = [_labelled(event, error=10.0, hours_later=20) for event in predictions[1::2]]
    before_last = [event for event in late if _hour(event) != hours[-1]]
    ingest(home, predictions=predictions, actuals=[*soon, *before_last])

    _compute(home, hours)
    while_late_rows_wait = _of_last_day(home)["delay", "mae"]
    ingest(home, actuals=late[len(before_last) : -1])
    _compute(home, hours)
    while_one_waits_longer = _of_last_day(home)["delay", "mae"]
    home.engine.dispose()

    assert while_late_rows_wait["value"] == pytest.approx(1)
    assert while_late_rows_wait["estimate"] == pytest.approx((1 + 10) / 2, rel=0.01)
    assert while_late_rows_wait["trained_count"] == 8 * 30
    assert while_one_waits_longer["estimate"] is None
    assert while_one_waits_longer["undefined_reason"] == "too_few_labels_so_late"


def _labelled(event: Event, *, error: float, hours_later: int) -> Event:
    at = START + (_hour(event) + hours_later) * HOUR_MICROS
    return actual_of("delay", event["prediction_id"], event["predicted_value"] - error, at=at)
