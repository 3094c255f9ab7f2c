"""The spool: what is in it survives its process, nothing is lost or taken twice, and it never holds up a call."""

import os
import shutil
import signal
from pathlib import Path

import orjson
import pytest

from monitoring_pipeline.client import Overflow
from monitoring_pipeline.client.events import Kind
from tests.client_examples import (
    ENDLESS,
    PREDICTIONS,
    Receiver,
    answering,
    client_of,
    done,
    nowhere,
    program,
    spooled,
    taking,
    wait_until_kept,
)
from tests.native_services import wait_for


@pytest.mark.parametrize("killed_after", [100, 700, 2_300])
def test_what_was_safe_survives_a_kill_and_is_sent_once_by_the_next_process(tmp_path: Path, killed_after: int) -> None:
    service = program(ENDLESS, nowhere(), tmp_path, "a")
    assert service.stdout is not None
    safe = 0
    while safe < killed_after:
        safe = int(service.stdout.readline())
    service.kill()
    service.communicate()

    with Receiver(taking) as receiver, client_of(receiver.url, tmp_path) as client:
        assert client.flush(60)
        wait_for(lambda: client.stats.adopted > 0 and client.stats.waiting == 0)

    names = [event["prediction_id"] for event in receiver.events]
    assert len(names) == len(set(names)) == client.stats.adopted
    assert {f"a-{number}" for number in range(safe)} <= set(names)
    assert spooled(tmp_path) == []


@pytest.mark.parametrize("stride", [12, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_before_any_step_on_the_disk_loses_nothing_that_was_safe(tmp_path: Path, stride: int) -> None:
    """Of three lives in one spool the first two, of which the second takes over from the first, are killed there."""
    code = """
        import os, sys, threading
        from monitoring_pipeline.client import MonitorClient
        url, spool, stride = sys.argv[1:]
        STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "fcntl.lockf")

        def live(name, last_step):
            client = MonitorClient(url, spool=spool, linger_seconds=0.0)
            caller, steps = threading.get_ident(), 0

            def audit(event, arguments):
                nonlocal steps
                if event in STEPS and threading.get_ident() != caller:
                    steps += 1
                    if steps == last_step:
                        os.kill(os.getpid(), 9)

            sys.addaudithook(audit)
            for number in range(6):
                client.log_prediction(model_id="m", predicted_value=1, prediction_id=f"{name}-{number}")
                if number % 2:
                    client._shipping._wait(lambda: client._shipping.inbox.has_spooled(number + 1), None)
                    os.write(1, f"{name} {number}\\n".encode())
            client.close(60)
            os._exit(0)

        for last_step in range(1, 200, int(stride)):
            ends = []
            for name, last in (("a", last_step), ("b", last_step), ("c", None)):
                if (child := os.fork()) == 0:
                    live(f"{name}{last_step}", last)
                ends.append(os.waitpid(child, 0)[1])
            assert ends[2] == 0
            if ends[:2] == [0, 0]:  # they had no more steps than that
                break
    """

    with Receiver(taking) as receiver:
        safe = [line.split() for line in done(program(code, receiver.url, tmp_path, stride)).splitlines()]

    received = {event["prediction_id"] for event in receiver.events}
    assert len({life for life, _ in safe}) > 50 // stride
    assert {f"{life}-{number}" for life, last in safe for number in range(int(last) + 1)} <= received
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]


@pytest.mark.parametrize("cut", [1, 30, 120])
def test_a_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path, cut: int) -> None:
    folder = tmp_path / "client-1-dead"
    folder.mkdir()
    lines = [orjson.dumps({"model_id": "m", "prediction_id": f"p{n}", "features": {"x": "y" * 100}}) for n in range(4)]
    data = b"\n".join(lines)
    (folder / f"00000000000000000001-aa.{PREDICTIONS}.ndjson").write_bytes(data[:-cut])

    with Receiver(taking) as receiver, client_of(receiver.url, tmp_path) as client:
        client.flush(60)
        wait_for(lambda: client.stats.acknowledged == 3)

    assert [event["prediction_id"] for event in receiver.events] == ["p0", "p1", "p2"]
    assert (client.stats.adopted, client.stats.torn, client.stats.waiting) == (3, 1, 0)
    assert not folder.exists()


