"""The report of a model that predicts no more, was silent for a while, or of which nothing was computed yet."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.reports.page import report_page
from tests.conftest import FixedClock
from tests.reports_examples import Page
from tests.serving import event, installation_on, served


def test_a_model_that_predicts_no_more_is_looked_back_at_from_its_last_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    here = open_installation()
    ingest_rows(here.engine, [event(timestamp="2013-07-14 11:30:00")], kind=Kind.PREDICTIONS, config=here.config)
    here.engine.dispose()

    today, before = (CliRunner().invoke(app, ["report", "--model", "price", *more]) for more in ([], ["--latest"]))

    assert "price predicted last on 2013-07-14, before the 28 days" in today.stderr
    assert before.stderr == "wrote report.html; open it in a browser\n"
    words = Page((tmp_path / "report.html").read_text(encoding="utf-8")).words
    assert "as of 2013-07-14T12:00:00Z" in words
    assert "predictions 1 ● in the last 24 hours" in words


def test_a_page_of_days_after_the_last_prediction_says_when_that_was_and_how_to_see_it(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    ingest_rows(
        engine, [event(timestamp="2025-07-14 11:30:00")], kind=Kind.PREDICTIONS, config=installation.config, clock=clock
    )

    with served(installation) as client:
        today, latest = (
            Page(client.get("/monitor/report", params={"model_id": "price", "latest": value}).text).words
            for value in (False, True)
        )

    assert "There are no predictions" not in today
    assert "predictions 0 ■ in the last 24 hours; the last on 2025-07-14" in today
    assert "The last prediction was made on 2025-07-14, before the days of this page." in today
    assert "monitor report --model price --latest" in today
    assert "latest=true at /monitor/report" in today
    assert "as of 2025-07-14T12:00:00Z" in latest
    assert "predictions 1 ● in the last 24 hours" in latest


def test_a_page_of_predictions_that_were_not_computed_yet_does_not_say_that_there_are_none(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    ingest_rows(engine, [event()], kind=Kind.PREDICTIONS, config=installation.config, clock=clock)

    words = Page(report_page(installation, "price")).words

    assert "predictions 1 ● in the last 24 hours" in words
    assert "Nothing can be told: of the last 30 days no hour with predictions has been computed yet." in words
    assert "No predictions" not in words


def test_a_page_up_to_the_last_prediction_is_made_again_when_an_event_of_its_days_comes(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    days_ago = ("2025-07-14 11:30:00", "2025-07-13 12:30:00")
    asked: dict[str, str | bool] = {"model_id": "price", "latest": True}

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        counts = []
        for number, stamp in enumerate(days_ago):
            client.post("/v0/events?name=ml_model_predictions", json=event(number, timestamp=stamp))
            counts.append(f"predictions {number + 1} ●" in Page(client.get("/monitor/report", params=asked).text).words)

    assert counts == [True, True]


def test_a_model_that_was_silent_for_some_of_the_days_is_not_said_to_have_no_predictions(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(engine, tmp_path, clock=clock)
    rows = [event(timestamp="2026-02-27 11:30:00")]
    ingest_rows(engine, rows, kind=Kind.PREDICTIONS, config=installation.config, clock=clock)

    words = Page(report_page(installation, "price")).words

    assert "There were no predictions in the last 24 hours." in words
    assert "There are no predictions." not in words
    assert "the last on 2026-02-27" in words
