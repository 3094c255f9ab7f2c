"""What calls become: the events' lines, what is refused, and that nothing is ever raised at the service."""

import logging
import subprocess
import sys
import tracemalloc
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from monitoring_pipeline.client import InvalidEventError, MonitorClient
from monitoring_pipeline.client.events import line_of
from tests.client_examples import ACTUALS, NOON, PREDICTIONS, Receiver, client_of, nowhere, taking


class Hostile:
    """A value whose every use raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("secret-value")

    def __str__(self) -> str:
        raise RuntimeError("secret-value")

    __repr__ = __str__


def test_predictions_truth_and_retractions_arrive_as_they_were_called() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, token="t-1", environment="staging") as client:
        client.log_prediction(
            model_id="churn",
            prediction_id="c-1",
            predicted_value=1,
            prediction_proba=0.83,
            features={"tenure": 3, "plan": None},
            model_version="v7",
            country="DE",
        )
        client.log_actual(model_id="churn", prediction_id="c-1", actual_value=0)
        client.retract(model_id="churn", prediction_id="c-1", timestamp="2026-03-02T12:00:01Z")
        assert client.flush(60)

    by_name = {
        name: [e for r in receiver.requests if r.name == name for e in r.events] for name in (PREDICTIONS, ACTUALS)
    }
    assert by_name == {
        PREDICTIONS: [
            {
                "timestamp": "2026-03-02T12:00:00Z",
                "model_id": "churn",
                "prediction_id": "c-1",
                "predicted_value": 1,
                "features": {"tenure": 3, "plan": None},
                "model_version": "v7",
                "environment": "staging",
                "prediction_proba": 0.83,
                "country": "DE",
            }
        ],
        ACTUALS: [
            {"timestamp": "2026-03-02T12:00:00Z", "model_id": "churn", "prediction_id": "c-1", "actual_value": 0},
            {"timestamp": "2026-03-02T12:00:01Z", "model_id": "churn", "prediction_id": "c-1", "retracted": True},
        ],
    }
    assert {request.headers["Authorization"] for request in receiver.requests} == {"Bearer t-1"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.float32(0.5), 0.5),
        (np.array([0.25]), 0.25),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (Decimal("1.5"), 1.5),
        ("buy", "buy"),
        (True, True),
        (1e308, 1e308),
    ],
)
def test_values_of_other_libraries_are_written_as_what_they_are(value: object, written: object) -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, strict=True) as client:
        client.log_prediction(model_id="m", predicted_value=value)

    [event] = receiver.events
    assert event["predicted_value"] == written


@pytest.mark.parametrize(
    ("stamp", "written"),
    [
        (datetime(2026, 3, 2, 9, 15), "2026-03-02T09:15:00Z"),  # noqa: DTZ001  (that it has no zone is the point)
        (datetime(2026, 3, 2, 9, 15, tzinfo=timezone(timedelta(hours=1))), "2026-03-02T09:15:00+01:00"),
        (pd.Timestamp("2026-03-02T09:15Z"), "2026-03-02T09:15:00+00:00"),
        ("2026-03-02 09:15:00", "2026-03-02 09:15:00"),
    ],
)
def test_a_stamp_of_ones_own_keeps_its_instant(stamp: Any, written: str) -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, strict=True) as client:
        client.log_prediction(model_id="m", predicted_value=1, timestamp=stamp)

    [event] = receiver.events
    assert event["timestamp"] == written


BAD_CALLS: list[dict[str, Any]] = [
    {"predicted_value": None},
    {"predicted_value": float("nan")},
    {"predicted_value": float("inf")},
    {"predicted_value": np.float32("nan")},
    {"predicted_value": np.array([1.0, 2.0])},
    {"predicted_value": {"a": 1}},
    {"predicted_value": 10**30},
    {"predicted_value": Hostile()},
    {"model_id": ""},
    {"model_id": None},
    {"model_id": "x" * 201},
    {"prediction_id": " "},
    {"prediction_id": Hostile()},
    {"prediction_proba": float("inf")},
    {"features": {"x": float("inf")}},
    {"features": {"x": [1.0, {"y": float("-inf")}]}},
    {"features": {"x": Hostile()}},
    {"features": {"x": "\ud800"}},
    {"features": {"x": "y" * 1_000_000}},
    {"features": {1: 2}},
    {"segment": object()},
]


@pytest.mark.parametrize("bad", BAD_CALLS, ids=lambda bad: next(iter(bad)))
def test_what_cannot_be_an_event_is_counted_and_told_and_never_raised(
    bad: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(nowhere())
    good = {"model_id": "m", "predicted_value": 1.0}

    with caplog.at_level(logging.INFO, logger="monitoring_pipeline.client"):
        for _ in range(3):
            client.log_prediction(**{**good, **bad})
        client.close()

    assert (client.stats.invalid, client.stats.logged) == (3, 0)
    [record] = caplog.records
    assert record.getMessage().startswith("an event cannot be logged: ")
    assert "secret-value" not in record.getMessage()


@pytest.mark.parametrize("bad", BAD_CALLS, ids=lambda bad: next(iter(bad)))
def test_the_strict_mode_raises(bad: dict[str, Any]) -> None:
    client = client_of(nowhere(), strict=True)
    good = {"model_id": "m", "predicted_value": 1.0}

    with pytest.raises(InvalidEventError):
        client.log_prediction(**{**good, **bad})


def test_deeply_nested_features_are_refused_without_harm() -> None:
    client = client_of(nowhere())
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"inner": nested}

    client.log_prediction(model_id="m", predicted_value=1, features=nested)
    client.close()

    assert client.stats.invalid == 1
    while nested:  # its own end would be as deep
        nested = nested["inner"]


def test_an_unknown_feature_is_sent_as_unknown() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, strict=True) as client:
        client.log_prediction(model_id="m", predicted_value=1, features={"x": float("nan"), "y": np.float64("nan")})

    [event] = receiver.events
    assert event["features"] == {"x": None, "y": None}


def test_ids_that_are_made_are_unique_and_sort_by_age() -> None:
    client = client_of(nowhere())

    ids = [client.log_prediction(model_id="m", predicted_value=1) for _ in range(1_000)]
    client.close(0)

    assert len(set(ids)) == len(ids)
    assert {(UUID(made).version, UUID(made).variant) for made in ids} == {(7, "specified in RFC 4122")}
    assert [made[:13] for made in ids] == sorted(made[:13] for made in ids)


@pytest.mark.parametrize("given", [17, UUID(int=17), "order-17"])
def test_an_id_of_ones_own_is_given_back_as_it_is_sent(given: Any) -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, strict=True) as client:
        told = client.log_prediction(model_id="m", predicted_value=1, prediction_id=given)

    [event] = receiver.events
    assert told == event["prediction_id"] == str(given)


def test_what_is_logged_after_the_end_is_counted_as_dropped() -> None:
    client = client_of(nowhere())
    client.close()

    client.log_prediction(model_id="m", predicted_value=1)

    assert (client.stats.dropped_memory, client.stats.lost) == (1, 1)


@pytest.mark.parametrize("url", ["monitor.example.com", "ftp://monitor", "http://", "https://[::1"])
def test_an_address_that_cannot_be_one_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="the monitor's address"):
        MonitorClient(url)


@pytest.mark.parametrize("token", ["", "two words\n", "clé", "t\r\nX-Evil: 1"])
def test_a_token_that_cannot_be_one_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(ValueError, match="the token holds") as caught:
        MonitorClient("https://monitor", token=token)

    assert not token or token not in str(caught.value)


def test_the_package_stands_alone() -> None:
    code = """
