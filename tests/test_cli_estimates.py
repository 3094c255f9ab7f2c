"""``monitor estimates``: what is measured and what is estimated, side by side."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner, Result

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.tables import estimates, metrics
from monitoring_pipeline.windows import DAY_MICROS
from tests.results_examples import DAY, a_metric


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    engine = open_installation().engine
    yield engine
    engine.dispose()


@pytest.fixture
def filled(store: Engine) -> None:
    with writing(store) as connection:
        connection.execute(insert(metrics), [a_metric(), a_metric(metric="rmse", known_to=DAY + 2 * DAY_MICROS)])
        connection.execute(
            insert(estimates),
            [
                an_estimate(),
                an_estimate(metric="rmse", value=None, lower=None, upper=None, undefined_reason="overflow"),
                an_estimate(window_start=DAY + DAY_MICROS),
                an_estimate(window_start=DAY + 2 * DAY_MICROS, known_to=DAY + 9 * DAY_MICROS),
            ],
        )


def an_estimate(**changes: Any) -> dict[str, Any]:
    row = {
        **{key: value for key, value in a_metric().items() if not key.endswith("_count")},
        "value": 14.25,
        "lower": 11.5,
        "upper": 18.0,
        "method": "direct_loss",
        "unlabelled_count": 100,
        "trained_until": DAY,
        "trained_count": 9_000,
    }
    return {**row, **changes}


def monitor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["estimates", *arguments])


@pytest.mark.usefixtures("filled")
def test_the_measured_value_and_the_estimate_stand_side_by_side() -> None:
    result = monitor("--model", "eta", "--to", "2013-06-18", "--json")

    mae, rmse = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (mae["metric"], mae["value"], mae["lower"], mae["upper"], mae["coverage"]) == ("mae", 12.5, 11.0, 14.0, 0.75)
    assert (mae["estimate"], mae["estimate_lower"], mae["estimate_upper"]) == (14.25, 11.5, 18.0)
    assert (mae["method"], mae["unlabelled_count"], mae["trained_count"]) == ("direct_loss", 100, 9000)
    assert mae["trained_until"] == "2013-06-17T00:00:00Z"
    assert (rmse["value"], rmse["estimate"], rmse["undefined_reason"]) == (None, None, "overflow")


@pytest.mark.usefixtures("filled")
def test_only_what_stands_is_printed_and_a_day_without_metrics_is_not_left_out() -> None:
    rows = json.loads(monitor("--from", "2013-06-18", "--json").stdout)

    assert [(row["window_start"], row["value"], row["estimate"]) for row in rows] == [
        ("2013-06-18T00:00:00Z", None, 14.25)
    ]


@pytest.mark.usefixtures("filled")
def test_the_table_says_which_value_is_measured_and_which_is_estimated() -> None:
    result = monitor()

    heading = result.stdout.strip().splitlines()[0].split("  ")
    words = [word.strip() for word in heading if word.strip()]
    assert words[5:] == [
        "metric", "measured", "coverage", "estimate", "lower", "upper", "unlabelled", "method", "learned from",
    ]  # fmt: skip
    assert "14.25" in result.stdout
    assert "overflow" in result.stdout


@pytest.mark.usefixtures("store")
def test_an_empty_store_is_an_empty_list_a_sentence_and_not_enough_data() -> None:
    result = monitor("--json")

    assert (result.exit_code, result.stdout) == (5, "[]\n")
    assert "there are no estimates yet" in result.stderr
