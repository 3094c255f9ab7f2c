"""``GET /monitor/drift`` and ``/monitor/performance``: how a model does now, asked as often as one likes."""

from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import orjson
import pytest
from sklearn.metrics import f1_score, mean_absolute_error, precision_score, recall_score, root_mean_squared_error
from sqlalchemy import Engine

from monitoring_pipeline.api.present.latest import Answer, LatestAnswers
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.reports import hour_rows
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor, isoformat
from tests.alerts_examples import finding, recorded
from tests.conftest import FixedClock
from tests.drift_examples import events_of, opened, reference_of
from tests.pipeline_examples import START
from tests.pipeline_examples import ingest as landed
from tests.serving import event, installation_on, served, token_for
from tests.test_drift_monitor import FAR, USUAL

LATER = START + 5 * HOUR_MICROS + HOUR_MICROS // 2


def binary_rows(now: int, *, count: int = 400) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Predictions of the last five hours, and the truth of three in four of them."""
    rng = np.random.default_rng(3)
    predictions, actuals = [], []
    for number in range(count):
        at = now - 5 * HOUR_MICROS + number * (5 * HOUR_MICROS // count)
        says = int(rng.random() < 0.4)
        row = {"model_id": "churn", "prediction_id": f"p{number}", "timestamp": isoformat(at), "features": {}}
        predictions.append({**row, "predicted_value": says, "confidence": 0.7})
        if rng.random() < 0.75:
            truth = says if rng.random() < 0.8 else 1 - says
            actuals.append({"model_id": "churn", "prediction_id": f"p{number}", "actual_value": truth})
    return predictions, actuals


def metrics_of(group: dict[str, Any]) -> dict[str, Any]:
    return {found["metric"]: found["value"] for found in group["metrics"]}


def post(client: Any, name: str, rows: list[dict[str, Any]]) -> None:
    reply = client.post("/v0/events", params={"name": name}, content=b"\n".join(map(orjson.dumps, rows)))
    assert reply.json() == {"successful_rows": len(rows), "quarantined_rows": 0}


@pytest.mark.parametrize("rows_at_once", [hour_rows.MOST_ROWS_AT_ONCE, 7])
def test_performance_is_that_of_every_row_that_is_stored_without_waiting_for_a_run(
    engine: Engine, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(hour_rows, "MOST_ROWS_AT_ONCE", rows_at_once)
    config = MonitoringConfig(models=[Model(id="churn", task="binary")])
    predictions, actuals = binary_rows(clock.now)
    known = {row["prediction_id"]: row["actual_value"] for row in actuals}
    said = {row["prediction_id"]: row["predicted_value"] for row in predictions if row["prediction_id"] in known}

    with served(installation_on(engine, tmp_path, clock=clock, config=config)) as client:
        post(client, "ml_model_predictions", predictions)
        post(client, "ml_model_actuals", actuals)
        told = client.get("/monitor/performance").json()

    truth, predicted = [known[name] for name in said], list(said.values())
    assert (told["model_id"], told["prediction_count"], told["labelled_count"]) == ("churn", 400, len(known))
    assert (told["verdict"], told["as_of"], told["is_current"]) == ("ok", isoformat(clock.now), True)
    assert told["coverage"] == pytest.approx(len(known) / 400)
    [group] = told["groups"]
    found = metrics_of(group)
    assert found["accuracy"] == pytest.approx(np.mean(np.array(truth) == np.array(predicted)), abs=1e-12)
    assert found["precision"] == pytest.approx(precision_score(truth, predicted), abs=1e-12)
    assert found["recall"] == pytest.approx(recall_score(truth, predicted), abs=1e-12)
    assert found["f1"] == pytest.approx(f1_score(truth, predicted), abs=1e-12)
    assert found["average_confidence"] == pytest.approx(0.7)
    [undefined] = [metric for metric in group["metrics"] if metric["metric"] == "roc_auc"]
    assert (undefined["value"], undefined["undefined_reason"]) == (None, "no_probabilities")
    assert told["standing"] == []


@pytest.mark.parametrize(("days", "reason"), [(1, "1 alert stands"), (2, "2 alerts stand")])
def test_alerts_that_stand_are_news_whatever_is_known_of_the_last_hours(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, days: int, reason: str
) -> None:
    recorded(sqlite_engine, *(finding(12.0, day=day) for day in range(days)), now=clock())

    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        post(client, "ml_model_predictions", [event(model_id="flight_delay")])
        told = client.get("/monitor/performance").json()

    assert (told["verdict"], told["reason"], told["active_alerts"]) == ("alerting", reason, days)


def test_few_labels_are_not_called_good_performance(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        post(client, "ml_model_predictions", [event()])
        told = client.get("/monitor/performance").json()

    assert told["verdict"] == "not_enough_data"
    assert told["reason"] == "the truth is known of 0 of 1 predictions so far; fewer than 30 tell little"


def test_hours_that_were_computed_and_hours_that_changed_since_are_told_together(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    config = MonitoringConfig(models=[Model(id="price", task="regression")])
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=config)
    rng = np.random.default_rng(8)
    truth, predicted = rng.normal(size=300).tolist(), rng.normal(size=300).tolist()
    first = clock.now - 4 * HOUR_MICROS
    rows = [
        event(
            n,
            timestamp=isoformat(first + n * 40_000_000),
            predicted_value=float(predicted[n]),
            actual_value=float(truth[n]),
        )
        for n in range(300)
    ]
    hours = [floor(first, Grain.HOUR) + number * HOUR_MICROS for number in range(4)]

    with served(installation) as client:
        post(client, "ml_model_predictions", rows[:250])
        log_predictions(installation.pipeline, hours)
        join_predictions(installation.pipeline, hours)
        measure_hours(installation.pipeline, hours)
        computed = client.get("/monitor/performance?hours=4").json()
        post(client, "ml_model_predictions", rows[250:])
        changed = client.get("/monitor/performance?hours=4").json()

    for told, count in ((computed, 250), (changed, 300)):
        found = metrics_of(told["groups"][0])
        assert told["prediction_count"] == count
        assert found["mae"] == pytest.approx(mean_absolute_error(truth[:count], predicted[:count]), abs=1e-12)
        assert found["rmse"] == pytest.approx(root_mean_squared_error(truth[:count], predicted[:count]), abs=1e-12)


def test_what_moved_is_told_with_verdict_coverage_and_the_instant_of_the_answer(tmp_path: Path) -> None:
    clock = FixedClock(LATER)
    features = {"distance": "numeric", "carrier": "categorical"}
    with opened(tmp_path, features, reference=reference_of(USUAL), clock=clock) as installation:
        landed(installation, predictions=events_of(FAR, hours=range(5), per_hour=60))
        with served(installation) as client:
            told = client.get("/monitor/drift?hours=5").json()
            again = client.get("/monitor/drift?hours=5").json()
            clock.advance(hours=48)
            silent = client.get("/monitor/drift?hours=5").json()

    assert (told["verdict"], told["reason"], told["drifted_features"]) == ("drift", None, ["distance"])
    assert (told["as_of"], told["age_seconds"], told["is_current"]) == (isoformat(LATER), 0, True)
    assert (told["prediction_count"], told["labelled_count"], told["coverage"]) == (300, 0, 0.0)
    assert {result["feature"]: result["verdict"] for result in told["results"]} == {
        "distance": "drift",
        "carrier": "no_drift",
    }
    assert again == told
    assert (silent["verdict"], silent["results"]) == ("not_enough_data", [])
    assert "no predictions" in silent["reason"]


def test_a_model_without_reference_or_rows_is_not_called_healthy(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    config = MonitoringConfig(models=[Model(id="churn", task="binary")])
    with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=config)) as client:
        drift, performance = client.get("/monitor/drift").json(), client.get("/monitor/performance").json()

    assert (drift["verdict"], drift["prediction_count"], drift["coverage"]) == ("not_enough_data", 0, None)
    assert "reference" in drift["reason"]
    assert (performance["verdict"], performance["groups"], performance["coverage"]) == ("not_enough_data", [], None)


@pytest.mark.parametrize("path", ["/monitor/drift", "/monitor/performance", "/monitor/report"])
def test_the_model_may_be_left_out_only_where_it_is_clear_and_tokens_bound_what_is_told(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, path: str
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    with served(installation) as client:
        nobody = client.get(path)
        client.post("/v0/events?name=ml_model_predictions", json=event())
        only_one = client.get(path)
        client.post("/v0/events?name=ml_model_predictions", json=event(model_id="other"))
        two = client.get(path)
        named, unknown = client.get(path, params={"model_id": "other"}), client.get(path, params={"model_id": "no"})
        reader = token_for(installation, "metrics:read@other")
    with served(installation) as client:
        allowed = [client.get(path, params={"model_id": name}, headers=reader) for name in ("other", "price")]
        without = client.get(path, params={"model_id": "other"})

    statuses = [reply.status_code for reply in (nobody, only_one, two, named, unknown, *allowed, without)]
    assert statuses == [422, 200, 422, 200, 404, 200, 403, 401]


@pytest.mark.parametrize("declared", [True, False])
def test_a_model_that_is_left_out_is_the_only_one_of_the_token_and_no_other_is_given_away(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, declared: bool
) -> None:
    names = ("other", "price")
    config = MonitoringConfig(models=[Model(id=name, task=Task.REGRESSION) for name in names if declared])
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=config)
    admin, narrow, none = (
        token_for(installation, grant, client=grant) for grant in ("admin", "admin@other", "admin@none")
    )

    with served(installation) as client:
        for name in names:
            client.post("/v0/events?name=ml_model_predictions", json=event(model_id=name), headers=admin)
        found = client.get("/monitor/performance", headers=narrow)
        unclear = [client.get("/monitor/performance", headers=headers) for headers in (admin, none)]
        logged = client.post("/monitor/predict", json={"features": {}, "prediction": 1.0}, headers=narrow)

    assert found.json()["model_id"] == "other"
    assert [reply.status_code for reply in unclear] == [422, 422]
    assert unclear[0].content == unclear[1].content
    assert logged.status_code == (200 if declared else 422)


def test_one_thread_computes_and_the_others_are_given_the_last_answer_or_asked_to_come_again() -> None:
    answers: LatestAnswers[str] = LatestAnswers()
    begun, may_end = Event(), Event()
    computed: list[str] = []

    def slowly() -> str:
        begun.set()
        may_end.wait()
        computed.append("second")
        return "second"

    def ask(revision: int) -> Answer[str]:
        return answers.ask("question", revision=revision, compute=slowly)

    answers.ask("question", revision=1, compute=lambda: "first")
    computing = Thread(target=ask, args=(2,))
    computing.start()
    begun.wait()
    meanwhile = ask(2)
    with pytest.raises(Problem) as refused:
        answers.ask("another", revision=1, compute=lambda: answers.ask("a third", revision=1, compute=str).value)
    may_end.set()
    computing.join()
    after = ask(2)

    assert (meanwhile.value, meanwhile.is_current) == ("first", False)
    assert (after.value, after.is_current, computed) == ("second", True, ["second"])
    assert (refused.value.headers or {})["Retry-After"] == "2"


def test_a_crowd_asks_and_one_computation_is_made() -> None:
    answers: LatestAnswers[int] = LatestAnswers()
    answers.ask("q", revision=0, compute=lambda: 0)
    computed: list[int] = []
    together = Barrier(8)
    found: list[Answer[int]] = []

    def compute() -> int:
        computed.append(1)
        return 1

    def ask() -> None:
        together.wait()
        found.append(answers.ask("q", revision=1, compute=compute))

    crowd = [Thread(target=ask) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()

    assert computed == [1]
    assert {(answer.value, answer.is_current) for answer in found} <= {(0, False), (1, True)}
