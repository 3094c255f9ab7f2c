"""The sensors on real stores and a real Dagster instance: what they ask for, when, and when they hold back."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

from assets.delivery import deliver_notifications
from assets.failures import WILL_RETRY_TAG, run_failures
from assets.sensors import RETRY_SECONDS, alert_notifications, due_partitions
from monitoring_pipeline.alerts.outbox import put, row
from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.database import writing
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.conftest import FixedClock
from tests.pipeline_examples import (
    DAY_JOB,
    HOUR_JOB,
    START,
    actual_of,
    history,
    ingest,
    open_home,
    resources_of,
    run_due,
    run_job,
    sensor_results,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

FIRST_HOUR, SECOND_HOUR = "2025-03-03-00:00", "2025-03-03-01:00"
DEBOUNCE_SECONDS = 60
NOW = START + 9600 * 1_000_000  # 02:40, in the third hour; a bucket of retries begins at this very second


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def installation(tmp_path: Path, clock: FixedClock) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=clock, debounce_seconds=DEBOUNCE_SECONDS)
    yield installation
    installation.engine.dispose()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def store_hours(installation: Installation, *hours: int) -> None:
    predictions, _ = history(hours, rows=2)
    ingest(installation, predictions=predictions)


def tick(installation: Installation, instance: dg.DagsterInstance) -> list[dg.RunRequest | dg.SkipReason]:
    context = dg.build_sensor_context(instance=instance, resources=resources_of(installation))
    return sensor_results(due_partitions, context)


def keys_of(results: list[dg.RunRequest | dg.SkipReason]) -> list[str]:
    return [str(result.run_key) for result in results if isinstance(result, dg.RunRequest)]


def only_request(results: list[dg.RunRequest | dg.SkipReason]) -> dg.RunRequest:
    (request,) = results
    assert isinstance(request, dg.RunRequest)
    return request


def only_reason(results: list[dg.RunRequest | dg.SkipReason]) -> str:
    (reason,) = results
    assert isinstance(reason, dg.SkipReason)
    return str(reason.skip_message)


def put_in_flight(installation: Installation, instance: dg.DagsterInstance, job_name: str) -> None:
    job = build_definitions(installation).resolve_job_def(job_name)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)


def test_nothing_is_due_where_nothing_happened(installation: Installation, instance: dg.DagsterInstance) -> None:
    assert only_reason(tick(installation, instance)) == "nothing is due"


def test_closed_hours_are_asked_for_as_one_range(installation: Installation, instance: dg.DagsterInstance) -> None:
    store_hours(installation, 0, 1, 2)  # the third hour has not ended

    request = only_request(tick(installation, instance))

    assert request.job_name == HOUR_JOB
    assert dict(request.tags) == {
        "dagster/asset_partition_range_start": FIRST_HOUR,
        "dagster/asset_partition_range_end": SECOND_HOUR,
        "monitor/only_due": "true",
    }


def test_a_quiet_hour_is_bridged_and_a_quiet_night_is_not(
    installation: Installation, instance: dg.DagsterInstance, clock: FixedClock
) -> None:
    clock.advance(hours=20)
    store_hours(installation, 0, 2, 15)

    ranges = [
        (result.tags["dagster/asset_partition_range_start"], result.tags["dagster/asset_partition_range_end"])
        for result in tick(installation, instance)
        if isinstance(result, dg.RunRequest)
    ]

    assert ranges == [(FIRST_HOUR, "2025-03-03-02:00"), ("2025-03-03-15:00", "2025-03-03-15:00")]


def test_the_run_key_changes_with_the_revision_and_with_the_bucket_of_time(
    installation: Installation, instance: dg.DagsterInstance, clock: FixedClock
) -> None:
    store_hours(installation, 0)
    first = keys_of(tick(installation, instance))

    clock.advance(seconds=RETRY_SECONDS - 1)
    same_bucket = keys_of(tick(installation, instance))
    clock.advance(seconds=1)
    next_bucket = keys_of(tick(installation, instance))
    ingest(installation, actuals=[actual_of("delay", "000-0", 3.0, at=START + HOUR_MICROS)])
    next_revision = keys_of(tick(installation, instance))

    bucket = NOW // (RETRY_SECONDS * 1_000_000)
    assert first == same_bucket == [f"hourly_monitoring/{FIRST_HOUR}/2/{bucket}"]
    assert next_bucket == [f"hourly_monitoring/{FIRST_HOUR}/2/{bucket + 1}"]
    assert next_revision == [f"hourly_monitoring/{FIRST_HOUR}/3/{bucket + 1}"]


def test_a_job_with_a_run_in_flight_is_left_alone(installation: Installation, instance: dg.DagsterInstance) -> None:
    store_hours(installation, 0)
    put_in_flight(installation, instance, HOUR_JOB)

    assert only_reason(tick(installation, instance)) == "runs in flight: hourly_monitoring"


def test_an_hour_whose_run_failed_stays_due(installation: Installation, instance: dg.DagsterInstance) -> None:
    store_hours(installation, 0)
    request = only_request(tick(installation, instance))
    (installation.home.root / "reference.parquet").unlink()

    result = run_job(installation, instance, HOUR_JOB, tags=dict(request.tags), raise_on_error=False)

    assert not result.success
    assert only_request(tick(installation, instance)).run_key == request.run_key


def test_a_reopened_hour_rests_until_its_arrivals_pause(
    installation: Installation, instance: dg.DagsterInstance, clock: FixedClock
) -> None:
    store_hours(installation, 0)
    run_due(installation, instance)

    ingest(installation, actuals=[actual_of("delay", "000-0", 3.0, at=START + HOUR_MICROS)])
    at_once = tick(installation, instance)
    clock.advance(seconds=DEBOUNCE_SECONDS - 1)
    ingest(installation, actuals=[actual_of("delay", "000-1", 3.0, at=START + HOUR_MICROS)])
    clock.advance(seconds=DEBOUNCE_SECONDS - 1)
    still_fresh = tick(installation, instance)
    clock.advance(seconds=1)
    rested = tick(installation, instance)

    assert only_reason(at_once) == only_reason(still_fresh) == "nothing is due"
    assert only_request(rested).tags["dagster/asset_partition_range_start"] == FIRST_HOUR


def test_a_new_hour_does_not_rest(installation: Installation, instance: dg.DagsterInstance) -> None:
    store_hours(installation, 0)

    assert only_request(tick(installation, instance)).job_name == HOUR_JOB


def test_a_day_is_asked_for_when_it_has_ended_and_its_hours_are_computed(
    installation: Installation, instance: dg.DagsterInstance, clock: FixedClock
) -> None:
    store_hours(installation, 0)
    run_job(installation, instance, HOUR_JOB, partition_key=FIRST_HOUR)
    before_its_end = tick(installation, instance)

    clock.now = START + DAY_MICROS
    ended = tick(installation, instance)
    ingest(installation, actuals=[actual_of("delay", "000-1", 3.0, at=START + HOUR_MICROS)])
    an_hour_is_resting = tick(installation, instance)

    assert only_reason(before_its_end) == "nothing is due"
    assert only_request(ended).job_name == DAY_JOB
    assert only_request(ended).tags["dagster/asset_partition_range_start"] == "2025-03-03"
    # For the model without the late actual: the other's day would change again in a moment.
    assert only_request(an_hour_is_resting).job_name == DAY_JOB
    assert only_request(an_hour_is_resting).run_key != only_request(ended).run_key


def test_an_alert_is_reviewed_when_its_labels_have_come_of_age(
    installation: Installation, instance: dg.DagsterInstance, clock: FixedClock
) -> None:
    wrong = [actual_of("delay", f"000-{row}", 500.0, at=START + HOUR_MICROS) for row in range(4)]
    ingest(installation, predictions=history([0])[0], actuals=wrong)
    run_due(installation, instance)
    young = alert_states(installation)

    clock.advance(hours=30)
    run_job(installation, instance, DAY_JOB, partition_key="2025-03-03")
    asked = {r.job_name for r in tick(installation, instance) if isinstance(r, dg.RunRequest)}
    run_job(installation, instance, "review_alerts")
    asked_again = {r.job_name for r in tick(installation, instance) if isinstance(r, dg.RunRequest)}

    assert young == {"mae-of-the-hour": "provisional"}
    assert "review_alerts" in asked
    assert alert_states(installation)["mae-of-the-hour"] == "confirmed"
    assert "review_alerts" not in asked_again


def alert_states(installation: Installation) -> dict[str, str]:
    """By rule, of the whole model."""
    alerts = list_alerts(installation.engine)
    return {alert["rule_id"]: alert["state"] for alert in alerts if alert["segment"] == "all"}


def test_delivery_starts_only_for_messages_that_are_due(
    installation: Installation, instance: dg.DagsterInstance, clock: FixedClock
) -> None:
    empty = deliver_tick(installation, instance)
    put_message(installation, at=clock() + HOUR_MICROS)
    too_early = deliver_tick(installation, instance)
    clock.advance(hours=1)
    due = deliver_tick(installation, instance)
    put_in_flight(installation, instance, deliver_notifications.name)
    in_flight = deliver_tick(installation, instance)

    assert empty == "the outbox is empty"
    assert too_early == "1 notifications wait for their next attempt"
    assert isinstance(due, dg.RunRequest)
    assert in_flight == "a delivery is in flight"


def deliver_tick(installation: Installation, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    context = dg.build_sensor_context(instance=instance, resources={"pipeline": installation.pipeline})
    (result,) = sensor_results(alert_notifications, context)
    return result if isinstance(result, dg.RunRequest) else str(result.skip_message)


def put_message(installation: Installation, *, at: int) -> None:
    message = row(alert_id="a", sequence=1, channel="file", payload={"text": "look"}, now=at)
    with writing(installation.engine) as connection:
        put(connection, [message])


def failure_tick(
    installation: Installation, instance: dg.DagsterInstance, job_name: str, tags: Mapping[str, str]
) -> list[dg.RunRequest | dg.SkipReason]:
    """What the failure sensor says of a run that failed because the reference is gone."""
    store_hours(installation, 0)
    (installation.home.root / "reference.parquet").unlink()
    result = run_job(installation, instance, job_name, partition_key=FIRST_HOUR, tags=dict(tags), raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    (failure,) = (event for event in result.all_events if event.event_type is dg.DagsterEventType.RUN_FAILURE)
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failures", dagster_instance=instance, dagster_run=run, dagster_event=failure
    ).for_run_failure()
    return sensor_results(run_failures, context)


def test_a_failed_run_is_announced_once_on_every_channel(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    request = only_request(failure_tick(installation, instance, HOUR_JOB, {}))

    for _ in range(2):
        run_job(installation, instance, "announce_run_failure", run_config=dict(request.run_config))
        run_job(installation, instance, "deliver_notifications")

    lines = (installation.home.root / "notifications.ndjson").read_text().splitlines()
    assert len(lines) == 1
    assert "hourly_monitoring failed" in lines[0]


def test_an_attempt_that_dagster_will_retry_is_not_announced(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    reason = only_reason(failure_tick(installation, instance, HOUR_JOB, {WILL_RETRY_TAG: "true"}))

    assert "is not announced" in reason
