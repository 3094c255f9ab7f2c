"""What the documents say is what the program does: generated pages, examples, links."""

import doctest
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.csv
import pyarrow.parquet
import pytest
import yaml
from sqlalchemy import Engine, insert

from monitoring_pipeline.alerts.channels.webhook import WebhookSender
from monitoring_pipeline.alerts.notification import Notification
from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.cli.main import COMMANDS
from monitoring_pipeline.config.models import MonitoringConfig, Task
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.ingest import ingest_file, ingest_rows
from monitoring_pipeline.events.quarantine import QuarantineReason
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.performance.registry import KINDS
from monitoring_pipeline.results.read import read_drift, read_metrics
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import to_micros
from tests.alerts_examples import finding, recorded, rows
from tests.results_examples import a_drift_result, a_metric

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
PAGE_NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(name), re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, spaces to hyphens, other signs gone."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def commands(command: Any, path: str) -> Iterator[str]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


def keys_under(heading: str) -> set[str]:
    section = re.split(r"^## ", text_of("reference/results.md"), flags=re.MULTILINE)
    [found] = [part for part in section if part.startswith(f"{heading}\n")]
    return set(re.findall(r"^\| `(\w+)` \|", found, re.MULTILINE))


def test_the_generated_pages_are_up_to_date() -> None:
    generator = DOCS / "reference" / "generate.py"

    done = subprocess.run([sys.executable, generator, "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_command_is_documented() -> None:
    existing = {path for lazy in COMMANDS for path in commands(lazy.load(), f"monitor {lazy.name}")} | {"monitor"}

    assert set(HEADING.findall(FENCED.sub("", text_of("reference/cli.md")))) == existing | {"Command line"}


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    assert list(broken_links(ROOT / name)) == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(text_of("README.md"))}

    assert set(DOCS.rglob("*.md")) - {DOCS / "README.md"} <= index


def test_a_metrics_row_has_just_the_documented_keys(sqlite_engine: Engine) -> None:
    with writing(sqlite_engine) as connection:
        connection.execute(insert(metrics), [a_metric()])

    [row] = read_metrics(sqlite_engine)

    assert set(row) == keys_under("The window and group of a row") | keys_under("monitor metrics")


def test_a_drift_row_has_just_the_documented_keys(sqlite_engine: Engine) -> None:
    with writing(sqlite_engine) as connection:
        connection.execute(insert(drift_results), [a_drift_result()])

    [row] = read_drift(sqlite_engine)

    assert set(row) == keys_under("The window and group of a row") | keys_under("monitor drift")


def test_an_alert_has_just_the_documented_keys(sqlite_engine: Engine) -> None:
    recorded(sqlite_engine, finding(), now=1)

    [row] = list_alerts(sqlite_engine)

    assert set(row) == keys_under("The window and group of a row") | keys_under("monitor alerts list")


def test_every_metric_is_explained() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "explanation").glob("*.md")))
    explained = set(re.findall(r"`(\w+)`", pages))

    assert {metric.__name__ for kind in KINDS.values() for metric in kind.metrics} <= explained


def test_every_reason_of_the_quarantine_is_explained() -> None:
    rows = "\n".join(line for line in text_of("how-to/bad-rows.md").splitlines() if line.startswith("| `"))

    assert set(re.findall(r"`(\w+)`", rows)) >= {reason.value for reason in QuarantineReason}


def test_the_examples_of_rounding_are_true() -> None:
    failed, tried = doctest.testfile(str(DOCS / "explanation" / "determinism.md"), module_relative=False)

    assert (failed, tried > 0) == (0, True)


def test_the_example_channels_and_rules_are_valid() -> None:
    rules, channels = (yaml.safe_load(block) for block in blocks("how-to/alerts.md", "yaml"))
    channels["channels"]["on_call"]["url"] = "https://hooks.example.com"  # comes from the environment
    [model] = channels["models"]

    config = MonitoringConfig.model_validate({**channels, "models": [{**model, "rules": rules["rules"]}]})

    assert len(config.models[0].rules) == 7


