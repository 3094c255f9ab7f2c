import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitoring_pipeline.alerts import outbox
from monitoring_pipeline.alerts.channels import build_channels
from monitoring_pipeline.alerts.channels.file import FileSender
from monitoring_pipeline.alerts.channels.log import LogSender
from monitoring_pipeline.alerts.deliver import FAILURES_BEFORE_REST, deliver_due
from monitoring_pipeline.alerts.notification import DeliveryError, Notification
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import metadata, open_engine, writing
from monitoring_pipeline.errors import MonitorError
from tests.alerts_examples import finding, recorded, rows
from tests.conftest import FixedClock


class Recorder:
    """A channel that keeps what it was given; ``before`` runs first and may refuse."""

    def __init__(self, before: Callable[[Notification], None] = lambda _: None) -> None:
        self.ids: list[str] = []
        self._before = before

    def deliver(self, notification: Notification) -> None:
        self._before(notification)
        self.ids.append(notification.notification_id)


def refuse(_: Notification) -> None:
    raise DeliveryError("the receiver is down")


def due_notifications(
    engine: Engine, clock: FixedClock, *, messages: int, channels: tuple[str, ...] = ("ops",)
) -> None:
    recorded(engine, *(finding(day=day) for day in range(messages)), now=clock(), channels=channels)


def standing(engine: Engine) -> list[str]:
    return [row["state"] for row in rows(engine, notifications, "created_at", "notification_id")]


def test_due_messages_are_delivered_once_and_marked(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=3)
    ops = Recorder()

    first = deliver_due(engine, {"ops": ops}, clock=clock)
    second = deliver_due(engine, {"ops": ops}, clock=clock)

    assert (first.delivered_count, second.delivered_count) == (3, 0)
    assert sorted(ops.ids) == sorted(row["notification_id"] for row in rows(engine, notifications))
    assert {(row["state"], row["delivered_at"]) for row in rows(engine, notifications)} == {("delivered", clock())}


def test_no_transaction_is_open_while_a_message_is_being_sent(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=1)

    def write_elsewhere(_: Notification) -> None:
        recorded(engine, finding(day=99), now=clock(), channels=())  # would wait for ever on SQLite

    report = deliver_due(engine, {"ops": Recorder(write_elsewhere)}, clock=clock)

    assert report.delivered_count == 1


def fail_unforeseen(_: Notification) -> None:
    raise OverflowError("with a secret in its words")


def test_a_channel_that_fails_as_nobody_foresaw_fails_its_attempt_only(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=1, channels=("odd", "up"))

    report = deliver_due(engine, {"odd": Recorder(fail_unforeseen), "up": Recorder()}, clock=clock)

    assert (report.delivered_count, report.failed_attempt_count) == (1, 1)
    assert report.channels["odd"].last_error == "the channel failed in an unforeseen way: OverflowError"
    assert sorted(standing(engine)) == ["delivered", "pending"]


def test_one_channel_that_is_down_does_not_stop_the_others(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=5, channels=("down", "up"))
    up = Recorder()

    report = deliver_due(engine, {"down": Recorder(refuse), "up": up}, clock=clock)

    assert len(up.ids) == 5
    assert report.channels["down"].last_error == "the receiver is down"
    assert report.channels["down"].failed_attempt_count == FAILURES_BEFORE_REST


def test_a_channel_that_rests_comes_to_every_message_in_later_calls(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=7)
    tried: set[str] = set()

    def note_and_refuse(notification: Notification) -> None:
        tried.add(notification.notification_id)
        raise DeliveryError("no")

    for _ in range(3):
        deliver_due(engine, {"ops": Recorder(note_and_refuse)}, clock=clock)

    assert len(tried) == 7


def test_a_failed_attempt_waits_longer_each_time_up_to_an_hour_and_is_then_given_up(
    engine: Engine, clock: FixedClock
) -> None:
    due_notifications(engine, clock, messages=1)
    waits: list[float] = []
    for _ in range(outbox.MAX_ATTEMPTS - 1):
        deliver_due(engine, {"ops": Recorder(refuse)}, clock=clock)
        [row] = rows(engine, notifications)
        waits.append((row["next_attempt_at"] - clock()) / 1e6)
        clock.now = row["next_attempt_at"] - 1
        assert deliver_due(engine, {"ops": Recorder()}, clock=clock).delivered_count == 0
        clock.now += 1
    last = deliver_due(engine, {"ops": Recorder(refuse)}, clock=clock)

    assert all(earlier < later for earlier, later in pairwise(waits[:8]))
    assert 7.5 <= waits[0] <= 10
    assert all(2700 <= wait <= 3600 for wait in waits[9:])
    assert (last.given_up_count, standing(engine)) == (1, ["failed"])
    assert rows(engine, notifications)[0]["last_error"] == "the receiver is down"


