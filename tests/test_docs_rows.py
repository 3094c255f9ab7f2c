"""The page of results names just the keys that the reading commands print; metrics, drift and alerts: test_docs."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner

from monitoring_pipeline.alerts.history import alert_history
from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.config.models import Baseline, MonitoringConfig
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.results.read_estimates import read_estimates
from monitoring_pipeline.results.tables import estimates
from monitoring_pipeline.stages.comparing.compare import compare_window
from monitoring_pipeline.stages.labels.status import label_status
from monitoring_pipeline.stages.measuring.classified import confusion_rows, reliability_rows
from monitoring_pipeline.stages.measuring.periods import Asked, period_metrics
from monitoring_pipeline.windows import Grain, Period, Window
from tests import explain_examples, label_examples
from tests.alerts_examples import finding, recorded
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour
from tests.results_examples import a_metric
from tests.test_docs import keys_under

GROUP = "The window and group of a row"


def keys_of(rows: Iterable[dict[str, Any]]) -> set[str]:
    [keys] = {frozenset(row) for row in rows}
    return set(keys)


@pytest.fixture
def classifier(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> LateTruth:
    world = LateTruth(sqlite_engine, tmp_path, clock, task="binary")
    for day in range(3):
        world.predict(hour(day, 12), 1.0, 0.0, prediction_proba=0.4)
        world.tell(hour(day, 12), {0: 1.0, 1: 0.0}, at=hour(day, 14))
        world.compute(hour(day, 12), at=hour(day + 1, 3))
    return world


def test_rows_of_classifiers_have_just_the_documented_keys(classifier: LateTruth) -> None:
    asked = Asked(period=Period.WEEK)

    confused, reliable = confusion_rows(classifier.pipeline, asked), reliability_rows(classifier.pipeline, asked)

    assert keys_of(confused) == keys_under(GROUP) | keys_under("monitor confusion")
    assert keys_of(reliable) == keys_under(GROUP) | keys_under("monitor calibration")


def test_a_merged_period_has_just_the_keys_of_a_day_but_since_when_it_is_known(classifier: LateTruth) -> None:
    rows = period_metrics(classifier.pipeline, Asked(period=Period.ALL))

    assert keys_of(rows) == (keys_under(GROUP) | keys_under("monitor metrics")) - {"known_from"}


def test_a_comparison_has_just_the_documented_keys(classifier: LateTruth) -> None:
    baseline = Baseline(windows=2, every=timedelta(days=1))

    rows = compare_window(classifier.pipeline, classifier.model, "accuracy", Window(hour(2), Grain.DAY), baseline)

    assert keys_of(rows) == keys_under(GROUP) | keys_under("monitor compare")


def test_an_explanation_has_just_the_documented_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    here = explain_examples.installed(tmp_path)
    explain_examples.store(
        here.engine, here.config.models[0], explain_examples.two_mondays(), splits=[("carrier",), ("origin",)]
    )
    here.engine.dispose()

    asked = ["explain", "--model", "delay", "--metric", "mae", "--window", "2013-06-24", "--json"]
    result = CliRunner().invoke(app, asked)

    assert keys_of(json.loads(result.stdout)) == keys_under("monitor explain")


def test_an_estimate_has_just_the_documented_keys(sqlite_engine: Engine) -> None:
    values = {key: value for key, value in a_metric().items() if not key.endswith("_count")}
    estimate = {**values, "method": "direct_loss", "unlabelled_count": 100, "trained_until": None, "trained_count": 0}
    with writing(sqlite_engine) as connection:
        connection.execute(insert(estimates), [estimate])

    rows = read_estimates(sqlite_engine)

    assert keys_of(rows) == keys_under(GROUP) | keys_under("monitor estimates")


def test_a_models_labels_have_just_the_documented_keys(sqlite_engine: Engine) -> None:
    world = label_examples.World.of(label_examples.one_by_one(2), days=2)
    now = label_examples.instant(48)
    label_examples.store(sqlite_engine, world.sums_at(48).items(), known_from=label_examples.MONDAY)

    with reading(sqlite_engine) as connection:
        rows = label_status(connection, MonitoringConfig(), "eta", now=now).to_dict()

    assert keys_of(rows) == keys_under("monitor labels")


def test_an_alerts_event_has_just_the_documented_keys(sqlite_engine: Engine) -> None:
    recorded(sqlite_engine, finding(), now=1)
    [alert] = list_alerts(sqlite_engine)

    events = alert_history(sqlite_engine, alert["alert_id"])

    assert keys_of(events) == keys_under("monitor alerts history")
