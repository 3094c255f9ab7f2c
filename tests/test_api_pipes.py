"""``GET /v0/pipes/…``: what dashboards ask, and what they are told."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.installation import Installation
from tests.conftest import FixedClock
from tests.serving import event, installation_on, served, token_for

METRICS = "/v0/pipes/model_performance_metrics"
DRIFT = "/v0/pipes/model_drift_detection"
DETAILS = "/v0/pipes/prediction_details"
ANSWERED = httpx.codes.OK


@pytest.fixture
def installation(engine: Engine, tmp_path: Path, clock: FixedClock) -> Installation:
    return installation_on(engine, tmp_path, clock=clock)


@pytest.fixture
def client(installation: Installation) -> Iterator[httpx.Client]:
    with served(installation) as found:
        yield found


def _send(client: httpx.Client, *events: dict[str, Any], name: str = "ml_model_predictions") -> None:
    reply = client.post("/v0/events", params={"name": name}, content=b"\n".join(map(orjson.dumps, events)))
    assert reply.json() == {"successful_rows": len(events), "quarantined_rows": 0}


def _data(client: httpx.Client, address: str, **parameters: Any) -> list[dict[str, Any]]:
    reply = client.get(f"{address}.json", params={"model_id": "price", **parameters})
    assert reply.status_code == ANSWERED, reply.text
    rows: list[dict[str, Any]] = reply.json()["data"]
    return rows


def test_a_reply_names_its_columns_and_what_it_cost(client: httpx.Client) -> None:
    _send(client, event(0, actual_value=45.5), event(1))

    reply = client.get(f"{METRICS}.json", params={"model_id": "price", "time_window": 48, "utm_source": "a+b"}).json()

    assert [tuple(column.values()) for column in reply["meta"]] == [
        ("model_id", "String"),
        ("model_version", "String"),
        ("environment", "String"),
        ("prediction_count", "UInt64"),
        ("rmse", "Nullable(Float64)"),
        ("mae", "Nullable(Float64)"),
        ("period_start", "DateTime"),
        ("period_end", "DateTime"),
        ("labelled_count", "UInt64"),
        ("coverage", "Float64"),
    ]
    assert reply["data"] == [
        {
            "model_id": "price",
            "model_version": "v1",
            "environment": "production",
            "prediction_count": 2,
            "rmse": 3.0,
            "mae": 3.0,
            "period_start": "2026-03-02 11:30:00",
            "period_end": "2026-03-02 11:30:00",
            "labelled_count": 1,
            "coverage": 0.5,
        }
    ]
    assert (reply["rows"], reply["rows_before_limit_at_least"]) == (1, 1)
    assert set(reply["statistics"]) == {"elapsed", "rows_read", "bytes_read"}


def test_a_model_that_nobody_knows_has_no_rows(client: httpx.Client) -> None:
    for address in (METRICS, DRIFT, DETAILS):
        reply = client.get(f"{address}.json").json()

        assert (reply["data"], reply["rows"]) == ([], 0)


def test_latest_is_the_version_that_was_seen_first_last(client: httpx.Client, clock: FixedClock) -> None:
    _send(client, event(0, model_version="v9"), event(1, model_version="v9", environment="staging"))
    clock.advance(seconds=1)
    _send(client, event(2, model_version="v10", timestamp="2026-03-02 10:00:00"))
    clock.advance(seconds=1)
    _send(client, event(3, model_version="v9"))

    assert [row["model_version"] for row in _data(client, METRICS)] == ["v10"]
    assert [row["model_version"] for row in _data(client, METRICS, environment="staging")] == ["v9"]
    assert [row["prediction_count"] for row in _data(client, METRICS, model_version="v9")] == [2]
    assert [row["prediction_id"] for row in _data(client, DETAILS)] == ["p2"]


def test_drift_lists_every_version_of_late_the_largest_change_first(client: httpx.Client) -> None:
    def batch(version: str, hour: int, error: float, numbers: range) -> list[dict[str, Any]]:
        stamp = f"2026-03-0{2 if hour >= 0 else 1} {hour % 24:02d}:15:00"
        fixed = {"model_version": version, "timestamp": stamp, "predicted_value": 10.0}
        return [event(n, **fixed, actual_value=10.0 + error + n % 3 * 0.01) for n in numbers]

    _send(client, *batch("same", 8, 1.0, range(100, 140)), *batch("same", -5, 1.0, range(200, 240)))
    _send(client, *batch("worse", 8, 2.0, range(300, 340)), *batch("worse", -5, 1.0, range(400, 440)))
    _send(client, *batch("new", 8, 1.0, range(500, 540)), *batch("gone", -5, 1.0, range(600, 640)))

    rows = _data(client, DRIFT)

    assert [(row["r.model_version"], row["verdict"], row["reason"]) for row in rows] == [
        ("worse", "drift", "error_rose"),
        ("same", "no_drift", "within_noise"),
        ("new", "not_enough_data", "no_history"),
    ]
    assert [(row["recent_count"], row["historical_count"]) for row in rows] == [(40, 40), (40, 40), (40, 0)]
    assert rows[0]["drift_low"] < rows[0]["drift_percentage"] < rows[0]["drift_high"]
    assert (rows[2]["drift_percentage"], rows[2]["historical_mae"]) == (None, None)
    assert rows[0]["analysis_timestamp"] == "2026-03-02 12:00:00"


def test_details_come_newest_first_with_the_truth_that_holds(client: httpx.Client) -> None:
    _send(client, *(event(n, timestamp=f"2026-03-02 11:0{n}:00.25", actual_value=40.0) for n in range(5)))
    truth = {"model_id": "price", "prediction_id": "p4", "timestamp": "2026-03-02 11:50:00"}
    gone = {"model_id": "price", "prediction_id": "p3", "timestamp": "2026-03-02 11:50:00", "retracted": True}
    _send(client, {**truth, "actual_value": 45.0}, gone, name="ml_model_actuals")

    reply = client.get(f"{DETAILS}.json", params={"model_id": "price", "limit": 3}).json()

    assert [(row["prediction_id"], row["actual_value"]) for row in reply["data"]] == [
        ("p4", 45.0),
        ("p3", None),
        ("p2", 40.0),
    ]
    assert reply["data"][0]["prediction_error"] == -2.5
    assert reply["data"][0]["features"] == '{"x":1.5}'
    assert (reply["rows"], reply["rows_before_limit_at_least"]) == (3, 4)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2026-03-02 11:01:00", "2026-03-02 11:03:00", ["p3", "p2", "p1"]),
        ("2026-03-02T11:01:00Z", "2026-03-02T11:01:00Z", ["p1"]),
        ("2026-03-02T12:03:00+01:00", None, ["p4", "p3"]),
        (None, "2026-03-02T06:30:59+05:30", ["p0"]),
    ],
)
def test_both_instants_are_included_in_any_zone(
    client: httpx.Client, start: str | None, end: str | None, found: list[str]
) -> None:
    stamps = ["2026-03-02 01:00:59.75", *(f"2026-03-02 11:0{n}:00.5" for n in range(1, 5))]
    _send(client, *(event(n, timestamp=stamp) for n, stamp in enumerate(stamps)))
    between = {name: value for name, value in {"start_date": start, "end_date": end}.items() if value}

    assert [row["prediction_id"] for row in _data(client, DETAILS, **between)] == found


def test_the_hour_that_a_clock_change_repeats_is_two_hours(client: httpx.Client, clock: FixedClock) -> None:
    clock.advance(hours=24 * 300)
    twice = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
    _send(client, *(event(n, timestamp=stamp) for n, stamp in enumerate(twice)))

    first = _data(client, DETAILS, start_date=twice[0], end_date=twice[0])
    both = _data(client, DETAILS, start_date=twice[0], end_date=twice[1])

    assert [row["timestamp"] for row in first] == ["2026-10-25 00:30:00"]
    assert [row["timestamp"] for row in both] == ["2026-10-25 01:30:00", "2026-10-25 00:30:00"]


def test_csv_has_a_header_and_no_cell_that_a_spreadsheet_would_run(client: httpx.Client) -> None:
    _send(client, event(0, prediction_id='=cmd|"x"', predicted_value=-1.5, entity_id="@me"))

    reply = client.get(f"{DETAILS}.csv", params={"model_id": "price"})

    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(reply.text))
    assert (row["prediction_id"], row["entity_id"]) == ('\'=cmd|"x"', "'@me")
    assert (row["predicted_value"], row["actual_value"]) == ("-1.5", "")


def test_ndjson_has_a_row_per_line(client: httpx.Client) -> None:
    _send(client, event(0), event(1))

    reply = client.get(f"{DETAILS}.ndjson", params={"model_id": "price"})

    assert reply.headers["content-type"] == "application/x-ndjson"
    assert [orjson.loads(line)["prediction_id"] for line in reply.text.splitlines()] == ["p1", "p0"]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (f"{METRICS}.xml", "path.format"),
        (f"{METRICS}.json?time_window=0", "query.time_window"),
        (f"{METRICS}.json?time_window=1e400", "query.time_window"),
        (f"{METRICS}.json?model_id={'m' * 201}", "query.model_id"),
        (f"{DRIFT}.json?recent_window_hours=6&historical_window_hours=6", "query.historical_window_hours"),
        (f"{DETAILS}.json?limit=10001", "query.limit"),
        (f"{DETAILS}.json?limit=-1", "query.limit"),
        (f"{DETAILS}.json?start_date=yesterday", "query.start_date"),
        (f"{DETAILS}.json?start_date=2026-03-02", "query.start_date"),
        (f"{DETAILS}.json?start_date=2026-03-02T12:00:00Z&end_date=2026-03-02T11:00:00Z", "query.end_date"),
    ],
)
def test_a_wrong_parameter_is_named(client: httpx.Client, address: str, place: str) -> None:
    reply = client.get(address)

    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert reply.json()["errors"][0]["place"] == place
    assert reply.json()["detail"].startswith(place)


def test_a_token_opens_the_pipes_of_its_models_in_the_header_and_in_the_address(
    installation: Installation,
) -> None:
    header = token_for(installation, "pipes:read@price*")
    secret = header["Authorization"].removeprefix("Bearer ")
    appender = token_for(installation, "events:append", client="producer")

    with served(installation, open_to_anybody=False) as client:
        asked = f"{METRICS}.json?model_id=price"
        statuses = [
            client.get(asked, headers=header).status_code,
            client.get(f"{asked}&token={secret}").status_code,
            client.get(f"{METRICS}.json?model_id=fraud", headers=header).status_code,
            client.get(asked, headers=appender).status_code,
            client.get(asked).status_code,
        ]

    assert statuses == [200, 200, 403, 403, 401]


@pytest.mark.parametrize("grants", [("admin",), ("events:append",), ("metrics:read",)])
def test_a_token_that_does_not_grant_pipes_by_name_is_refused_in_an_address_with_what_to_do(
    installation: Installation, grants: tuple[str, ...]
) -> None:
    secret = token_for(installation, *grants)["Authorization"].removeprefix("Bearer ")

    with served(installation, open_to_anybody=False) as client:
        reply = client.get(f"{METRICS}.json?model_id=price&token={secret}")

    assert (reply.status_code, reply.json()["type"].rpartition(":")[2]) == (403, "token-in-address")
    assert "header Authorization" in reply.json()["detail"]
    assert "monitor token create --client NAME --scope pipes:read" in reply.json()["detail"]
    assert secret not in reply.text


def test_a_token_in_an_address_opens_no_more_than_reading_whatever_else_it_grants(installation: Installation) -> None:
    secret = token_for(installation, "admin", "pipes:read@price")["Authorization"].removeprefix("Bearer ")

    with served(installation, open_to_anybody=False) as client:
        replies = [client.get(f"{METRICS}.json?model_id={model}&token={secret}") for model in ("price", "fraud")]

    assert [reply.status_code for reply in replies] == [200, 403]


def test_a_server_that_asks_for_no_token_passes_over_one_in_the_address(client: httpx.Client) -> None:
    assert client.get(f"{METRICS}.json?model_id=price&token=whatever").status_code == 200


def test_what_was_acknowledged_is_in_the_next_reply(client: httpx.Client) -> None:
    def produce(number: int) -> None:
        environment = f"room {number}"
        for count in range(1, 13):
            # Some clocks run ahead, as far as ingest tolerates.
            stamp = "2026-03-02 12:04:59" if count % 3 == 0 else f"2026-03-02 {11 - count % 2}:59:59"
            name = f"{number}-{count}"
            _send(client, event(0, prediction_id=name, environment=environment, timestamp=stamp))
            [row] = _data(client, METRICS, environment=environment)
            assert (row["prediction_count"], row["labelled_count"]) == (count, count - 1)
            truth = {"model_id": "price", "prediction_id": name, "actual_value": 42.5 - count}
            _send(client, truth, name="ml_model_actuals")
            [row] = _data(client, METRICS, environment=environment)
            assert (row["labelled_count"], row["mae"]) == (count, (count + 1) / 2)
            assert len(_data(client, DETAILS, environment=environment)) == count

    with ThreadPoolExecutor(max_workers=4) as producers:
        for done in [producers.submit(produce, number) for number in range(4)]:
            done.result()
