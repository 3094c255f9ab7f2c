"""The report: a page that loads nothing, runs nothing and escapes everything, whatever its model is called and has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitoring_pipeline.alerts.tables import alerts
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.reports.page import CONTENT_SECURITY_POLICY, STYLE, report_page
from monitoring_pipeline.results.tables import drift_results, metrics
from tests.conftest import FixedClock
from tests.reports_examples import CANARY, Page, alert, churn, days_before, drifted, measured, pictures, shapes, stored
from tests.serving import event, installation_on, served


def test_a_model_without_any_data_has_a_page_that_says_what_is_missing(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock, config=churn())) as client:
        reply = client.get("/monitor/report")

    page = Page(reply.text)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert pictures(reply.text) == []
    for missing in ("There are no predictions", "No day has a value yet", "no reference is declared", "no rules"):
        assert missing in page.words


def test_nothing_is_loaded_or_run_and_only_the_pages_own_style_is_allowed(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    stored(sqlite_engine, metrics, [measured(day, 0.9) for day in days_before(clock, 10)])
    with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=churn())) as client:
        reply = client.get("/monitor/report")

    page = Page(reply.text)
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert f"<style>{STYLE}</style>" in reply.text
    assert set(page.tags).isdisjoint({"script", "link", "img", "iframe", "object", "form", "a", "base"})
    names = {name for name, _ in page.attributes}
    assert names.isdisjoint({"src", "href", "style", "xlink:href", "action"})
    assert not any(name.startswith("on") for name in names)
    assert "://" not in reply.text
    assert "url(" not in STYLE


def test_names_that_come_from_users_are_only_text(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    hostile: dict[str, Any] = {"model_id": CANARY, "model_version": CANARY, "environment": CANARY}
    days = days_before(clock, 8)
    stored(sqlite_engine, metrics, [measured(day, 0.9, **hostile) for day in days])
    stored(sqlite_engine, drift_results, [drifted(day, CANARY, "drift", **hostile) for day in days])
    stored(sqlite_engine, alerts, [alert(days[-1], CANARY, "confirmed", **hostile)])
    config = churn(id=CANARY, description=CANARY, owner=CANARY)
    with served(installation_on(sqlite_engine, tmp_path, clock=clock, config=config)) as client:
        sent = event(model_id=CANARY, environment=CANARY, model_version=CANARY)
        client.post("/v0/events?name=ml_model_predictions", json=sent)
        reply = client.get("/monitor/report", params={"model_id": CANARY})

    page = Page(reply.text)
    assert "script" not in page.tags
    assert CANARY in page.words
    assert len(pictures(reply.text)) >= 3


def test_the_numbers_are_drawn_with_their_intervals_and_what_is_not_known_is_not(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    days = days_before(clock, 10)
    values = [0.9, 0.9, 0.91, None, 0.89, 0.9, 0.9, 0.9, 0.9, 0.85]
    rows = [measured(day, value) for day, value in zip(days, values, strict=True)]
    rows[-1] |= {"labelled_count": 20}  # young: labels are still expected
    stored(sqlite_engine, metrics, rows)
    config = churn(rules=[{"id": "accuracy-fell", "metric": "accuracy", "below": 0.8}])
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=config)

    html = report_page(installation, "churn", days=14)

    [performance] = pictures(html)
    assert len(shapes(performance, "point")) == 9
    assert len(shapes(performance, "young")) == 2  # its point and its bar
    assert len(shapes(performance, "s0")) == 9 + 2 + 2  # points; two lines and bands around the gap
    assert len(shapes(performance, "bound")) == 1
    assert len(shapes(performance, "ahead")) == 2
    titles = [shape.findtext("title") or "" for shape in shapes(performance, "point")]
    assert titles[0].startswith("02-20 v1: accuracy 0.9 (0.88 to 0.92), truth of 95% known")
    assert "labels still expected" in titles[-1]
    assert "0.9" in Page(html).words


@pytest.mark.parametrize("size", [1e308, -1e308, 1e-308, 0.0])
def test_values_of_any_size_are_drawn(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock, size: float) -> None:
    rng = np.random.default_rng(1)
    rows = [
        measured(day, value, lower=value - abs(size) / 2, upper=value + abs(size) / 2, metric="mae")
        for day, value in zip(days_before(clock, 9), (size * rng.random(9)).tolist(), strict=True)
    ]
    stored(sqlite_engine, metrics, rows)
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=churn(task="regression"))

    html = report_page(installation, "churn", days=14)

    [performance] = pictures(html)
    assert len(shapes(performance, "point")) == 9
    placed = [
        shape.get(name, "0") for shape in performance.iter() for name in ("x", "y", "cx", "cy", "width", "height")
    ]
    assert np.isfinite(np.array(placed, float)).all()
    lines = " ".join(shape.get("points", "") for shape in performance.iter()).replace(",", " ").split()
    assert np.isfinite(np.array(lines, float)).all()


def test_one_alert_is_told_as_one(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    stored(sqlite_engine, alerts, [alert(days_before(clock, 7)[0], "fell", "confirmed")])
    rules = [{"id": "fell", "metric": "accuracy", "below": 0.95, "severity": "critical"}]
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=churn(rules=rules))

    words = Page(report_page(installation, "churn", days=8)).words

    assert "1 alert stands, 1 of them critical: fell." in words


def test_drift_and_alerts_are_cells_by_day_and_advice_follows_from_them(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    days = days_before(clock, 7)
    verdicts = ["no_drift", "no_drift", "drift", "drift", "drift", "not_enough_data", "drift"]
    stored(sqlite_engine, metrics, [measured(day, 0.9) for day in days])
    stored(sqlite_engine, drift_results, [drifted(day, "age", say) for day, say in zip(days, verdicts, strict=True)])
    stored(sqlite_engine, drift_results, [drifted(day, "plan", "no_drift") for day in days])
    states = ("confirmed", "provisional", "retracted")
    stored(sqlite_engine, alerts, [alert(day, "fell", state) for day, state in zip(days, states, strict=False)])
    rules = [{"id": "fell", "metric": "accuracy", "below": 0.95, "severity": "critical"}]
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=churn(rules=rules))

    html = report_page(installation, "churn", days=8)

    _, drift, raised = pictures(html)
    assert [len(shapes(drift, kind)) for kind in ("drift", "no_drift", "not_enough_data", "none")] == [4, 9, 1, 2]
    assert [len(shapes(raised, kind)) for kind in ("critical", "young", "over", "none")] == [2, 1, 1, 5]
    words = Page(html).words
    assert "2 alerts stand, 2 of them critical: fell." in words
    assert "Inputs drifted repeatedly, in up to 4 of the last 7 days: age." in words
    assert "train again" in words
    assert "monitor drift --model churn --verdict drift" in words


def test_a_steady_fall_is_foretold_with_the_day_on_which_it_passes_the_bound(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    values = (0.95 - 0.01 * np.arange(10)).tolist()  # the last one 0.86
    days = days_before(clock, 10)
    narrow = [
        measured(day, value, lower=value - 0.004, upper=value + 0.004) for day, value in zip(days, values, strict=True)
    ]
    stored(sqlite_engine, metrics, narrow)
    rules = [{"id": "too-low", "metric": "accuracy", "below": 0.835}]
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=churn(rules=rules))

    words = Page(report_page(installation, "churn", days=14)).words

    assert "accuracy falls (by 0.09;" in words
    assert "it passes the bound of too-low on 2026-03-04." in words  # 0.85, 0.84, 0.83


def test_a_command_that_is_to_be_copied_cannot_hold_another_one(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    name = "x; rm -rf $HOME"
    days = days_before(clock, 7)
    stored(sqlite_engine, drift_results, [drifted(day, "age", "drift", model_id=name) for day in days])
    stored(sqlite_engine, metrics, [measured(day, 0.9, model_id=name) for day in days])
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=churn(id=name))

    words = Page(report_page(installation, name, days=8)).words

    assert "monitor drift --model 'x; rm -rf $HOME' --verdict drift" in words


def test_the_command_writes_the_same_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    config, file = tmp_path / "monitoring.yaml", tmp_path / "report.html"
    config.write_text("models: [{id: churn, task: binary}]", encoding="utf-8")
    arguments = ["report", "--days", "7", "--config", str(config), "--output"]

    done = CliRunner().invoke(app, [*arguments, str(file)])
    wrong = CliRunner().invoke(app, [*arguments, str(tmp_path / "no" / "folder.html")])

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"wrote {file}; open it in a browser\n")
    assert "There are no predictions" in Page(file.read_text(encoding="utf-8")).words
    assert wrong.exit_code == 1
    assert "name another file" in wrong.stderr


def test_a_forecast_of_an_error_is_drawn_no_lower_than_an_error_can_be(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    days, values = days_before(clock, 6), [1.0, 0.85, 0.62, 0.4, 0.25, 0.05]
    falling = [measured(day, value, metric="log_loss") for day, value in zip(days, values, strict=True)]
    stored(sqlite_engine, metrics, falling)
    rules = [{"id": "unsure", "metric": "log_loss", "above": 2}]
    installation = installation_on(sqlite_engine, tmp_path, clock=clock, config=churn(rules=rules))

    [picture, *_] = pictures(report_page(installation, "churn", days=14))

    axis = [text for shape in picture.iter() if shape.tag.endswith("text") for text in shape.itertext()]
    assert shapes(picture, "ahead") != []
    assert "0" in axis
    assert [text for text in axis if text[0] in "-\N{MINUS SIGN}"] == []


def test_a_model_that_there_is_not_has_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    config = tmp_path / "monitoring.yaml"
    config.write_text("models: [{id: churn, task: binary}]", encoding="utf-8")

    result = CliRunner().invoke(app, ["report", "--model", "chrun", "--config", str(config)])

    assert result.exit_code == 1
    assert "'chrun' is neither declared nor has it ever predicted" in result.stderr
    assert "did you mean 'churn'?" in result.stderr
    assert not list(tmp_path.glob("*.html"))
