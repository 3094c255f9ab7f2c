"""``monitor quarantine``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.installation import open_installation
from tests.ingest_examples import prediction, stored, write_ndjson
from tests.test_docs import keys_under

BINARY = "models:\n- {id: delay, task: binary}\n"
REGRESSION = "models:\n- {id: delay, task: regression, segments: [carrier]}\n"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A store with two refused rows: one that another declaration mends, one that none does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    (tmp_path / "monitoring.yaml").write_text(BINARY)
    file = write_ndjson(tmp_path / "events.ndjson", [prediction(), "{broken"])
    assert CliRunner().invoke(app, ["ingest", "--kind", "predictions", str(file)]).exit_code == 3
    engine = open_installation().engine
    yield engine
    engine.dispose()


def quarantine(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["quarantine", *arguments])


def listed(*arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(quarantine("list", "--json", *arguments).stdout)
    return rows


@pytest.mark.usefixtures("store")
def test_the_table_says_what_was_wrong_where_and_never_what_was_received() -> None:
    result = quarantine("list")

    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("events.ndjson", "out_of_range", "broken_json", "predicted_value"))
    assert "distance" not in result.stdout


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "reasons"),
    [
        ([], {"out_of_range", "broken_json"}),
        (["--model", "delay"], {"out_of_range"}),
        (["--reason", "broken_json"], {"broken_json"}),
        (["--source", "other.ndjson"], set()),
        (["--kind", "actuals"], set()),
        (["--discarded"], set()),
        (["--from", "2999-01-01"], set()),
    ],
)
def test_options_choose_rows(options: list[str], reasons: set[str]) -> None:
    assert {row["reason"] for row in listed(*options)} == reasons


@pytest.mark.usefixtures("store")
def test_a_row_is_shown_word_for_word_by_the_beginning_of_its_id() -> None:
    [row] = listed("--reason", "broken_json")

    shown = json.loads(quarantine("show", row["quarantine_id"][:8], "--json").stdout)

    assert shown == [row]
    assert row["raw"] == "{broken"
    assert "{broken" in quarantine("show", row["quarantine_id"]).stdout


def test_a_replay_stores_what_passes_by_now_and_tells_what_stays(store: Engine, tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text(REGRESSION)

    first, second = quarantine("replay", "--json"), quarantine("replay")

    assert (first.exit_code, second.exit_code) == (3, 3)
    [report] = json.loads(first.stdout)
    assert report == {
        "selected": 2,
        "accepted": 1,
        "duplicates": 0,
        "refused": 0,
        "not_tried": 1,
        "reasons": {"broken_json": 1},
    }
    assert "1 row stays in quarantine (1 broken_json)" in first.stderr
    assert "0 rows tried: 0 stored" in second.stderr
    assert len(stored(store, "predictions")) == 1


@pytest.mark.usefixtures("store")
def test_a_discarded_row_is_neither_listed_nor_replayed(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text(REGRESSION)
    [broken] = listed("--reason", "broken_json")

    discarded = quarantine("discard", broken["quarantine_id"][:12], "--note", "a test", "--by", "ana")

    assert (discarded.exit_code, quarantine("replay").exit_code) == (0, 0)
    assert listed() == []
    assert [(row["discarded_by"], row["discard_note"]) for row in listed("--discarded")] == [("ana", "a test")]


@pytest.mark.usefixtures("store")
def test_only_named_rows_are_replayed(tmp_path: Path) -> None:
    [broken] = listed("--reason", "broken_json")
    (tmp_path / "monitoring.yaml").write_text(REGRESSION)

    result = quarantine("replay", broken["quarantine_id"][:12], "--json")

    assert json.loads(result.stdout)[0]["selected"] == 1
    assert len(listed()) == 2


@pytest.mark.usefixtures("store")
def test_rows_have_just_the_documented_keys() -> None:
    [report] = json.loads(quarantine("replay", "--json").stdout)

    assert [set(row) for row in listed()] == [keys_under("monitor quarantine list")] * 2
    assert set(report) == keys_under("monitor quarantine replay")
