"""The how-to pages do what they say: declarations are valid, commands exist, events are taken as told."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, select

from monitoring_pipeline.cli.main import COMMANDS
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.tables import actuals
from monitoring_pipeline.events.truth import in_order, truth_of
from monitoring_pipeline.stages.measuring.groups import segment_name
from tests.conftest import FixedClock

HOW_TO = Path(__file__).parent.parent / "docs" / "how-to"
README = "../../README.md"
PAGES = (
    "metrics.md",
    "compare.md",
    "classifiers.md",
    "business-value.md",
    "ranking.md",
    "segments.md",
    "alerts.md",
    "sources.md",
    "serve.md",
    "report.md",
    "quarantine.md",
)


def blocks(page: str, language: str) -> list[str]:
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def declared(page: str) -> MonitoringConfig:
    [written] = blocks(page, "yaml")
    return MonitoringConfig.model_validate(yaml.safe_load(written))


def command_lines() -> Iterator[tuple[str, list[str]]]:
    for page in (*PAGES, README):
        for line in "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["monitor"] and not any(word.startswith("<") for word in words):
                yield page, words[1:]


@pytest.mark.parametrize("page", ["business-value.md", "ranking.md", "segments.md", "sources.md"])
def test_the_declarations_are_valid_and_watch_what_there_is(page: str, tmp_path: Path) -> None:
    [written] = blocks(page, "yaml")
    file = tmp_path / "monitoring.yaml"
    file.write_text(written, encoding="utf-8")

    config = load_config(file)

    assert config == declared(page)


@pytest.mark.parametrize(("page", "words"), list(command_lines()))
def test_the_commands_are_understood(page: str, words: list[str]) -> None:
    commands: dict[str, Any] = {lazy.name: lazy.load() for lazy in COMMANDS}
    while words and words[0] in commands:
        command, words = commands[words[0]], words[1:]
        commands = getattr(command, "commands", {})

    context = command.make_context("monitor", [*words])

    assert context.args == [], page


def test_the_combinations_are_named_as_results_name_them() -> None:
    [model] = declared("segments.md").models
    text = (HOW_TO / "segments.md").read_text(encoding="utf-8")

    name = segment_name(model.segment_splits[-1], ["UA", "JFK"])

    assert name in text
    assert segment_name(["carrier", "origin"], ["UA", "J&K"]).removeprefix("carrier & origin=") in text
    assert [rule.id for rule in model.rules if rule.covers(environment="e", segment=name)] == ["an-airport"]


def test_each_line_about_a_truth_does_what_the_page_says(sqlite_engine: Engine, clock: FixedClock) -> None:
    [lines] = blocks("correct-truth.md", "json")
    said = re.findall(r"^\| \d \| .+ \| (.+) \|$", (HOW_TO / "correct-truth.md").read_text(), re.MULTILINE)
    query = select(actuals.c.received_at, actuals.c.observed_at, actuals.c.actual_value, actuals.c.actual_class)
    held, returned = [], []

    for line in lines.splitlines():
        clock.advance(seconds=1)
        report = ingest_rows(
            sqlite_engine, [json.loads(line)], kind=Kind.ACTUALS, config=MonitoringConfig(), clock=clock
        )
        with reading(sqlite_engine) as connection:
            truth = truth_of(in_order([tuple(row) for row in connection.execute(query)]))
        held.append("unknown" if truth.actual_value is None else f"{truth.actual_value:g}")
        returned.append(report.returned)

    assert held == said
    assert returned == [0, 0, 0, 1, 0]


def test_the_events_of_a_ranking_model_are_accepted(sqlite_engine: Engine, clock: FixedClock) -> None:
    rows = [json.loads(line) for line in blocks("ranking.md", "json")[0].splitlines()]
    config = declared("ranking.md")
    by_kind = {
        Kind.PREDICTIONS: [row for row in rows if "predicted_value" in row],
        Kind.ACTUALS: [row for row in rows if "actual_value" in row],
    }

    reports = [
        ingest_rows(sqlite_engine, events, kind=kind, config=config, clock=clock) for kind, events in by_kind.items()
    ]

    assert [(report.accepted, report.orphans) for report in reports] == [(2, 0), (2, 0)]


def test_the_python_of_the_page_on_metrics_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    [code] = blocks("metrics.md", "python")
    names: dict[str, object] = {}

    exec(code, names)

    assert (names["days"], names["weeks"]) == ([], [])
