import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.config.home import Home
from tests.ingest_examples import actual, prediction, write_ndjson

KEYS = {
    "source", "kind", "batch_id", "received", "accepted", "duplicates", "conflicts", "quarantined", "revised",
    "orphans", "touched_hours", "reasons", "samples",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def test_good_files_end_with_exit_code_0_and_a_list_of_accounts(tmp_path: Path) -> None:
    files = [
        write_ndjson(tmp_path / "p.ndjson", [prediction()]),
        write_ndjson(tmp_path / "a.ndjson", [actual()]),
    ]

    result = CliRunner().invoke(app, ["ingest", *map(str, files), "--json"])

    assert result.exit_code == 0, result.output
    accounts = json.loads(result.stdout)
    assert [(account["source"], account["kind"], account["accepted"]) for account in accounts] == [
        ("p.ndjson", "predictions", 1),
        ("a.ndjson", "actuals", 1),
    ]
    assert all(set(account) == KEYS for account in accounts)


def test_rejected_rows_end_with_exit_code_3_and_the_way_to_see_them(tmp_path: Path) -> None:
    file = write_ndjson(tmp_path / "it's.ndjson", [prediction(), prediction(prediction_id="")])

    result = CliRunner().invoke(app, ["ingest", str(file)])

    assert result.exit_code == 3
    assert "it's.ndjson" in result.stdout
    assert "line 2, prediction_id: empty_id: prediction_id is empty" in result.stderr
    query = next(line for line in result.stderr.splitlines() if "SELECT" in line)
    with create_engine(Home.from_environment().store_url).connect() as connection:
        assert [row.line for row in connection.execute(text(query))] == [2]


def test_a_file_again_is_no_warning(tmp_path: Path) -> None:
    file = write_ndjson(tmp_path / "p.ndjson", [prediction()])
    CliRunner().invoke(app, ["ingest", str(file)])

    result = CliRunner().invoke(app, ["ingest", str(file), "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)[0]["duplicates"] == 1


def test_a_file_that_is_missing_is_one_sentence_and_the_account_of_the_others_is_printed(tmp_path: Path) -> None:
    file = write_ndjson(tmp_path / "a.ndjson", [actual()])

    result = CliRunner().invoke(app, ["ingest", str(file), "nowhere.csv", "--json"])

    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["orphans"] == 1
    assert result.stderr == "monitor: nowhere.csv does not exist; check the name\n"


def test_an_unknown_kind_is_wrong_usage(tmp_path: Path) -> None:
    file = write_ndjson(tmp_path / "a.ndjson", [actual()])

    result = CliRunner().invoke(app, ["ingest", str(file), "--kind", "truths"])

    assert result.exit_code == 2


def test_a_given_kind_is_obeyed(tmp_path: Path) -> None:
    file = write_ndjson(tmp_path / "a.ndjson", [actual()])

    result = CliRunner().invoke(app, ["ingest", str(file), "--kind", "actuals", "--json"])

    assert json.loads(result.stdout)[0]["kind"] == "actuals"
