"""``GET /v1/labels``: what ``monitor labels`` says."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.stages.labels.statuses import label_rows
from monitoring_pipeline.windows import isoformat
from tests.api_pages import items, problem
from tests.conftest import FixedClock
from tests.label_examples import MONDAY, World, instant, one_by_one, store
from tests.serving import installation_on, served, token_for

NOW_HOURS = 15 * 24
NOW = instant(NOW_HOURS)
WORLD = World.of(one_by_one(2, coverage=0.9), days=15, per_hour=5)


def fill(engine: Engine, *model_ids: str) -> None:
    for model_id in model_ids:
        store(engine, WORLD.sums_at(NOW_HOURS).items(), known_from=MONDAY, model_id=model_id)


def test_the_status_is_the_one_that_the_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    installation = open_installation()
    fill(installation.engine, "a", "b")

    with served(installation) as client:
        found = items(client, "/v1/labels", as_of=isoformat(NOW), limit=1)
    printed = CliRunner().invoke(app, ["labels", "--as-of", isoformat(NOW), "--json"])

    assert found == json.loads(printed.stdout)
    assert [(row["model_id"], row["verdict"]) for row in found] == [("a", "healthy"), ("b", "healthy")]
    installation.engine.dispose()


def test_a_page_holds_whole_models_and_only_those_of_the_token(engine: Engine, tmp_path: Path) -> None:
    fill(engine, "a", "ab", "b")
    clock = FixedClock(NOW)
    installation = installation_on(engine, tmp_path, clock=clock)
    some = token_for(installation, "metrics:read@a*")

    with served(installation) as client:
        mine = items(client, "/v1/labels", headers=some, limit=1)
        one = items(client, "/v1/labels", headers=some, model_id="ab")
        refused = client.get("/v1/labels?model_id=b", headers=some)
        unknown = client.get("/v1/labels?model_id=abc", headers=some)

    told = json.loads(json.dumps(label_rows(engine, installation.config, ["ab"], clock=clock)))
    assert [row["model_id"] for row in mine] == ["a", "ab"]
    assert one == told
    assert [problem(reply) for reply in (refused, unknown)] == [(403, "forbidden"), (404, "unknown-model")]
