"""Several processes that serve one store: whichever is scraped, it tells the same."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.metrics_text import Series, only, scrape, value
from tests.serving import ServerProcess, event

OF_ONE_SCRAPE = ("mlmon_collection_duration_seconds", "mlmon_heartbeat_timestamp_seconds")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    folder = tmp_path_factory.mktemp("two")
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(folder / "counted")}
    with ExitStack() as running:
        # One after the other: the first makes the store.
        first = running.enter_context(ServerProcess(home=folder, environment=shared))
        second = running.enter_context(ServerProcess(home=folder, environment=shared))
        yield first, second


def _scrape(server: ServerProcess) -> Series:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        return scrape(client)


def _post(server: ServerProcess, first: int, count: int) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        for number in range(first, first + count):
            row = event(number, latency_ms=3, confidence=0.5)
            assert client.post("/v0/events?name=ml_model_predictions", json=row).status_code == httpx.codes.ACCEPTED


def _of_requests(found: Series) -> float:
    return value(found, "api_requests_total", endpoint="/v0/events", status="202")


def test_whichever_process_is_scraped_it_tells_of_all(servers: tuple[ServerProcess, ServerProcess]) -> None:
    first, second = servers
    _post(first, 0, 3)
    _post(second, 2, 3)  # one of them for the second time

    of_first, of_second = _scrape(first), _scrape(second)

    for found in (of_first, of_second):
        assert _of_requests(found) == 6
        assert value(found, "api_predictions_total") == 5
        assert value(found, "mlmon_ingest_rows_total", kind="predictions", outcome="duplicate") == 1
        assert value(found, "mlmon_http_request_duration_seconds_count", endpoint="/v0/events") == 6
        assert value(found, "api_active_requests") == 1  # the scrape itself
    from_sql = [
        {name: of_name for name, of_name in found.items() if name.startswith(("api_prediction", "mlmon_", "model_"))}
        for found in (of_first, of_second)
    ]
    for name in from_sql[0].keys() - {*OF_ONE_SCRAPE}:
        if not name.startswith("mlmon_http_request"):
            assert from_sql[0][name] == from_sql[1][name], name


def test_a_process_that_was_killed_keeps_its_counts_and_leaves_no_request_under_way(
    servers: tuple[ServerProcess, ServerProcess],
) -> None:
    first, second = servers
    before = _of_requests(_scrape(second))
    _post(first, 100, 2)

    first.kill()
    first.start()

    found = _scrape(second)
    assert _of_requests(found) == before + 2
    assert value(found, "api_active_requests") == 1
    assert only(found, "mlmon_writer_queue_bytes")