def test_two_processes_share_a_spool_and_each_event_is_sent_once(tmp_path: Path) -> None:
    code = """
        import sys
        from monitoring_pipeline.client import MonitorClient
        url, spool, name = sys.argv[1:]
        with MonitorClient(url, spool=spool, linger_seconds=0.001, adopt_every_seconds=0.01) as client:
            for number in range(1_500):
                client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"{name}-{number}")
            assert client.flush(60)
            print(client.stats.acknowledged, client.stats.adopted)
    """

    with Receiver(taking) as receiver:
        processes = [program(code, receiver.url, tmp_path, name) for name in ("a", "b")]
        told = [done(process) for process in processes]

    names = [event["prediction_id"] for event in receiver.events]
    assert sorted(names) == sorted(f"{name}-{number}" for name in ("a", "b") for number in range(1_500))
    assert sum(int(line.split()[0]) for line in told) == 3_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]


def test_what_belongs_to_a_living_process_is_left_alone(tmp_path: Path) -> None:
    service = program(ENDLESS, nowhere(), tmp_path, "living")
    assert service.stdout is not None
    service.stdout.readline()
    service.send_signal(signal.SIGSTOP)

    with Receiver(taking) as receiver, client_of(receiver.url, tmp_path, adopt_every_seconds=0.0) as client:
        for number in range(20):
            client.log_prediction(model_id="m", predicted_value=number)
            assert client.flush(60)
        assert client.stats.adopted == 0
        service.kill()
        service.communicate()
        client.log_prediction(model_id="m", predicted_value=20)
        wait_for(lambda: client.stats.adopted >= 100)


def test_clients_of_one_process_share_a_spool(tmp_path: Path) -> None:
    with Receiver(taking) as receiver:
        away = client_of(nowhere(), tmp_path)
        away.log_prediction(model_id="m", predicted_value=1, prediction_id="left")
        wait_until_kept(away)
        with client_of(receiver.url, tmp_path, adopt_every_seconds=0.0) as client:
            client.log_prediction(model_id="m", predicted_value=1, prediction_id="own")
            assert client.flush(60)
            assert [event["prediction_id"] for event in receiver.events] == ["own"]
            away.close(0)
            client.log_prediction(model_id="m", predicted_value=2, prediction_id="last")
            wait_for(lambda: client.stats.adopted == 1 and client.stats.waiting == 0)

    assert sorted(event["prediction_id"] for event in receiver.events) == ["last", "left", "own"]


def test_a_forked_worker_sends_its_own_events_and_not_its_parents(tmp_path: Path) -> None:
    """As a pre-forking server does it: the client is made, and used, before the fork."""
    code = """
        import os, sys, warnings
        warnings.simplefilter("ignore")  # Python warns of forks beside threads: just that is tried here
        from monitoring_pipeline.client import MonitorClient
        url, spool = sys.argv[1:]
        client = MonitorClient(url, spool=spool)
        for number in range(50):
            client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"parent-{number}")
        children = []
        for worker in range(3):
            if (child := os.fork()) == 0:
                assert client.stats.logged == 0
                for number in range(50):
                    client.log_prediction(model_id="m", predicted_value=number, prediction_id=f"{worker}-{number}")
                sys.exit(0 if client.flush(60) and client.stats.acknowledged == 50 else 1)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        assert client.flush(60)
    """

    with Receiver(taking) as receiver:
        done(program(code, receiver.url, tmp_path))

    names = [event["prediction_id"] for event in receiver.events]
    assert sorted(names) == sorted(f"{who}-{number}" for who in ("parent", 0, 1, 2) for number in range(50))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]


