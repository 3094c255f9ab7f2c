"""``POST /monitor/predict``: predictions that are sent along, and those that the model's own service makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Engine, select

from monitoring_pipeline.config.models import Model, MonitoringConfig, Serving
from monitoring_pipeline.events.tables import actuals, predictions, quarantine
from tests.conftest import FixedClock
from tests.serving import installation_on, served, token_for

FEATURES = {"f0": 1.5, "f1": 2.3, "f2": 0.8}
A, B = Model(id="a", task="binary"), Model(id="b", task="binary")
SENT = {"features": FEATURES, "ground_truth": 1}


class ModelService(ThreadingHTTPServer):
    """A model behind HTTP that answers what a test wants, and keeps what it was asked."""

    def __init__(self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.body, self.status, self.headers = body, status, headers or {}
        self.asked: list[tuple[dict[str, str], Any]] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/score"


class _Answering(BaseHTTPRequestHandler):
    server: ModelService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((dict(self.headers), orjson.loads(body)))
        self.send_response(self.server.status)
        for name, value in {"Content-Length": str(len(self.server.body)), **self.server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def answering(answer: Any, **kwargs: Any) -> Iterator[ModelService]:
    """A model's service that answers this."""
    body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    with ModelService(body, **kwargs) as service:
        Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield service
        service.shutdown()


def config_of(*models: Model) -> MonitoringConfig:
    return MonitoringConfig(models=list(models))


def scorer(url: str, **changes: Any) -> Model:
    serving = Serving(url=url, **{"allow_private": True, **changes})
    return Model(id="scorer", task="binary", features=dict.fromkeys(FEATURES, "numeric"), serving=serving)


def rows_of(engine: Engine, *columns: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def test_the_features_are_forwarded_and_the_answer_is_logged_with_its_latency_and_its_truth(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with answering({"prediction": 1, "prediction_proba": 0.83, "confidence": 0.83, "extra": []}) as model:
        installation = installation_on(engine, tmp_path, clock=clock, config=config_of(scorer(model.url)))
        with served(installation) as client:
            reply = client.post("/monitor/predict", json=SENT)

    assert reply.status_code == httpx.codes.OK, reply.text
    told = reply.json()
    assert [body for _, body in model.asked] == [{"features": FEATURES}]
    assert (told["stored"], told["prediction"], told["ground_truth_stored"], told["remarks"]) == (True, 1, True, [])
    stored = rows_of(
        engine,
        predictions.c.model_id,
        predictions.c.prediction_id,
        predictions.c.predicted_at,
        predictions.c.predicted_value,
        predictions.c.prediction_proba,
        predictions.c.latency_ms,
        predictions.c.features,
    )
    assert stored == [
        ("scorer", told["prediction_id"], clock.now, 1.0, 0.83, told["latency_ms"], '{"f0":1.5,"f1":2.3,"f2":0.8}')
    ]
    assert told["latency_ms"] > 0
    assert rows_of(engine, actuals.c.prediction_id, actuals.c.actual_value) == [(told["prediction_id"], 1.0)]


def test_a_prediction_that_is_sent_along_is_logged_as_it_is_and_nobody_is_asked(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    sent = {
        "features": {"f0": 1.5},
        "prediction": 42.5,
        "model_id": "price",
        "model_version": "v7",
        "environment": "staging",
        "prediction_id": "p-1",
        "timestamp": "2026-03-02T11:59:00Z",
        "latency_ms": 12.5,
        "confidence": 0.9,
    }
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        replies = [client.post("/monitor/predict", json=sent) for _ in range(2)]

    assert [(reply.status_code, reply.json()["prediction_id"]) for reply in replies] == [(200, "p-1")] * 2
    columns = (predictions.c.model_id, predictions.c.model_version, predictions.c.environment, predictions.c.latency_ms)
    assert rows_of(engine, *columns) == [("price", "v7", "staging", 12.5)]
    assert rows_of(engine, actuals.c.prediction_id) == []


@pytest.mark.parametrize(
    ("models", "sent", "code"),
    [
        ([], {"features": {}}, "model-unclear"),
        (
            [Model(id="a", task="binary"), Model(id="b", task="binary")],
            {"features": {}, "prediction": 1},
            "model-unclear",
        ),
        ([Model(id="a", task="binary")], {"features": {}}, "no-prediction"),
        ([], {"features": {}, "model_id": "x", "prediction": 1, "predicted_value": 2}, "contradiction"),
        ([], {"features": {}, "model_id": "x", "prediction": 1, "prediction_proba": 7}, "quarantined"),
        ([], {"features": [], "model_id": "x", "prediction": 1}, "invalid-request"),
    ],
)
def test_what_cannot_be_logged_is_refused_with_the_remedy(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, models: list[Model], sent: dict[str, Any], code: str
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=config_of(*models))
    with served(installation) as client:
        reply = client.post("/monitor/predict", json=sent)

    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert reply.json()["type"].endswith(code)
    assert rows_of(sqlite_engine, predictions.c.prediction_id) == []
    assert len(rows_of(sqlite_engine, quarantine.c.reason)) == (code == "quarantined")


def test_who_sends_features_alone_is_told_where_to_name_the_model(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        reply = client.post("/predict", json={"area": 80})

    assert reply.status_code == 422
    assert "as model_id in the body of POST /monitor/predict" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("answer", "kwargs", "detail"),
    [
        ({"prediction": 1}, {"status": 500}, "answered 500"),
        ({"prediction": 1}, {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}, "answered 302"),
        ({"score": 1}, {}, "did not answer with"),
        (b"<html>", {}, "did not answer with"),
        (b'{"prediction": NaN}', {}, "did not answer with"),
        (b'{"prediction": 1, "x": "' + b"y" * 200_000 + b'"}', {}, "more than"),
    ],
)
def test_a_service_that_answers_anything_else_is_a_bad_gateway_and_nothing_is_stored(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, answer: Any, kwargs: dict[str, Any], detail: str
) -> None:
    with answering(answer, **kwargs) as model:
        installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=config_of(scorer(model.url)))
        with served(installation) as client:
            reply = client.post("/monitor/predict", json=SENT)

    assert (reply.status_code, reply.json()["type"].rpartition(":")[2]) == (502, "model-unusable")
    assert detail in reply.json()["detail"]
    assert "127.0.0.1" not in reply.text
    assert len(model.asked) == 1
    assert rows_of(sqlite_engine, predictions.c.prediction_id) == []


def test_an_address_of_ones_own_network_is_not_asked_unless_the_owner_says_so(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with answering({"prediction": 1}) as model:
        config = config_of(scorer(model.url, allow_private=False))
        with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=config)) as client:
            reply = client.post("/monitor/predict", json=SENT)

    assert (reply.status_code, model.asked) == (502, [])
    assert "allow_private" in reply.json()["detail"]


def test_the_services_token_comes_from_the_environment_and_must_be_there(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering({"prediction": 1}) as model:
        config = config_of(scorer(model.url, token_env="SCORER_TOKEN"))
        with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=config)) as client:
            without = client.post("/monitor/predict", json=SENT)
            monkeypatch.setenv("SCORER_TOKEN", "s3cret")
            with_token = client.post("/monitor/predict", json=SENT)

    assert (without.status_code, with_token.status_code) == (502, 200)
    assert [headers["Authorization"] for headers, _ in model.asked] == ["Bearer s3cret"]
    assert "s3cret" not in with_token.text