import sys, monitoring_pipeline.client
ours = {name for name in sys.modules if name.startswith("monitoring_pipeline.")}
others = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - {"monitoring_pipeline"}
assert all(name.startswith("monitoring_pipeline.client") for name in ours), ours
print(*sorted(name for name in others if not name.startswith("_")))
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    heavy = {"numpy", "pandas", "sqlalchemy", "pydantic", "fastapi", "dagster", "scipy", "pyarrow", "mlflow"}
    assert {"httpx", "orjson"} <= set(loaded)
    assert heavy.isdisjoint(loaded)


def test_the_clock_is_read_when_the_call_is_made() -> None:
    instants = iter([NOON, NOON + timedelta(hours=1)])
    with Receiver(taking) as receiver, client_of(receiver.url, clock=lambda: next(instants)) as client:
        client.log_prediction(model_id="m", predicted_value=1)
        client.log_actual(model_id="m", prediction_id="p", actual_value=1)

    assert {event["timestamp"] for event in receiver.events} == {"2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"}


def test_a_line_that_waits_holds_no_more_memory_than_it_shows() -> None:
    record = {"model_id": "price", "prediction_id": "p1", "predicted_value": 1.5, "features": {"x": 0.5}}

    tracemalloc.start()
    lines = [line_of(record) for _ in range(100)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 2 * sum(map(sys.getsizeof, lines))
