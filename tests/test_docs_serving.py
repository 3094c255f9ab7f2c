"""The pages on serving do what they say: their lines are run, and print what stands below them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.windows import HOUR_MICROS, isoformat
from tests.native_services import wait_for
from tests.serving import ServerProcess, served
from tests.shell_lines import SERVER, Shell

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What differs from day to day, and from row to row.
VARYING = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [block for found, block in BLOCK.findall(text) if found == language]


def section(text: str, heading: str) -> str:
    """From a heading to the next of its level."""
    [found] = [part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith(f"{heading}\n")]
    return found


def comparable(printed: str) -> list[str]:
    return [VARYING.sub("INSTANT", line) for line in printed.splitlines()]


@pytest.fixture
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """In a folder whose config is the test's parameter, beside a server of the same store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    if config := getattr(request, "param", None):
        (tmp_path / "monitoring.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    installation = open_installation()
    with served(installation) as client:
        yield Shell(client=client, folder=tmp_path)
    installation.engine.dispose()


def test_the_readme_shows_in_a_moment_what_is_answered(shell: Shell) -> None:
    quick = section(text_of("README.md"), "Ask it in half a minute")
    [shown] = blocks(quick, "text")
    _, asked = blocks(quick, "sh")

    printed = shell.run(asked)

    assert comparable(printed) == comparable(shown)


def test_the_page_on_serving_prints_what_it_shows_and_every_line_succeeds(shell: Shell) -> None:
    page, _, _ = text_of("docs/how-to/serve.md").partition("## Behind a proxy")
    started, *lines = blocks(page, "sh")
    _, shown = blocks(page, "text")

    printed = [shell.run(block) for block in lines]

    assert started == "monitor serve\n"
    assert comparable(printed[0]) == comparable(shown)
    assert all(name in printed[1] for name in ("producer", "fraud-team", "grafana"))
    assert '"prediction_count":3' in printed[3]


def test_what_the_server_says_of_itself_is_what_the_page_shows(tmp_path: Path) -> None:
    shown, _ = blocks(text_of("docs/how-to/serve.md").partition("## Behind a proxy")[0], "text")
    log = tmp_path / "serve.log"

    with ServerProcess(home=tmp_path, environment={"MONITOR_CONFIG": ""}) as server:
        wait_for(lambda: "tokens " in log.read_text())
        said = log.read_text().replace(server.url, SERVER).replace(str(tmp_path), "/home/me/.monitor")

    assert said == shown


@pytest.mark.parametrize("shell", [{"models": [{"id": "churn", "task": "binary"}]}], indirect=True)
def test_the_page_on_reports_writes_pages_and_every_address_of_it_answers(shell: Shell) -> None:
    page = text_of("docs/how-to/report.md")
    shell.variables["TOKEN"] = "not-needed"
    reports, logged, simulated = blocks(page, "sh")

    answer = json.loads(shell.run(logged))
    shell.run(reports)
    started = json.loads(shell.run(simulated))
    answers = {
        address: shell.client.get(address) for address in re.findall(r"^\| `GET ([^`]+)` \|", page, re.MULTILINE)
    }

    assert answer["stored"]
    assert {file.name for file in shell.folder.glob("*.html")} == {"report.html", "churn.html"}
    assert started["state"] == "running"
    assert len(answers) == 4
    assert {reply.status_code for reply in answers.values()} == {httpx.codes.OK}
    for name in ("as_of", "age_seconds", "is_current"):
        assert name in answers["/monitor/performance?hours=24"].json()


def test_the_declaration_of_a_model_that_is_asked_is_valid() -> None:
    [declared] = blocks(text_of("docs/how-to/report.md"), "yaml")

    [model] = MonitoringConfig.model_validate(yaml.safe_load(declared)).models

    assert model.serving is not None
    assert model.serving.token_env == "CHURN_TOKEN"


def refused_rows() -> list[dict[str, Any]]:
    """One row with a field that nobody declared, and one with an instant that lies far ahead."""
    now = system_clock()
    row = {"model_id": "flight_delay", "predicted_value": 3.5, "timestamp": isoformat(now)}
    ahead = isoformat(now + 48 * HOUR_MICROS)
    return [{**row, "prediction_id": "a", "gate": "B7"}, {**row, "prediction_id": "b", "timestamp": ahead}]


@pytest.mark.parametrize("shell", [{"models": [{"id": "flight_delay", "task": "regression"}]}], indirect=True)
def test_the_page_on_the_quarantine_lists_replays_and_discards(shell: Shell) -> None:
    listed, replayed, discarded = blocks(text_of("docs/how-to/quarantine.md"), "sh")
    here = open_installation()
    report = ingest_rows(here.engine, refused_rows(), kind=Kind.PREDICTIONS, config=here.config)
    here.engine.dispose()
    rows = json.loads(shell.run("monitor quarantine list --json"))
    ahead = next(row["quarantine_id"] for row in rows if row["reason"] == "future_timestamp")[:12]

    shown = shell.run(listed.replace("0a4d55a8d778", ahead))
    config = {"models": [{"id": "flight_delay", "task": "regression", "segments": ["gate"]}]}
    (shell.folder / "monitoring.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    shell.run(replayed.replace("0a4d55a8d778", ahead))
    left = json.loads(shell.run("monitor quarantine list --json"))
    gone = shell.run(discarded.replace("0a4d55a8d778", ahead))

    assert report.quarantined == 2
    assert ("unknown_field" in shown, "future_timestamp" in shown) == (True, True)
    assert [row["quarantine_id"][:12] for row in left] == [ahead]
    assert "sent twice by mistake" in shell.run("monitor quarantine list --discarded --json")
    assert ahead in gone


def test_the_page_on_prometheus_shows_the_line_that_it_looks_for(shell: Shell) -> None:
    [first, *_] = blocks(text_of("docs/how-to/prometheus.md"), "sh")
    event = {"model_id": "price", "prediction_id": "p", "predicted_value": 1, "timestamp": isoformat(system_clock())}

    shell.client.post("/v0/events?name=ml_model_predictions", json=event)
    printed = shell.run(first)

    assert re.search(r"^api_predictions_total\{.*model_name=\"price\".*\} 1\.0$", printed, re.MULTILINE)


def test_the_page_on_sources_reads_the_files_that_it_declares(shell: Shell) -> None:
    page = text_of("docs/how-to/sources.md")
    [declared] = blocks(page, "yaml")
    exports = yaml.safe_load(declared)["sources"]["exports"]
    (shell.folder / "monitoring.yaml").write_text(yaml.safe_dump({"sources": {"exports": exports}}), encoding="utf-8")
    row = {"model_id": "eta", "prediction_id": "p", "predicted_value": 1, "timestamp": isoformat(system_clock())}
    file = shell.folder / "exports" / "monday" / "events.ndjson"
    file.parent.mkdir(parents=True)
    file.write_text(f"{json.dumps(row)}\n{{half a line\n", encoding="utf-8")
    once, _endless = blocks(section(page, "Files"), "sh")[0].splitlines()

    first, second = (json.loads(shell.run(f"{once} --json")) for _ in range(2))

    assert [(read["accepted"], read["quarantined"]) for read in (*first, *second)] == [(1, 1), (0, 0)]
