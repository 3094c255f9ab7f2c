"""Days in a real MLflow store: shown once, corrected, healed; and no trouble when MLflow is in trouble."""

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, delete, select

from monitoring_pipeline.config.home import Home
from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.results.tables import metrics
from monitoring_pipeline.tracking.content import day_contents
from monitoring_pipeline.tracking.pending import pending_days
from monitoring_pipeline.tracking.project import project_days
from monitoring_pipeline.tracking.report import ProjectionReport, ProjectionState
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.tracking.tables import mlflow_projection
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.conftest import FixedClock
from tests.test_tracking_content import DAY, correct, drift_row, metric_row, store

if TYPE_CHECKING:
    from mlflow.entities import Run

EXPERIMENT = "monitoring/flights"

# A busy machine must not make a healthy store look dead.
PATIENT = 60


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """A real MLflow store on SQLite; making one takes a second, so the tests of a process share it."""
    home = Home(root=tmp_path_factory.mktemp("tracking"))
    return Tracking(url=home.mlflow_url, artifact_root=home.mlflow_artifacts, answer_timeout_seconds=PATIENT)


@pytest.fixture
def tracking(mlflow_store: Tracking) -> Tracking:
    """The store without experiments that a test can see."""
    client = mlflow_store.client()
    for experiment in client.search_experiments(filter_string="name LIKE 'monitoring/%'"):
        client.rename_experiment(experiment.experiment_id, f"old {experiment.experiment_id}")
        client.delete_experiment(experiment.experiment_id)
    return mlflow_store


def shown_runs(tracking: Tracking) -> list["Run"]:
    experiment = tracking.client().get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    return list(tracking.client().search_runs([experiment.experiment_id]))


def states(report: ProjectionReport) -> list[ProjectionState]:
    return [outcome.state for outcome in report.outcomes]


def project(engine: Engine, tracking: Tracking, clock: FixedClock) -> ProjectionReport:
    return project_days(engine, tracking, [("flights", DAY)], clock=clock)


def expected_metrics(engine: Engine) -> dict[str, float]:
    """The last step of each series, as MLflow shows a metric."""
    with reading(engine) as connection:
        points = day_contents(connection, "flights", [DAY])[DAY].points
    return {p.key: p.value for p in sorted(points, key=lambda p: p.step)}