def test_a_message_that_was_given_up_can_be_put_back_under_its_own_id(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=1)
    for _ in range(outbox.MAX_ATTEMPTS):
        deliver_due(engine, {"ops": Recorder(refuse)}, clock=clock)
        clock.advance(hours=1)
    ops = Recorder()
    deliver_due(engine, {"ops": ops}, clock=clock)
    assert ops.ids == []

    with writing(engine) as connection:
        assert outbox.put_back_failed(connection, now=clock(), channel="other") == 0
        assert outbox.put_back_failed(connection, now=clock()) == 1
    deliver_due(engine, {"ops": ops}, clock=clock)

    assert ops.ids == [row["notification_id"] for row in rows(engine, notifications)]


def test_the_wait_is_planned_from_the_id_alone_and_honours_what_the_receiver_asks_within_a_day() -> None:
    assert outbox.retry_seconds("a", 3) == outbox.retry_seconds("a", 3)
    assert outbox.retry_seconds("a", 3) != outbox.retry_seconds("b", 3)
    assert outbox.retry_seconds("a", 1, retry_after_seconds=500) == 500
    assert outbox.retry_seconds("a", 1, retry_after_seconds=-500) == outbox.retry_seconds("a", 1)
    assert outbox.retry_seconds("a", 1, retry_after_seconds=1e12) == 24 * 3600
    assert outbox.retry_seconds("a", 2000) <= 3600


def test_a_message_that_is_being_sent_is_not_sent_by_another_deliverer(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=4)
    other = Recorder()

    def meanwhile(_: Notification) -> None:
        deliver_due(engine, {"ops": other}, clock=clock)

    ops = Recorder(meanwhile)
    deliver_due(engine, {"ops": ops}, clock=clock)

    assert len(ops.ids) == 1  # the first call is still sending it while the second takes the rest
    assert len(other.ids) == 3
    assert len({*ops.ids, *other.ids}) == 4


def test_of_two_deliverers_that_read_the_same_message_one_gets_it(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=1)
    with writing(engine) as connection:
        [read_by_both] = outbox.due(connection, channel="ops", now=clock(), limit=10)

    with writing(engine) as connection:
        first = outbox.claim(connection, read_by_both, now=clock())
    with writing(engine) as connection:
        second = outbox.claim(connection, read_by_both, now=clock())

    assert (first, second) == (True, False)


def test_deliverers_side_by_side_send_each_message_once(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=30)
    start = threading.Barrier(4)
    ops = Recorder()

    def work() -> None:
        start.wait()
        deliver_due(engine, {"ops": ops}, clock=clock)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(ops.ids) == len(set(ops.ids)) == 30
    assert set(standing(engine)) == {"delivered"}


def test_a_crash_between_send_and_mark_sends_again_under_the_same_id(tmp_path: Path, clock: FixedClock) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    engine = open_engine(url)
    metadata.create_all(engine)
    due_notifications(engine, clock, messages=1)
    crash = f"""
import os
from pathlib import Path
from monitoring_pipeline.alerts.channels.file import FileSender
from monitoring_pipeline.alerts.deliver import deliver_due
from monitoring_pipeline.database import open_engine

class Crashing(FileSender):
    def deliver(self, notification):
        super().deliver(notification)
        os._exit(9)

deliver_due(open_engine({url!r}), {{"ops": Crashing(Path({str(tmp_path / "out.ndjson")!r}))}}, clock=lambda: {clock()})
"""
    project = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", crash], cwd=project, check=False).returncode == 9
    ops = {"ops": FileSender(tmp_path / "out.ndjson")}
    assert deliver_due(engine, ops, clock=clock).delivered_count == 0  # the lease of the dead still holds

    clock.advance(seconds=outbox.LEASE_SECONDS)
    report = deliver_due(engine, ops, clock=clock)

    lines = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert (report.delivered_count, standing(engine)) == (1, ["delivered"])
    assert [line["notification_id"] for line in lines] == [rows(engine, notifications)[0]["notification_id"]] * 2
    engine.dispose()


def test_an_attempt_whose_lease_ran_out_does_not_undo_a_later_delivery(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=1)

    def outlive_the_lease(_: Notification) -> None:
        clock.advance(seconds=outbox.LEASE_SECONDS)
        deliver_due(engine, {"ops": Recorder()}, clock=clock)
        raise DeliveryError("too late")

    deliver_due(engine, {"ops": Recorder(outlive_the_lease)}, clock=clock)

    assert standing(engine) == ["delivered"]


def test_an_attempt_whose_lease_ran_out_does_not_change_the_plan_of_a_later_one(
    engine: Engine, clock: FixedClock
) -> None:
    due_notifications(engine, clock, messages=1)

    def outlive_the_lease(_: Notification) -> None:
        clock.advance(seconds=outbox.LEASE_SECONDS)
        deliver_due(engine, {"ops": Recorder(refuse)}, clock=clock)
        raise DeliveryError("too late")

    deliver_due(engine, {"ops": Recorder(outlive_the_lease)}, clock=clock)

    [row] = rows(engine, notifications)
    assert (row["attempts"], row["last_error"]) == (2, "the receiver is down")


