"""What Prometheus is configured with names only what the monitor shows, and leads to what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric
from sqlalchemy import Engine

from monitoring_pipeline.config.models import Severity
from tests.compose_file import FILLED_IN, ROOT, read_compose
from tests.conftest import FixedClock
from tests.metrics_text import read
from tests.serving import event, installation_on, served

FOLDER = ROOT / "deploy/prometheus"
PAGE = ROOT / "docs/how-to/prometheus.md"
COMPOSE = read_compose(FILLED_IN)
CONFIG = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
NAME = re.compile(r"\b((?:api|mlmon|model|database|job)[a-z0-9_:]+)\b")
SELECTOR = re.compile(r"\b([a-z][a-z0-9_:]+)\{([^}]*)\}")
LABELS = ("model_name",)  # which look like names of metrics


def _rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


RECORDED = _rules("recording.yml")
ALERTS = _rules("alerts.yml")


def _promql() -> list[str]:
    asked = re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert len(asked) > 15
    return [*asked, *(rule["expr"] for rule in RECORDED + ALERTS)]


@pytest.fixture
def families(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> list[Metric]:
    """What a scrape shows."""
    with served(installation_on(sqlite_engine, tmp_path, clock=clock)) as client:
        row = event(latency_ms=3, confidence=0.5)
        client.post("/v0/events?name=ml_model_predictions", json=row)
        client.get("/nowhere")
        return read(client.get("/metrics"))


def test_every_metric_that_is_asked_for_is_shown(families: list[Metric]) -> None:
    ends = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}
    shown = {family.name + end for family in families for end in ends.get(family.type, ("",))}
    shown |= {rule["record"] for rule in RECORDED}

    asked = {name for query in _promql() for name in NAME.findall(query) if name not in {*LABELS, "job"}}

    assert asked
    assert asked <= shown, asked - shown


def test_every_label_that_is_selected_exists(families: list[Metric]) -> None:
    labels = {sample.name: set(sample.labels) for family in families for sample in family.samples}

    for query in _promql():
        for name, selected in SELECTOR.findall(query):
            if name in labels:
                assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= labels[name], query


def test_every_family_is_in_the_documentation(families: list[Metric]) -> None:
    page = PAGE.read_text()

    named = {family.name + ("_total" if family.type == "counter" else "") for family in families}

    assert not {name for name in named if not name.startswith("process_") and name not in page}


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_an_alert_says_what_is_wrong_and_leads_to_what_to_do(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]
    file, _, anchor = annotations["runbook"].partition("#")

    assert re.fullmatch(r"(?:[A-Z][a-z]+)+", rule["alert"])
    assert rule["labels"]["severity"] in set(Severity)
    assert annotations.keys() == {"summary", "description", "runbook"}
    assert (ROOT / file) == PAGE
    assert anchor == rule["alert"].lower()
    assert f"### {rule['alert']}\n" in PAGE.read_text()


def test_every_runbook_belongs_to_an_alert() -> None:
    written = re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)

    assert written == [rule["alert"] for rule in ALERTS]


@pytest.mark.parametrize("rule", RECORDED, ids=[rule["record"] for rule in RECORDED])
def test_a_recording_is_named_by_level_metric_and_operation(rule: dict[str, Any]) -> None:
    level, metric, operation = rule["record"].split(":")

    assert level in {"model", "job"}
    assert metric in rule["expr"]
    [minutes] = re.findall(r"\d+m$", operation)
    assert f"[{minutes}]" in rule["expr"]


def test_prometheus_scrapes_the_api_with_the_token_that_it_is_given() -> None:
    api, prometheus = COMPOSE["services"]["api"], COMPOSE["services"]["prometheus"]
    [job] = [job for job in CONFIG["scrape_configs"] if job["job_name"] == "monitor"]
    [secret] = prometheus["secrets"]

    assert job["static_configs"] == [{"targets": [f"api:{api['command'][-1]}"]}]
    assert job["authorization"] == {"type": "Bearer", "credentials_file": f"/run/secrets/{secret}"}
    assert secret in COMPOSE["secrets"]
    assert set(api["networks"]) & set(prometheus["networks"])


def test_prometheus_finds_its_rules_and_takes_no_commands() -> None:
    service = COMPOSE["services"]["prometheus"]
    mounts = dict(mount.rsplit(":", 2)[:2] for mount in service["volumes"] if mount.startswith("./"))

    for file in CONFIG["rule_files"]:
        folder, _, name = file.rpartition("/")
        assert (ROOT / {place: source for source, place in mounts.items()}[folder] / name).exists()
    flags = {flag.partition("=")[0] for flag in service["command"]}
    assert not flags & {"--web.enable-lifecycle", "--web.enable-admin-api", "--web.enable-remote-write-receiver"}


def test_the_alerts_of_prometheus_know_the_states_of_ours(families: list[Metric]) -> None:
    states = {
        sample.labels["state"]
        for family in families
        if family.name == "mlmon_alerts_active"
        for sample in family.samples
    }
    [standing] = [rule["expr"] for rule in ALERTS if rule["alert"] == "ModelAlertStanding"]

    assert set(re.findall(r"state=~\"([^\"]+)\"", standing)[0].split("|")) <= states