def fields_under(heading: str) -> dict[str, bool]:
    """The fields of a table of events.md, and whether it calls them required."""
    section = re.split(r"^## ", text_of("reference/events.md"), flags=re.MULTILINE)
    [found] = [part for part in section if part.startswith(f"{heading}\n")]
    return {name: word == "yes" for name, word in re.findall(r"^\| `(\w+)` \| (yes|no) \|", found, re.MULTILINE)}


def documented_config() -> MonitoringConfig:
    [written] = blocks("reference/events.md", "yaml")
    return MonitoringConfig.model_validate(yaml.safe_load(written))


def in_april() -> int:
    """After the events of the examples."""
    return to_micros(datetime(2026, 4, 1, tzinfo=UTC))


def ingested(engine: Engine, path: Path) -> IngestReport:
    return ingest_file(engine, path, config=documented_config(), clock=in_april)


def test_the_example_events_are_accepted_and_the_same_in_every_format(sqlite_engine: Engine, tmp_path: Path) -> None:
    lines, tables = blocks("reference/events.md", "json"), blocks("reference/events.md", "csv")
    accounts = []
    for i, (line, table) in enumerate(zip(lines, tables, strict=True)):
        ndjson, table_file, parquet = (tmp_path / f"{i}.{ending}" for ending in ("ndjson", "csv", "parquet"))
        ndjson.write_text(line)
        table_file.write_text(table)
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(table_file), parquet)
        accounts.append([ingested(sqlite_engine, path) for path in (ndjson, table_file, parquet)])

    assert len(accounts) == 2 * len(Task)
    for first, *others in accounts:
        assert (first.received, first.accepted, first.orphans) == (1, 1, 0)
        assert [(again.received, again.duplicates) for again in others] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(("heading", "kind"), [("A prediction", Kind.PREDICTIONS), ("An actual", Kind.ACTUALS)])
def test_just_the_fields_called_required_are_required(sqlite_engine: Engine, heading: str, kind: Kind) -> None:
    event = {
        "timestamp": "2026-03-02T09:15:00",
        "model_id": "eta",
        "predicted_value": 1,
        "actual_value": 2,
        "retracted": False,
        "features": {},
        "prediction_proba": 0.5,
        "probabilities": {"a": 0.5},
        "confidence": 0.5,
        "model_version": "1",
        "environment": "test",
        "latency_ms": 5,
        "entity_id": "e",
        "received_at": "2026-03-02T09:15:01",
    }
    fields = fields_under(heading)
    for left_out in fields:
        sent = {**event, "prediction_id": f"without-{left_out}"}
        row = {name: sent[name] for name in fields if name != left_out}

        report = ingest_rows(sqlite_engine, [row], kind=kind, config=documented_config(), clock=in_april)

        assert (report.quarantined == 1) is fields[left_out], (left_out, report.samples)


@pytest.mark.parametrize("tampered", [False, True])
def test_the_signature_example_tells_genuine_messages_from_others(*, tampered: bool) -> None:
    [code] = blocks("how-to/alerts.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    is_genuine: Callable[[Mapping[str, str], bytes, bytes, float], bool] = names["is_genuine"]
    sender = WebhookSender(
        name="ops",
        url="https://hooks.example.com",
        secret=b"key",
        allow_private=False,
        timeout_seconds=1,
        clock=lambda: 1_000_000_000,
    )
    body, headers = sender._request(
        Notification(notification_id="n", alert_id="a", sequence=1, channel="ops", payload={"text": "é"}, attempts=0)
    )

    sent = body + b" " if tampered else body

    assert is_genuine(headers, sent, b"key", 1_000.0) is not tampered
    assert not is_genuine(headers, sent, b"other key", 1_000.0)
    assert not is_genuine(headers, sent, b"key", 1_000.0 + 3600)


def test_the_message_example_names_every_key_of_a_message(sqlite_engine: Engine) -> None:
    recorded(sqlite_engine, finding(), now=1)

    [message] = rows(sqlite_engine, notifications)

    assert set(json.loads(message["payload"])) <= set(re.findall(r"`(\w+)`", text_of("how-to/alerts.md")))
