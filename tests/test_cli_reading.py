"""``monitor metrics`` and ``monitor drift``."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner, Result

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.results_examples import DAY, a_drift_result, a_metric

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An empty store, opened by the same rules as the commands open it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    engine = open_installation().engine
    yield engine
    engine.dispose()


@pytest.fixture
def a_reference(tmp_path: Path) -> None:
    """A config in which one model of two has a reference."""
    (tmp_path / "monitoring.yaml").write_text(
        "models:\n  - {id: eta, task: regression, reference: {file: r.parquet}}\n  - {id: late, task: binary}\n"
    )


@pytest.fixture
def filled(store: Engine) -> None:
    with writing(store) as connection:
        days = [a_metric(window_start=DAY + day * DAY_MICROS) for day in range(3)]
        hours = [a_metric(window_start=DAY + hour * HOUR_MICROS, grain="hour") for hour in range(2)]
        other = a_metric(model_id="late", segment="carrier=UA", value=None, undefined_reason="no_labels")
        connection.execute(insert(metrics), [*days, *hours, other])
        connection.execute(insert(drift_results), [a_drift_result(), a_drift_result(grain="day")])


def monitor(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def rows(result: Result) -> list[dict[str, object]]:
    parsed: list[dict[str, object]] = json.loads(result.stdout)
    return parsed


@pytest.mark.usefixtures("filled")
def test_metrics_come_as_a_json_list_of_days_unless_hours_are_asked_for() -> None:
    days = monitor("metrics", "--model", "eta", "--json")
    hours = monitor("metrics", "--model", "eta", "--grain", "hour", "--json")

    assert (days.exit_code, days.stderr) == (0, "")
    assert [row["window_start"] for row in rows(days)] == [f"2013-06-{day}T00:00:00Z" for day in (17, 18, 19)]
    assert [row["window_start"] for row in rows(hours)] == ["2013-06-17T00:00:00Z", "2013-06-17T01:00:00Z"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2013-06-18", "2013-06-19"),
        ("2013-06-18T00:00:00", "2013-06-18 23:59"),
        ("2013-06-18T02:00:00+02:00", "2013-06-19T00:00:00Z"),
        ("20130618T000000Z", "2013-06-18T00:00:00.000001Z"),
    ],
)
def test_from_and_to_are_utc_and_half_open(start: str, end: str) -> None:
    result = monitor("metrics", "--model", "eta", "--from", start, "--to", end, "--json")

    assert [row["window_start"] for row in rows(result)] == ["2013-06-18T00:00:00Z"]


@pytest.mark.usefixtures("filled")
def test_segments_narrow_what_is_printed() -> None:
    result = monitor("metrics", "--segment", "carrier=*", "--json")

    assert [(row["model_id"], row["segment"]) for row in rows(result)] == [("late", "carrier=UA")]


@pytest.mark.usefixtures("filled")
def test_drift_comes_as_a_json_list() -> None:
    result = monitor("drift", "--model", "eta", "--grain", "hour", "--json")

    assert result.exit_code == 0
    assert [(row["feature"], row["measure"], row["verdict"]) for row in rows(result)] == [
        ("distance", "overall", "drift")
    ]


@pytest.mark.usefixtures("filled")
def test_without_json_a_table_is_printed_whole_and_without_colours_off_a_terminal() -> None:
    metrics_table = monitor("metrics")
    drift_table = monitor("drift")

    assert metrics_table.exit_code == 0
    assert "\x1b" not in metrics_table.stdout
    assert "…" not in metrics_table.stdout
    assert metrics_table.stdout.count("2013-06-17T00:00:00Z") == 2
    assert "75.0%" in metrics_table.stdout
    assert "no_labels" in metrics_table.stdout
    assert "distance" in drift_table.stdout


def test_the_terminal_does_not_obey_names_while_json_keeps_them_exact(store: Engine) -> None:
    hostile = "eta\x1b]0;owned\x07\r\u202e\u2028"
    with writing(store) as connection:
        connection.execute(insert(metrics), [a_metric(model_id=hostile)])
        connection.execute(insert(drift_results), [a_drift_result(feature=hostile, grain="day")])

    tables = monitor("metrics").stdout + monitor("drift").stdout
    sentence = monitor("metrics", "--model", "eta").stderr
    as_json = monitor("metrics", "--json")

    for printed in (tables, sentence):
        assert "eta ]0;owned" in printed
        assert printed.replace("\n", "").isprintable()
    assert [row["model_id"] for row in rows(as_json)] == [hostile]


@pytest.mark.parametrize("command", ["metrics", "drift"])
@pytest.mark.usefixtures("store", "a_reference")
def test_an_empty_store_is_an_empty_list_a_sentence_and_not_enough_data(command: str) -> None:
    as_json = monitor(command, "--json")
    as_table = monitor(command)

    assert (as_json.exit_code, as_json.stdout) == (5, "[]\n")
    assert (as_table.exit_code, as_table.stdout) == (5, "")
    assert as_json.stderr == as_table.stderr
    assert "store events with 'monitor ingest', then compute with 'monitor reconcile'" in as_json.stderr


@pytest.mark.parametrize("arguments", [[], ["--model", "eta"]])
@pytest.mark.usefixtures("store")
def test_without_any_reference_drift_says_that_one_is_needed(arguments: list[str]) -> None:
    result = monitor("drift", *arguments)

    assert result.exit_code == 5
    assert "because no model declares a reference" in result.stderr
    assert "reconcile" not in result.stderr  # which would find nothing to do


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("late", "there is no drift of late, because it declares no reference to measure against; give it one"),
        ("eat", "there is no drift of 'eat': the config does not declare it, so it has no reference; did you mean"),
    ],
)
@pytest.mark.usefixtures("store", "a_reference")
def test_drift_of_a_model_without_reference_says_so(model: str, expected: str) -> None:
    result = monitor("drift", "--model", model, "--json")

    assert (result.exit_code, result.stdout) == (5, "[]\n")
    assert result.stderr.startswith(expected)


def on_a_terminal(*arguments: str, columns: int) -> list[str]:
    """The lines that the program prints on a real terminal of this width."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    command = [sys.executable, "-m", "monitoring_pipeline.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", "NO_COLOR": "1"}
    environment.pop("COLUMNS", None)
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    with io.FileIO(ours) as terminal:
        printed = b"".join(_until_the_end(terminal))
    process.wait()
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", printed.decode()).splitlines()]


