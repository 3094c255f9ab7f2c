"""``monitor explain``."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import HOUR_MICROS
from tests.explain_examples import MONDAY, NEXT_MONDAY, Flight, installed, store, two_mondays

SPLITS = [("carrier",), ("origin",), ("carrier", "origin")]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    opened = installed(tmp_path)
    yield opened
    opened.engine.dispose()


def fill(installation: Installation, flights: Sequence[Flight]) -> None:
    store(installation.engine, installation.config.models[0], flights, splits=SPLITS)


def explain(*further: str, window: str = "2013-06-24", metric: str = "mae", model: str = "delay") -> Result:
    asked = ["explain", "--model", model, "--metric", metric, "--window", window, *further]
    return CliRunner().invoke(app, asked)


def test_the_json_rows_sum_to_the_change(installation: Installation) -> None:
    fill(installation, two_mondays())

    result = explain("--json")

    rows = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert {row["split"] for row in rows} == {"carrier", "origin", "carrier & origin"}
    for split in ("carrier", "origin", "carrier & origin"):
        parts = [part for row in rows if row["split"] == split for part in (row["mix"], row["within"])]
        assert {math.fsum(parts)} == {row["change"] for row in rows if row["split"] == split}


def test_every_key_of_the_json_rows_is_documented(installation: Installation) -> None:
    fill(installation, two_mondays())

    rows = json.loads(explain("--json").stdout)

    page = (Path(__file__).parent.parent / "docs" / "explanation" / "root-cause.md").read_text(encoding="utf-8")
    _, listed = page.split("## Rows of")
    keys = [line.split("|")[1] for line in listed.splitlines() if line.startswith("| `")]
    assert [key for key in rows[0] if f"`{key}`" not in " ".join(keys)] == []
    assert len(re.findall("`", "".join(keys))) == 2 * len(rows[0])


def test_the_table_begins_with_what_happened_in_words(installation: Installation) -> None:
    fill(installation, two_mondays())

    result = explain("--against", "2013-06-17")

    first = result.stdout.splitlines()[0]
    assert result.exit_code == 0
    assert first.startswith("mae of delay in production: ")
    assert "on 2013-06-17 (9" in first
    assert "on 2013-06-24 (9" in first
    assert "Most came from carrier & origin=UA & EWR (+" in first
    assert "within" in result.stdout


def test_the_table_shows_as_many_segments_as_asked_for_and_says_how_many_are_left(installation: Installation) -> None:
    fill(installation, two_mondays())

    result = explain("--top", "1")

    assert result.stdout.count("carrier=") == 1
    assert result.stderr == "8 further segments not shown; --top shows more, --json all\n"


def test_a_change_within_chance_is_called_so(installation: Installation) -> None:
    flights = [Flight(hour=day, error=e, carrier=c) for day in (MONDAY, NEXT_MONDAY) for e in (1.0, 5.0) for c in "AU"]
    fill(installation, flights)

    result = explain()

    assert "changed by 0, which cannot be told from chance." in result.stdout


def test_a_young_window_is_warned_of_on_stderr(installation: Installation) -> None:
    young = NEXT_MONDAY + 12 * HOUR_MICROS
    fill(installation, [f if f.hour < young else Flight(hour=f.hour, error=None) for f in two_mondays()])

    result = explain("--json")

    assert result.exit_code == 0
    assert result.stderr.startswith("mind: the truth is known of 4")
    assert json.loads(result.stdout)


def test_a_split_without_all_rows_is_left_out_with_its_reason(installation: Installation) -> None:
    store(installation.engine, installation.config.models[0], two_mondays(), splits=SPLITS[:2])

    result = explain()

    assert result.exit_code == 0
    assert "carrier & origin is left out: its segments do not account for all predictions" in result.stderr


def test_nothing_to_compare_ends_with_5(installation: Installation) -> None:
    fill(installation, [flight for flight in two_mondays() if flight.hour >= NEXT_MONDAY])

    table, listed = explain(), explain("--json")

    assert (table.exit_code, table.stdout, listed.exit_code, listed.stdout) == (5, "", 5, "[]\n")
    assert "nothing to compare: one of the two windows has no row of delay that mae judges" in table.stderr


def test_an_unknown_model_ends_with_5_and_a_guess(installation: Installation) -> None:
    fill(installation, two_mondays())

    result = explain(model="dealy")

    assert result.exit_code == 5
    assert (
        "there are no results of a model 'dealy'; models that have some: delay; did you mean 'delay'?" in result.stderr
    )


@pytest.mark.usefixtures("installation")
def test_a_window_that_is_no_start_is_wrong_usage() -> None:
    result = explain(window="2013-06-24T05:30Z")

    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert "is not the start of a day; the day that holds it starts at 2013-06-24T00:00:00Z" in said


@pytest.mark.usefixtures("installation")
def test_a_metric_that_is_no_mean_is_one_plain_sentence() -> None:
    result = explain(metric="r2")

    assert result.exit_code == 1
    assert result.stderr.startswith("monitor: 'r2' of the regression model delay cannot be explained")