def test_a_day_becomes_one_run_that_bears_its_own_time(engine: Engine, tracking: Tracking, clock: FixedClock) -> None:
    store(engine, metric_row(), metric_row(window_start=DAY + 7 * HOUR_MICROS, value=2.5), drift_row())
    model = Model(id="flights", task=Task.REGRESSION)

    report = project_days(engine, tracking, [("flights", DAY)], clock=clock, declarations={"flights": model})

    [run] = shown_runs(tracking)
    assert states(report) == [ProjectionState.LOGGED]
    assert (run.info.run_name, run.info.status) == ("2026-03-02", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (DAY // 1000, (DAY + DAY_MICROS) // 1000)
    assert run.data.metrics == expected_metrics(engine)
    assert run.data.params["task"] == "regression"
    assert {k: run.data.tags[k] for k in ("model_id", "day", "grain")} == {
        "model_id": "flights",
        "day": "2026-03-02",
        "grain": "day",
    }
    history = tracking.client().get_metric_history(run.info.run_id, "performance/mae")
    assert [(m.step, m.value, m.timestamp) for m in history] == [
        (0, 1.5, DAY // 1000),
        (7, 2.5, (DAY + 7 * HOUR_MICROS) // 1000),
    ]


def test_an_unchanged_day_is_not_sent_again(sqlite_engine: Engine, tracking: Tracking, clock: FixedClock) -> None:
    store(sqlite_engine, metric_row())
    project(sqlite_engine, tracking, clock)
    clock.advance(hours=1)

    report = project(sqlite_engine, tracking, clock)

    assert states(report) == [ProjectionState.UNCHANGED]
    with reading(sqlite_engine) as connection:
        assert connection.execute(select(mlflow_projection.c.logged_at)).scalar_one() == clock() - HOUR_MICROS


def test_a_corrected_value_is_the_one_that_mlflow_shows(
    sqlite_engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    store(sqlite_engine, metric_row(value=5.0))
    for at, value in ((200, 4.0), (300, 5.0), (400, 3.0)):
        project(sqlite_engine, tracking, clock)
        correct(sqlite_engine, at=at, value=value)

    report = project(sqlite_engine, tracking, clock)

    [run] = shown_runs(tracking)
    assert states(report) == [ProjectionState.LOGGED]
    assert run.data.metrics["performance/mae"] == 3.0


def test_a_withdrawn_value_disappears_from_mlflow(sqlite_engine: Engine, tracking: Tracking, clock: FixedClock) -> None:
    store(sqlite_engine, metric_row(), metric_row(metric="rmse"))
    project(sqlite_engine, tracking, clock)
    correct(sqlite_engine, at=200, value=None)

    project(sqlite_engine, tracking, clock)

    [run] = shown_runs(tracking)
    assert set(run.data.metrics) == {"performance/rmse", "prediction_count", "coverage"}


def test_a_day_whose_results_are_gone_loses_its_run(
    sqlite_engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    store(sqlite_engine, metric_row())
    project(sqlite_engine, tracking, clock)
    with writing(sqlite_engine) as connection:
        connection.execute(metrics.update().values(known_to=500))

    due = pending_days(sqlite_engine, tracking, start=DAY, end=DAY + DAY_MICROS)
    report = project_days(sqlite_engine, tracking, due, clock=clock)

    assert states(report) == [ProjectionState.EMPTY]
    assert shown_runs(tracking) == []
    assert pending_days(sqlite_engine, tracking, start=DAY, end=DAY + DAY_MICROS) == []


def test_a_day_without_a_single_number_is_settled_without_a_run(
    engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    store(engine, drift_row(value=None, verdict="not_enough_data"))

    report = project(engine, tracking, clock)

    assert states(report) == [ProjectionState.EMPTY]
    assert shown_runs(tracking) == []
    assert pending_days(engine, tracking, start=DAY, end=DAY + DAY_MICROS) == []


@pytest.mark.parametrize("loss", ["run deleted", "experiment deleted"])
def test_what_was_wiped_in_mlflow_is_shown_again(
    loss: str, sqlite_engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    store(sqlite_engine, metric_row())
    project(sqlite_engine, tracking, clock)
    [run] = shown_runs(tracking)
    if loss == "run deleted":
        tracking.client().delete_run(run.info.run_id)
    else:
        tracking.client().delete_experiment(run.info.experiment_id)

    project(sqlite_engine, tracking, clock)

    [shown] = shown_runs(tracking)
    assert shown.data.metrics == expected_metrics(sqlite_engine)


def test_a_crash_before_the_record_does_not_make_a_second_run(
    sqlite_engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    store(sqlite_engine, metric_row())
    project(sqlite_engine, tracking, clock)
    with writing(sqlite_engine) as connection:
        connection.execute(delete(mlflow_projection))

    report = project(sqlite_engine, tracking, clock)

    assert [run.info.run_id for run in shown_runs(tracking)] == [report.outcomes[0].run_id]
    assert pending_days(sqlite_engine, tracking, start=DAY, end=DAY + DAY_MICROS) == []


def test_a_crash_between_making_and_filling_a_run_is_finished_later(
    sqlite_engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    store(sqlite_engine, metric_row())
    client = tracking.client()
    experiment_id = client.create_experiment(EXPERIMENT)
    for _ in range(2):  # two writers at once, both killed
        client.create_run(experiment_id, start_time=DAY // 1000, tags={"day": "2026-03-02"})

    project(sqlite_engine, tracking, clock)

    [run] = shown_runs(tracking)
    assert run.data.metrics == expected_metrics(sqlite_engine)


def test_more_points_than_one_request_holds_are_all_shown(
    sqlite_engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    names = [f"m{i:03}" for i in range(50)]
    store(
        sqlite_engine,
        *(metric_row(metric=name, window_start=DAY + h * HOUR_MICROS) for name in names for h in range(24)),
    )

    report = project(sqlite_engine, tracking, clock)

    [run] = shown_runs(tracking)
    assert report.outcomes[0].point_count == 24 * 50
    assert len(run.data.metrics) == 50


def test_days_with_new_results_are_pending_until_they_are_shown(
    engine: Engine, tracking: Tracking, clock: FixedClock
) -> None:
    days = [("flights", DAY), ("flights", DAY + DAY_MICROS), ("trains", DAY)]
    store(engine, *(metric_row(model_id=model_id, window_start=day) for model_id, day in days), drift_row())

    def pending(there: Tracking = tracking) -> list[tuple[str, int]]:
        return pending_days(engine, there, start=DAY, end=DAY + 7 * DAY_MICROS)

    assert pending() == days
    project_days(engine, tracking, days, clock=clock)
    assert pending() == []
    correct(engine, at=200, value=0.5)
    assert pending() == [("flights", DAY)]
    assert pending(Tracking(url="http://127.0.0.1:1")) == days


class _Broken(http.server.BaseHTTPRequestHandler):
    """Answers the first question well if told so, then only with 500."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server: Any = self.server
        server.request_count += 1
        self.send_response(404 if server.request_count <= server.good_answers else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name for it)
        return


@contextmanager
def broken_server(*, good_answers: int = 0) -> Iterator[Any]:
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Broken)
    server.request_count, server.good_answers = 0, good_answers
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def assert_unavailable_and_still_due(engine: Engine, tracking: Tracking, clock: FixedClock) -> None:
    days = [("flights", DAY), ("flights", DAY + DAY_MICROS), ("trains", DAY)]
    store(engine, *(metric_row(model_id=model_id, window_start=day) for model_id, day in days))

    report = project_days(engine, tracking, days, clock=clock)

    assert states(report) == [ProjectionState.UNAVAILABLE] * 3
    assert pending_days(engine, tracking, start=DAY, end=DAY + 2 * DAY_MICROS) == days


@pytest.mark.parametrize("good_answers", [0, 1])
def test_a_server_that_fails_is_asked_once_and_left_alone(
    good_answers: int, sqlite_engine: Engine, clock: FixedClock
) -> None:
    with broken_server(good_answers=good_answers) as server:
        tracking = Tracking(url=f"http://127.0.0.1:{server.server_port}", answer_timeout_seconds=PATIENT)

        assert_unavailable_and_still_due(sqlite_engine, tracking, clock)

        assert server.request_count == good_answers + 1


def test_a_server_that_hangs_is_asked_once_and_left_alone(sqlite_engine: Engine, clock: FixedClock) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        tracking = Tracking(url=f"http://127.0.0.1:{silent.getsockname()[1]}", answer_timeout_seconds=0.2)

        assert_unavailable_and_still_due(sqlite_engine, tracking, clock)

        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_server_that_is_not_there_is_unavailable(sqlite_engine: Engine, clock: FixedClock) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]

    assert_unavailable_and_still_due(sqlite_engine, Tracking(url=f"http://127.0.0.1:{port}"), clock)


@pytest.mark.parametrize("damage", ["no database", "a folder in the way", "a file in the way"])
def test_a_store_that_cannot_be_opened_is_unavailable(
    damage: str, sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "mlflow"
    if damage == "no database":
        folder.mkdir(parents=True)
        (folder / "mlflow.db").write_text("this is no database, however long one looks at it" * 20)
    elif damage == "a folder in the way":
        (folder / "mlflow.db").mkdir(parents=True)
    else:
        folder.parent.mkdir()
        folder.write_text("a file")

    assert_unavailable_and_still_due(sqlite_engine, Tracking(url=Home(root=tmp_path / "home").mlflow_url), clock)


def test_nothing_to_show_asks_nobody(sqlite_engine: Engine, clock: FixedClock) -> None:
    with broken_server() as server:
        report = project_days(
            sqlite_engine,
            Tracking(url=f"http://127.0.0.1:{server.server_port}", answer_timeout_seconds=PATIENT),
            [],
            clock=clock,
        )

        assert report.outcomes == ()
        assert server.request_count == 0


def test_importing_the_projection_does_not_load_mlflow() -> None:
    code = (
        "import sys, monitoring_pipeline.tracking.project, monitoring_pipeline.tracking.pending; "
        "print([m for m in ('mlflow', 'pandas', 'httpx', 'dagster') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.long
def test_several_processes_may_make_a_fresh_store_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from monitoring_pipeline.tracking.server import Tracking; "
        "print(len(Tracking(url=sys.argv[1]).client().search_experiments()))"
    )
    address = Home(root=tmp_path).mlflow_url

    started = [
        subprocess.Popen([sys.executable, "-c", code, address], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]

    assert [process.communicate(timeout=120)[0].strip() for process in started] == ["1"] * 4