def _until_the_end(terminal: io.FileIO) -> Iterator[bytes]:
    try:
        while piece := terminal.read(65_536):
            yield piece
    except OSError:  # how Linux says that the other side was closed
        return


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.usefixtures("filled")
def test_a_terminal_shows_once_what_all_rows_share(columns: int) -> None:
    shared, heading, _, *found = on_a_terminal("metrics", "--model", "eta", columns=columns)

    assert shared == "model: eta   version: 1   environment: production   segment: all"
    detectable = ["detectable"] if columns > 80 else []  # left out where there is no room
    assert heading.split() == [
        *("window", "metric", "value", "lower", "upper"), *detectable, *("predictions", "labelled", "coverage"),
    ]  # fmt: skip
    assert [row.split()[:3] for row in found] == [[f"2013-06-{day}", "mae", "12.5"] for day in (17, 18, 19)]
    assert max(map(len, found)) <= columns


@pytest.mark.usefixtures("filled")
def test_a_terminal_shows_columns_that_differ_and_hours_with_their_time() -> None:
    days = on_a_terminal("metrics", columns=120)
    hours = on_a_terminal("metrics", "--grain", "hour", columns=80)

    assert days[0] == "version: 1   environment: production"
    assert days[1].split()[:4] == ["window", "model", "segment", "metric"]
    assert [row.split("  ")[0] for row in hours[3:]] == ["2013-06-17 00:00", "2013-06-17 01:00"]


def test_a_narrow_terminal_wraps_and_cuts_nothing(store: Engine) -> None:
    long_id = "".join(f"<{i}>" for i in range(50))
    with writing(store) as connection:
        connection.execute(insert(metrics), [a_metric(model_id=name, value=1.23456789e-7) for name in (long_id, "b")])

    printed = on_a_terminal("metrics", columns=80)

    assert any(row.startswith("2013-06-17  ") and "  1.235e-07  " in row for row in printed)
    assert "".join(row[12:].split("  ")[0] for row in printed).strip("b─").endswith(long_id)


@pytest.mark.usefixtures("filled")
def test_a_model_without_results_is_answered_with_those_that_have_some() -> None:
    result = monitor("metrics", "--model", "eat", "--json")

    assert (result.exit_code, result.stdout) == (5, "[]\n")
    assert result.stderr == (
        "there are no metrics of a model 'eat'; models that have some: eta, late; did you mean 'eta'?\n"
    )


@pytest.mark.usefixtures("filled")
def test_a_range_without_results_says_what_to_try() -> None:
    result = monitor("metrics", "--model", "eta", "--from", "2020-01-01")

    assert result.exit_code == 5
    assert result.stderr == "no metrics match; try another --from, --to, --grain or --segment, or fewer filters\n"


@pytest.mark.parametrize("command", ["metrics", "drift"])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "yesterday"], "'yesterday' is not a date or an instant; write 2013-06-17 or 2013-06-17T06:00:00Z"),
        (["--to", "2013-02-30"], "'2013-02-30' is not a date or an instant"),
        (["--from", "0001-01-01T00:00+23:00"], "is not a date or an instant"),
        (["--from", "2013-06-18", "--to", "2013-06-17"], "is not after --from 2013-06-18T00:00:00Z"),
        (["--from", "2013-06-17", "--to", "2013-06-17"], "so one day is --from 2013-06-17 --to 2013-06-18"),
        (["--grain", "decade"], "Invalid value for '--grain': 'decade' is not one of 'hour', 'day'"),
        (["--modell", "eta"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(command: str, arguments: list[str], expected: str) -> None:
    result = monitor(command, *arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
