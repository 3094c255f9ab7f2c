"""``monitor metrics`` and ``monitor drift``."""

import json
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
    assert [(row["feature"], row["measure"], row["verdict"]) for row in rows(result)] == [("distance", "ks", "drift")]


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


@pytest.mark.parametrize("command", ["metrics", "drift"])
@pytest.mark.usefixtures("store")
def test_an_empty_store_is_an_empty_list_a_sentence_and_not_enough_data(command: str) -> None:
    as_json = monitor(command, "--json")
    as_table = monitor(command)

    assert (as_json.exit_code, as_json.stdout) == (5, "[]\n")
    assert (as_table.exit_code, as_table.stdout) == (5, "")
    assert as_json.stderr == as_table.stderr
    assert "store events with 'monitor ingest', then compute with 'monitor reconcile'" in as_json.stderr


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
    assert result.stderr == "no metrics match; try another --from, --to, --grain or --segment\n"


@pytest.mark.parametrize("command", ["metrics", "drift"])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "yesterday"], "'yesterday' is not a date or an instant; write 2013-06-17 or 2013-06-17T06:00:00Z"),
        (["--to", "2013-02-30"], "'2013-02-30' is not a date or an instant"),
        (["--from", "0001-01-01T00:00+23:00"], "is not a date or an instant"),
        (["--from", "2013-06-18", "--to", "2013-06-17"], "is not after --from 2013-06-18T00:00:00Z"),
        (["--from", "2013-06-17", "--to", "2013-06-17"], "so one day is --from 2013-06-17 --to 2013-06-18"),
        (["--grain", "week"], "'week' is not"),
        (["--modell", "eta"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(command: str, arguments: list[str], expected: str) -> None:
    result = monitor(command, *arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
