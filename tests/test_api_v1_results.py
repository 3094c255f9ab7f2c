"""``GET /v1/metrics`` and ``/v1/drift``: the answers of the commands, in pages, for those who may see them."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.read import read_drift, read_metrics
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, isoformat
from tests.api_pages import items, problem
from tests.conftest import FixedClock
from tests.results_examples import DAY, a_drift_result, a_metric
from tests.serving import installation_on, served, token_for

LATER = DAY + 5 * DAY_MICROS


def store(engine: Engine, *rows: dict[str, Any], table: Any = metrics) -> None:
    with writing(engine) as connection:
        connection.execute(insert(table), list(rows))


def heard_of(engine: Engine, *model_ids: str) -> None:
    counts = {"prediction_count": 1, "class_count": 0, "probability_count": 0, "first_seen_at": 1, "last_seen_at": 1}
    instants = {"first_predicted_at": 1, "last_predicted_at": 1, "model_version": "1", "environment": "production"}
    rows = [{"model_id": model_id, **counts, **instants} for model_id in model_ids]
    store(engine, *rows, table=version_totals)


def many() -> list[dict[str, Any]]:
    return [
        a_metric(model_id=model, window_start=DAY + day * DAY_MICROS, segment=segment, metric=metric)
        for model in ("b", "A", "a")
        for day in range(3)
        for segment in ("all", "carrier=UA", "carrier=ua")
        for metric in ("mae", "rmse")
    ]


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=json.dumps)


@pytest.mark.parametrize("limit", [1, 7, 54, 1000])
def test_the_pages_hold_just_what_the_command_reads(
    engine: Engine, tmp_path: Path, clock: FixedClock, limit: int
) -> None:
    store(engine, *many())

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = items(client, "/v1/metrics", limit=limit)

    assert len(found) == 54
    assert by_key(found) == by_key(read_metrics(engine))


def test_paging_visits_every_metric_once_while_values_change_and_windows_come(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    store(engine, *many())
    number = iter(range(1, 1000))

    def change() -> None:
        at = LATER + next(number)
        with writing(engine) as connection:
            standing = metrics.c.known_to.is_(None)
            connection.execute(update(metrics).where(standing, metrics.c.model_id == "a").values(known_to=at))
        rows = [{**row, "value": float(at), "known_from": at} for row in many() if row["model_id"] == "a"]
        store(engine, *rows, a_metric(model_id="new", window_start=at))

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        found = items(client, "/v1/metrics", limit=5, between=change)

    keys = [(row["model_id"], row["window_start"], row["segment"], row["metric"]) for row in found]
    old = {(row["model_id"], isoformat(row["window_start"]), row["segment"], row["metric"]) for row in many()}
    assert len(keys) == len(set(keys))
    assert old <= set(keys)


def test_as_of_is_answered_as_the_command_answers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FixedClock
) -> None:
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    installation = open_installation()
    store(
        installation.engine,
        a_metric(value=1.0, known_from=DAY, known_to=LATER),
        a_metric(value=2.0, known_from=LATER),
        a_metric(metric="rmse", known_from=LATER),
    )

    with served(installation) as client:
        for as_of in (LATER - 1, LATER, LATER + HOUR_MICROS):
            instant = isoformat(as_of)
            told = CliRunner().invoke(app, ["metrics", "--as-of", instant, "--json"])

            assert items(client, "/v1/metrics", as_of=instant) == json.loads(told.stdout)
        assert [row["value"] for row in items(client, "/v1/metrics", as_of=isoformat(LATER - 1))] == [1.0]
    installation.engine.dispose()


def test_drift_is_told_by_verdict_and_all_measures_when_asked(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    rows = [a_drift_result(feature=feature, measure=measure) for feature in "abc" for measure in ("overall", "ks")]
    store(engine, *rows, a_drift_result(feature="d", verdict="no_drift", reason="no_evidence"), table=drift_results)

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        verdicts = items(client, "/v1/drift", limit=2)
        everything = items(client, "/v1/drift", limit=2, measure="all")
        drifted = items(client, "/v1/drift", verdict="drift", feature=["a", "d"])

    assert [row["feature"] for row in verdicts] == ["a", "b", "c", "d"]
    assert by_key(everything) == by_key(read_drift(engine))
    assert [row["feature"] for row in drifted] == ["a"]


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"model_id": "a"}, 18),
        ({"metric": "mae"}, 27),
        ({"metric": ["mae", "rmse"]}, 54),
        ({"segment": "carrier=*"}, 36),
        ({"segment": "carrier=UA"}, 18),
        ({"model_version": "1", "environment": "production"}, 54),
        ({"model_version": "2"}, 0),
        ({"grain": "hour"}, 0),
        ({"from": "2013-06-18", "to": "2013-06-19T00:00:00+00:00"}, 18),
    ],
)
def test_lists_are_narrowed_by_what_rows_say(
    engine: Engine, tmp_path: Path, clock: FixedClock, parameters: dict[str, Any], count: int
) -> None:
    store(engine, *many())

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        assert len(items(client, "/v1/metrics", **parameters)) == count


def test_a_token_for_some_models_sees_those_only_and_is_refused_the_others(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    store(engine, *many())
    heard_of(engine, "a", "A", "b")
    installation = installation_on(engine, tmp_path, clock=clock)
    some, none = token_for(installation, "metrics:read@a*"), token_for(installation, "events:append", client="other")

    with served(installation) as client:
        mine = items(client, "/v1/metrics", headers=some, limit=7)
        allowed = client.get("/v1/metrics?model_id=a", headers=some)
        refused = client.get("/v1/metrics?model_id=b", headers=some)
        without = client.get("/v1/metrics", headers=none)
        anonymous = client.get("/v1/metrics")

    assert {row["model_id"] for row in mine} == {"a"}
    assert len(mine) == len(allowed.json()["items"]) == 18
    assert [problem(reply) for reply in (refused, without)] == [(403, "forbidden")] * 2
    assert problem(anonymous) == (401, "unauthorized")


def test_a_model_that_nobody_knows_is_not_an_empty_list(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    config = MonitoringConfig(models=[Model(id="declared", task=Task.REGRESSION)])
    heard_of(engine, "flight_delay")
    installation = installation_on(engine, tmp_path, clock=clock, config=config)

    with served(installation) as client:
        unknown = client.get("/v1/metrics?model_id=flight_dleay")
        silent = client.get("/v1/drift?model_id=declared")
        heard = client.get("/v1/drift?model_id=flight_delay")

    assert problem(unknown) == (404, "unknown-model")
    assert "did you mean 'flight_delay'?" in unknown.json()["detail"]
    assert [reply.json()["items"] for reply in (silent, heard)] == [[], []]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=W10",  # []
        "cursor=WzEsMiwzLDQsNSw2LDdd",  # [1,2,3,4,5,6,7]
        "limit=0",
        "limit=1001",
        "grain=week",
        "as_of=2999-01-01",
        "as_of=9999-12-31T23:59:59-14:00",
        "as_of=1772452800",
        "as_of=yesterday",
        "from=2026-03-02&to=2026-03-02",
        "models=a",
        "segment=" + "x" * 201,
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    engine: Engine, tmp_path: Path, clock: FixedClock, query: str
) -> None:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        reply = client.get(f"/v1/metrics?{query}")

    assert problem(reply) == (422, "invalid-request")
    assert f"query.{query.rpartition('&')[2].partition('=')[0]}" in reply.json()["detail"]


def test_an_instant_at_the_end_of_time_is_no_error(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    store(engine, a_metric())

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        parameters: dict[str, Any] = {"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"}

        assert len(items(client, "/v1/metrics", **parameters)) == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e308, 5e-324, 0.1 + 0.2])
def test_a_number_is_exact_or_null(engine: Engine, tmp_path: Path, clock: FixedClock, number: float) -> None:
    store(engine, a_metric(upper=number))

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        [row] = items(client, "/v1/metrics")

    assert row["upper"] == (number if abs(number) <= 1e308 else None)
