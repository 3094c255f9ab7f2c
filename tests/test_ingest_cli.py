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
    "retracted", "orphans", "returned", "touched_hours", "reasons", "samples",
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


def test_the_names_in_a_file_cannot_command_the_terminal(tmp_path: Path) -> None:
    rejected = write_ndjson(tmp_path / "p.ndjson", [prediction(probabilities={"late\x1b[2J\x9b\u202e": 3})])
    refused = tmp_path / "p.csv"
    refused.write_text("timestamp,model_id,prediction_id,predicted_value,a\x1b[2J,a\x1b[2J\n2026-03-02,m,p,1,2,3\n")

    of_a_row = CliRunner().invoke(app, ["ingest", str(rejected)])
    of_a_file = CliRunner().invoke(app, ["ingest", str(refused)])

    assert "probabilities.late [2J   is 3" in of_a_row.stderr
    assert "the column a [2J is there twice" in of_a_file.stderr
    assert (of_a_row.output + of_a_file.output).replace("\n", "").isprintable()


def test_an_actual_that_seems_to_return_is_told_how_to_say_so(tmp_path: Path) -> None:
    events = [actual(actual_value=value) for value in (20, 25, 20)]
    file = write_ndjson(tmp_path / "a.ndjson", events)

    result = CliRunner().invoke(app, ["ingest", str(file)])

    assert result.exit_code == 0
    assert "a.ndjson: 1 actual repeated an earlier truth" in result.stderr
    assert "ingest it with the timestamp" in result.stderr


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