def test_a_message_for_a_channel_that_the_config_no_longer_names_waits_and_is_counted(
    engine: Engine, clock: FixedClock
) -> None:
    due_notifications(engine, clock, messages=2, channels=("gone", "ops"))

    report = deliver_due(engine, {"ops": Recorder()}, clock=clock)

    assert report.unknown_channel_pending == {"gone": 2}
    assert report.delivered_count == 2
    assert deliver_due(engine, {}, clock=clock).unknown_channel_pending == {"gone": 2}


def test_a_call_takes_no_more_than_its_limit_and_the_oldest_first(engine: Engine, clock: FixedClock) -> None:
    due_notifications(engine, clock, messages=1)
    recorded(engine, finding(day=1), now=clock() + 1)
    clock.advance(seconds=1)
    ops = Recorder()

    deliver_due(engine, {"ops": ops}, clock=clock, limit=1)

    assert ops.ids == [rows(engine, notifications, "created_at")[0]["notification_id"]]


def message(**changes: object) -> Notification:
    payload = {"text": "mae of flight_delay is 12", "severity": "critical", **changes}
    return Notification(notification_id="n1", alert_id="a1", sequence=1, channel="ops", payload=payload, attempts=0)


def test_the_file_channel_appends_one_line_each_and_mends_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "alerts.ndjson"
    sender = FileSender(path)
    sender.deliver(message(text="first\nline"))
    with path.open("ab") as torn:
        torn.write(b'{"notification_id": "n')

    sender.deliver(message())

    first, torn_line, last = path.read_text().splitlines()
    assert json.loads(first)["text"] == "first\nline"
    assert torn_line == '{"notification_id": "n'
    assert json.loads(last)["notification_id"] == "n1"


def test_a_file_that_cannot_be_written_is_a_failed_attempt_with_one_reason(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()

    with pytest.raises(DeliveryError, match="cannot write alerts: Is a directory"):
        FileSender(tmp_path / "alerts").deliver(message())


def test_the_log_channel_writes_one_line_at_the_alerts_severity(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogSender().deliver(message(text="a\nfake line\x1b[31m\u2028\u202e"))
        LogSender().deliver(message(severity="info"))

    assert [record.levelno for record in caplog.records] == [logging.CRITICAL, logging.INFO]
    assert "\n" not in caplog.records[0].getMessage()
    assert caplog.records[0].getMessage().isprintable()
    assert "notification_id=n1" in caplog.records[0].getMessage()


def test_a_message_that_is_not_about_an_alert_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    bare = Notification(
        notification_id="n2", alert_id="run 1", sequence=1, channel="ops", payload={"job": "a\nb"}, attempts=0
    )

    LogSender().deliver(bare)

    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "\n" not in record.getMessage()
    assert "job" in record.getMessage()


def test_a_message_that_is_put_twice_is_there_once_as_it_was(engine: Engine, clock: FixedClock) -> None:
    for text in ("first", "second"):
        with writing(engine) as connection:
            new = outbox.row(alert_id="run 1", sequence=1, channel="ops", payload={"text": text}, now=clock())
            outbox.put(connection, [new])
        clock.advance(hours=1)

    [stored] = rows(engine, notifications)
    assert json.loads(stored["payload"]) == {"text": "first"}


def config(**channels: object) -> MonitoringConfig:
    return MonitoringConfig.model_validate({"channels": channels})


def test_channels_are_built_from_the_config(tmp_path: Path) -> None:
    described = config(
        ops={"type": "log"},
        archive={"type": "file", "path": "alerts/all.ndjson"},
        pager={"type": "webhook", "url": "https://pager.example/x", "secret_env": "PAGER_KEY"},
    )

    channels = build_channels(described, tmp_path, {"PAGER_KEY": "k"})
    channels["archive"].deliver(message())

    assert list(channels) == ["ops", "archive", "pager"]
    assert (tmp_path / "alerts" / "all.ndjson").exists()


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        ({"type": "webhook", "url": "https://x.example", "secret_env": "KEY"}, "channels.c.secret_env: .* KEY is not"),
        ({"type": "file", "path": "../outside"}, "channels.c.path: .* leads out of MONITOR_HOME"),
        ({"type": "webhook", "url": "https://x.example:port/"}, "channels.c.url cannot be understood"),
        ({"type": "webhook", "url": "https:///nowhere"}, "channels.c.url has no host"),
    ],
)
def test_a_channel_that_cannot_work_is_one_sentence_before_anything_is_sent(
    tmp_path: Path, channel: dict[str, str], sentence: str
) -> None:
    with pytest.raises(MonitorError, match=sentence):
        build_channels(config(c=channel), tmp_path, {"KEY": ""})