def test_a_living_child_does_not_keep_its_dead_parents_events(tmp_path: Path) -> None:
    code = """
        import os, sys, warnings
        warnings.simplefilter("ignore")
        from monitoring_pipeline.client import MonitorClient
        url, spool = sys.argv[1:]
        client = MonitorClient(url, spool=spool)
        client.log_prediction(model_id="m", predicted_value=1, prediction_id="parent")
        client._shipping._wait(lambda: client._shipping.inbox.has_spooled(1), None)
        if os.fork() == 0:
            print("forked", flush=True)
            sys.stdin.read()
            os._exit(0)
        os.kill(os.getpid(), 9)
    """
    service = program(code, nowhere(), tmp_path)
    assert service.stdout is not None
    assert service.stdout.readline() == "forked\n"
    service.wait()

    with Receiver(taking) as receiver, client_of(receiver.url, tmp_path) as client:
        client.flush(60)
        wait_for(lambda: client.stats.adopted == 1 and client.stats.waiting == 0)
    service.communicate()

    assert [event["prediction_id"] for event in receiver.events] == ["parent"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_multiprocessing_save_what_they_logged_last(tmp_path: Path, method: str) -> None:
    script = tmp_path / "service.py"
    script.write_text(
        f"""
import multiprocessing, sys, warnings
warnings.simplefilter("ignore")
from monitoring_pipeline.client import MonitorClient
client = MonitorClient({nowhere()!r}, spool={str(tmp_path / "spool")!r}, linger_seconds=60, exit_timeout_seconds=0.5)
def work(number):
    client.log_prediction(model_id="m", predicted_value=number)
if __name__ == "__main__":
    workers = [multiprocessing.get_context({method!r}).Process(target=work, args=(n,)) for n in range(2)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
"""
    )

    done(program("import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')", script))

    assert sorted(event["predicted_value"] for event in spooled(tmp_path / "spool")) == [0, 1]


@pytest.mark.parametrize("ending", ["pass", "sys.exit(0)", "atexit.register(log)"])
def test_the_interpreters_end_saves_what_is_in_memory(tmp_path: Path, ending: str) -> None:
    code = f"""
        import atexit, sys
        from monitoring_pipeline.client import MonitorClient
        client = MonitorClient(sys.argv[1], spool=sys.argv[2], linger_seconds=60, exit_timeout_seconds=0.5)
        def log():
            client.log_prediction(model_id="m", predicted_value=1)
        if "atexit" not in {ending!r}:
            log()
        {ending}
    """

    done(program(code, nowhere(), tmp_path))

    assert [event["predicted_value"] for event in spooled(tmp_path)] == [1]


@pytest.mark.parametrize(("overflow", "kept_end"), [(Overflow.DROP_OLDEST, "last"), (Overflow.DROP_NEWEST, "first")])
def test_a_full_spool_drops_as_it_was_told_and_counts_it(tmp_path: Path, overflow: Overflow, kept_end: str) -> None:
    """The server asks for patience after the first event, so nothing is under way while the spool fills."""
    most = 20_000
    with Receiver(answering(503, Retry_After="3000")) as receiver:
        client = client_of(receiver.url, tmp_path, max_spool_bytes=most, overflow=overflow)
        for number in range(100):
            client.log_prediction(model_id="m", predicted_value=number, features={"x": "y" * 850})
            wait_until_kept(client)
            wait_for(lambda: client.stats.retries == 1)
        client.close(0)

    kept = [int(event["predicted_value"]) for event in spooled(tmp_path)]
    stats = client.stats
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.ndjson")) <= most
    assert (99 in kept, 0 in kept) == ((True, False) if kept_end == "last" else (False, True))
    assert (stats.dropped_spool, stats.waiting) == (100 - len(kept), len(kept))
    assert stats.dropped_spool >= 100 - most // 1_000


def test_memory_is_bounded_whatever_happens_behind(tmp_path: Path) -> None:
    client = client_of(nowhere(), max_memory_bytes=100_000)

    for number in range(10_000):
        client.log_prediction(model_id="m", predicted_value=number)
    used = client._shipping.inbox.used_bytes
    client.close(0)

    stats = client.stats
    assert 50_000 < used <= 100_000
    assert stats.logged + stats.dropped_memory == 10_000
    assert stats.waiting == stats.logged


def test_a_disk_that_hangs_holds_up_no_call(tmp_path: Path) -> None:
    """The lock of the spool is a pipe: to open it hangs until somebody opens its other end."""
    os.mkfifo(tmp_path / "lock")
    client = client_of(nowhere(), tmp_path, max_memory_bytes=200_000)
    for number in range(5_000):
        client.log_prediction(model_id="m", predicted_value=number)

    stats = client.stats
    assert stats.logged + stats.dropped_memory == 5_000
    assert stats.waiting == stats.logged > 100
    assert not client.flush(0)
    client.close(0)
    threads = client._shipping._threads
    assert all(thread.is_alive() for thread in threads)  # in the disk, still

    other_end = os.open(tmp_path / "lock", os.O_RDWR)
    for thread in threads:
        thread.join()
    os.close(other_end)


def test_calls_do_nothing_that_could_wait(tmp_path: Path) -> None:
    """The thread that calls touches neither file nor socket, as Python's own audit says, and writes no log."""
    code = """
        import logging, sys, threading
        from monitoring_pipeline.client import MonitorClient
        SLOW = ("open", "socket", "os", "fcntl")
        touched, caller, watching = [], threading.get_ident(), False
        def audit(event, arguments):
            if watching and threading.get_ident() == caller and event.split(".")[0] in SLOW:
                touched.append(event)
        told = threading.Event()
        class Handler(logging.Handler):
            def emit(self, record):
                if threading.get_ident() == caller:
                    touched.append("log")
                if "cannot be logged" in record.getMessage():
                    told.set()
        logging.getLogger("monitoring_pipeline.client").addHandler(Handler())
        sys.addaudithook(audit)
        client = MonitorClient(sys.argv[1], spool=sys.argv[2])
        client.log_actual(model_id="m", prediction_id="p", actual_value=float("nan"))
        told.wait()
        watching = True
        for number in range(1_000):
            client.log_prediction(model_id="m", predicted_value=number, features={"x": 1.5})
            client.log_actual(model_id="m", prediction_id="p", actual_value=float("nan"))
        assert (client.stats.logged, client.stats.invalid) == (1_000, 1_001)
        watching = False
        print(*touched)
        client.close(0)
    """

    assert done(program(code, nowhere(), tmp_path)) == "\n"


def test_a_spool_that_cannot_be_used_is_told_and_memory_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")

    with Receiver(taking) as receiver, client_of(receiver.url, tmp_path / "file" / "spool") as client:
        for number in range(10):
            client.log_prediction(model_id="m", predicted_value=number)
        assert client.flush(60)

    assert (client.stats.acknowledged, client.stats.waiting) == (10, 0)
    assert client.stats.spool_errors > 0
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("the spool cannot be used (")


def test_a_spool_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    client = client_of(nowhere(), tmp_path / "spool")
    client.log_prediction(model_id="m", predicted_value=1)
    wait_until_kept(client)
    shutil.rmtree(tmp_path / "spool")
    client._shipping._backlog._seal_all()

    client.log_prediction(model_id="m", predicted_value=2)
    wait_until_kept(client)
    client.close(0)

    assert [event["predicted_value"] for event in spooled(tmp_path / "spool")] == [2]


def test_what_is_logged_when_no_thread_can_be_started_any_more_is_saved_by_the_end(tmp_path: Path) -> None:
    client = client_of(nowhere(), tmp_path)
    client._shipping.inbox.put(Kind.PREDICTIONS, b'{"predicted_value":1}')  # as while the interpreter ends

    client.close()

    assert spooled(tmp_path) == [{"predicted_value": 1}]


def test_only_its_owner_can_read_a_spool(tmp_path: Path) -> None:
    client = client_of(nowhere(), tmp_path / "spool")
    client.log_prediction(model_id="m", predicted_value=1, features={"x": "secret-value"})
    wait_until_kept(client)
    client.close(0)

    modes = {path.stat().st_mode & 0o077 for path in [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]}
    assert modes == {0}
