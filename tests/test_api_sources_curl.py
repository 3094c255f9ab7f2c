"""The sources' own curl lines, word for word but for host, token and a stamp of today, against ``monitor serve``."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from tests.serving import ServerProcess
from tests.test_api_s4_predict import ModelService, answering

# In words: {tracking} is what the tutorial adds to each address, and the README does not.
INGEST = """
curl -X POST "https://api.europe-west2.gcp.tinybird.co/v0/events?name=ml_model_predictions{tracking}" \\
     -H "Authorization: Bearer $TB_ADMIN_TOKEN" \\
     -d '{{
       "timestamp": "2023-05-15 14:30:00",
       "model_id": "price_prediction_model",
       "prediction_id": "pred_123456",
       "features": "{{\\"feature1\\": 0.5, \\"feature2\\": 10.2}}",
       "predicted_value": 42.5,
       "actual_value": 45.1,
       "model_version": "v1.2.3",
       "environment": "production"
     }}'
"""
JUST_NOW = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
TRACKING = "&utm_source=DEV&utm_campaign=tb+create+--prompt+DEV"
PIPES = "https://api.europe-west2.gcp.tinybird.co/v0/pipes/"
PERFORMANCE = (
    'curl -X GET "{pipes}model_performance_metrics.json?token={token}&model_id=price_prediction_model'
    '&model_version=v1.2.3&environment=production&time_window=48{tracking}"'
)
DRIFT = (
    'curl -X GET "{pipes}model_drift_detection.json?token={token}&model_id=price_prediction_model'
    '&environment=production&recent_window_hours=6&historical_window_hours=168{tracking}"'
)
DETAILS = (
    'curl -X GET "{pipes}prediction_details.json?token={token}&model_id=price_prediction_model'
    '&start_date=2023-05-10%2000:00:00&end_date=2023-05-15%2023:59:59&limit=50"'
)
METRICS = "curl http://localhost:8000/metrics"
HEALTH = "curl http://localhost:8000/health"
PREDICT = """
curl -X POST http://localhost:8000/monitor/predict \\
  -H "Content-Type: application/json" \\
  -d '{"features": {"f0": 1.5, "f1": 2.3, "f2": 0.8}, "ground_truth": 1}'
"""
SENTIMENT = """
curl -X POST http://localhost:8000/predict \\
  -H "Content-Type: application/json" \\
  -d '{{"text": "{text}"}}'
"""
DRIFT_NOW = "curl http://localhost:8000/monitor/drift"
PERFORMANCE_NOW = "curl http://localhost:8000/monitor/performance"
REPORT = "curl http://localhost:8000/monitor/report -o report.html"
SIMULATE = """
curl -X POST http://localhost:8000/simulate/gradual_drift \\
  -H "Content-Type: application/json" \\
  -d '{}'
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running ``monitor serve``, a folder to run curl lines in, and a token that may do all."""

    url: str
    token: str
    folder: Path

    def run(self, line: str) -> httpx.Response:
        """What a curl line is answered: by curl itself where there is one, and by the same request in either case."""
        line = line.replace("\\\n", " ").replace(
            "$TB_ADMIN_TOKEN", self.token
        )  # shlex leaves continued lines to the shell
        words = shlex.split(line)
        words = [self._at_home(word) for word in words]
        if not any(word.startswith("Authorization:") for word in words) and "/v0/pipes/" not in line:
            words += ["-H", f"Authorization: Bearer {self.token}"]
        return self._by_curl(words) if shutil.which("curl") else self._by_httpx(words)

    def _at_home(self, word: str) -> str:
        if not word.startswith("http"):
            return word
        here, there = urlsplit(self.url), urlsplit(word)
        return urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))

    def _by_curl(self, words: list[str]) -> httpx.Response:
        written = ["--silent", "--show-error", "--noproxy", "*", "--write-out", "%{stderr}%{http_code} %{content_type}"]
        done = subprocess.run([*words, *written], cwd=self.folder, capture_output=True, check=True)
        status, _, media_type = done.stderr.decode().partition(" ")
        saved = [word for option, word in pairwise(words) if option == "-o"]
        content = (self.folder / saved[0]).read_bytes() if saved else done.stdout
        return httpx.Response(int(status), content=content, headers={"content-type": media_type})

    def _by_httpx(self, words: list[str]) -> httpx.Response:
        """What curl would send: a body makes it a POST of a form unless a header says otherwise."""
        url = next(word for word in words if word.startswith("http"))
        options = dict(pairwise(words))
        sent = [word.partition(": ") for option, word in pairwise(words) if option == "-H"]
        body = options.get("-d")
        form = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
        headers = {**form, **{name: value for name, _, value in sent}}
        return httpx.request(options.get("-X", "GET"), url, content=body, headers=headers, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def model() -> Iterator[ModelService]:
    with answering({"prediction": 1, "prediction_proba": 0.9}) as service:
        yield service


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: ModelService) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    (home / "monitoring.yaml").write_text(
        f"models: [{{id: stack, task: binary, serving: {{url: '{model.url}', allow_private: true}}}}]", encoding="utf-8"
    )
    # The sources send one token in both ways. In an address it opens reading only, and only if it grants pipes:read.
    scopes = [word for scope in ("admin", "pipes:read") for word in ("--scope", scope)]
    made = subprocess.run(
        [sys.executable, "-m", "monitoring_pipeline.cli", "token", "create", "--client", "sources", *scopes],
        env={**os.environ, "MONITOR_HOME": str(home)},
        capture_output=True,
        check=True,
        text=True,
    )
    with ServerProcess(home=home, environment={}) as running:
        folder = tmp_path_factory.mktemp("folder")
        yield Server(url=running.url, token=made.stdout.split()[-1], folder=folder)


def today(line: str) -> str:
    """The line about a prediction that was made just now: the sources' own was made long ago."""
    return line.replace("2023-05-15 14:30:00", JUST_NOW).replace("pred_123456", "pred_today")


