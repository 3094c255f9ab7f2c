"""A refusal says which scope is missing, on which model, and with which command a token gets it."""

import shlex
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitoring_pipeline.access.scopes import Grant, Scope
from monitoring_pipeline.api.missing_scope import missing_scope
from monitoring_pipeline.cli.main import app
from tests.conftest import FixedClock
from tests.serving import code_of, event, installation_on, served, token_for

EVENTS = "/v0/events?name=ml_model_predictions"


def scope_in(reply: httpx.Response) -> str:
    """The scope of the command that a refusal names."""
    assert (reply.status_code, code_of(reply)) == (403, "forbidden")
    command = shlex.split(reply.json()["detail"].rpartition("made with: ")[2])
    assert command[:-1] == ["monitor", "token", "create", "--client", "NAME", "--scope"]
    return command[-1]


def command(grant: str) -> str:
    return f"monitor token create --client NAME --scope {grant}"


def test_a_token_with_the_scope_that_a_refusal_names_is_let_in(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    narrow = token_for(installation, "events:append@a", "pipes:read@a", "metrics:read@a", "admin@a", client="narrow")
    requests = [
        ("POST", EVENTS, event(model_id="b c'd")),
        ("GET", "/v0/pipes/model_performance_metrics.json?model_id=price", None),
        ("GET", "/monitor/performance?model_id=b%20c'd", None),
        ("GET", "/v1/metrics?model_id=b%20c'd", None),
        ("POST", "/v1/quarantine/replay", {"model_id": "price"}),
        ("GET", "/simulate/no-job", None),
    ]

    with served(installation) as client:
        refused = [client.request(method, path, json=body, headers=narrow) for method, path, body in requests]
        named = [scope_in(reply) for reply in refused]
    enough = [token_for(installation, scope, client=f"enough {number}") for number, scope in enumerate(named)]
    with served(installation) as client:
        taken = [
            client.request(method, path, json=body, headers=headers).status_code
            for (method, path, body), headers in zip(requests, enough, strict=True)
        ]

    assert named == [
        "events:append@b c'd",
        "pipes:read@price",
        "metrics:read@b c'd",
        "metrics:read@b c'd",
        "admin@price",
        "admin",
    ]
    assert taken == [202, 200, 200, 200, 200, 404]


def test_a_token_that_has_the_scope_on_no_model_is_told_its_name_alone(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    installation = installation_on(sqlite_engine, tmp_path, clock=clock)
    reader = token_for(installation, "metrics:read@a")

    with served(installation) as client:
        sent = client.post(EVENTS, json=event(), headers=reader)
        asked = client.get("/v0/pipes/prediction_details.json", headers=reader)

    assert [scope_in(sent), scope_in(asked)] == ["events:append", "pipes:read"]


@pytest.mark.parametrize("name", ["*", "fraud_*", "a\nb", "\u202egnp", "x" * 201, ""])
def test_a_name_that_a_token_must_not_be_made_for_is_not_written_into_the_command(name: str) -> None:
    refusal = missing_scope(Scope.METRICS_READ, name)

    assert refusal.detail.endswith("on this model; one that does is made with: " + command("metrics:read@MODEL"))


@pytest.mark.parametrize("name", ["price", "é_1", "a;rm -rf ~", "$(id)", "it's"])
def test_a_name_is_written_so_that_a_shell_takes_it_for_nothing_else(name: str) -> None:
    refusal = missing_scope(Scope.METRICS_READ, name)

    written = shlex.split(refusal.detail.rpartition("--scope ")[2])
    assert written == [f"metrics:read@{name}"]
    assert Grant.parse(written[0]).allows(Scope.METRICS_READ, name)


def test_the_command_is_one_that_monitor_knows(tmp_path: Path) -> None:
    words = shlex.split(missing_scope(Scope.METRICS_READ, "price").detail.rpartition("monitor ")[2])

    done = CliRunner().invoke(app, words, env={"MONITOR_HOME": str(tmp_path)})

    assert done.exit_code == 0, done.output