def test_a_service_that_is_too_slow_is_a_gateway_timeout(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with answering({"prediction": 1}, headers={"Content-Length": "1000"}) as model:  # the rest never comes
        config = config_of(scorer(model.url, timeout_seconds=0.2))
        with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=config)) as client:
            reply = client.post("/monitor/predict", json=SENT)

    assert reply.status_code in {502, 504}
    assert rows_of(sqlite_engine, predictions.c.prediction_id) == []


def test_what_strikes_about_the_features_is_said_without_their_values(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    features = {
        "age": {"type": "numeric", "min": 0, "max": 120},
        "plan": {"type": "categorical", "allowed": ["basic", "pro"]},
        "income": {"type": "numeric", "nullable": False},
    }
    model = Model.model_validate({"id": "churn", "task": "binary", "features": features})
    sent = {"features": {"age": 777, "plan": "canary-value", "new": 1}, "prediction": 1}
    with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=config_of(model))) as client:
        reply = client.post("/monitor/predict", json=sent)

    assert [(found["feature"], found["remark"]) for found in reply.json()["remarks"]] == [
        ("age", "above_max"),
        ("plan", "not_allowed"),
        ("income", "missing"),
        ("new", "undeclared"),
    ]
    assert "canary-value" not in reply.text


def test_it_takes_a_token_that_may_append_events_of_this_model(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    right = token_for(installation, "events:append@price*")
    reader = token_for(installation, "metrics:read", client="reader")
    sent = {"features": {}, "prediction": 1, "model_id": "price_eu"}

    with served(installation) as client:
        statuses = [
            client.post("/monitor/predict", json=body, headers=headers).status_code
            for body, headers in ((sent, right), ({**sent, "model_id": "fraud"}, right), (sent, reader), (sent, {}))
        ]

    assert statuses == [200, 403, 403, 401]