@pytest.mark.parametrize("tracking", ["", TRACKING], ids=["readme", "tutorial"])
def test_events_and_pipes(server: Server, tracking: str) -> None:
    ingest = INGEST.format(tracking=tracking)
    performance, drift = (
        line.format(pipes=PIPES, token="$TB_ADMIN_TOKEN", tracking=tracking) for line in (PERFORMANCE, DRIFT)
    )
    tutorial = performance.replace(PIPES, "https://api.tinybird.co/v0/pipes/")

    stored = [server.run(line) for line in (ingest, today(ingest))]
    good, also_good, moved = (server.run(line) for line in (performance, tutorial, drift))
    details = server.run(DETAILS.format(pipes=PIPES, token="$TB_ADMIN_TOKEN"))

    assert [(reply.status_code, reply.json()) for reply in stored] == [
        (202, {"successful_rows": 1, "quarantined_rows": 0})
    ] * 2
    [row] = good.json()["data"]
    assert (row["model_id"], row["model_version"], row["prediction_count"]) == ("price_prediction_model", "v1.2.3", 1)
    assert (row["rmse"], row["mae"]) == (pytest.approx(2.6), pytest.approx(2.6))
    assert also_good.json()["data"] == good.json()["data"]
    [change] = moved.json()["data"]
    assert (change["recent_count"], change["historical_count"], change["drift_percentage"]) == (1, 0, None)
    [detail] = details.json()["data"]
    assert (detail["prediction_id"], detail["predicted_value"], detail["actual_value"]) == ("pred_123456", 42.5, 45.1)


def test_the_stack(server: Server, model: ModelService) -> None:
    logged = server.run(PREDICT)
    health, drift, performance = (server.run(line) for line in (HEALTH, DRIFT_NOW, PERFORMANCE_NOW))
    report = server.run(REPORT)

    assert (logged.status_code, logged.json()["prediction"], logged.json()["ground_truth_stored"]) == (200, 1, True)
    assert model.asked[-1][1] == {"features": {"f0": 1.5, "f1": 2.3, "f2": 0.8}}
    assert health.json()["status"] == "healthy"
    assert "stack" in [found["model_id"] for found in health.json()["models"]]
    assert (drift.json()["verdict"], performance.json()["labelled_count"]) == ("not_enough_data", 1)
    assert report.content.startswith(b"<!doctype html>")
    assert report.headers["content-type"].startswith("text/html")


def test_a_sentiment_model_behind_the_monitor(server: Server, model: ModelService) -> None:
    texts = (
        "This is amazing!",
        "This is absolutely amazing! I love it!",
        "This is terrible. Very disappointed.",
    )

    replies = [server.run(SENTIMENT.format(text=text)) for text in texts]
    metrics = server.run(METRICS)

    assert [reply.json()["stored"] for reply in replies] == [True] * 3
    assert [body for _, body in model.asked[-3:]] == [{"features": {"text": text}} for text in texts]
    assert "api_predictions_total" in metrics.text


def test_a_simulation_is_started(server: Server) -> None:
    started = server.run(SIMULATE)
    told = server.run(f"curl {server.url}{started.json()['status_url']}")

    assert started.status_code == httpx.codes.ACCEPTED
    assert (told.json()["scenario"], told.json()["state"]) == ("gradual_drift", "running")
