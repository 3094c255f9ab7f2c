"""The decorator and the block: what is logged around the code that predicts, and that its errors stay its own."""

import asyncio
from typing import Any

import pytest

from monitoring_pipeline.client import InvalidEventError, latest_prediction_id
from tests.client_examples import Receiver, client_of, nowhere, taking


def ticking(*seconds: float) -> Any:
    """A timer that shows these readings in turn."""
    readings = iter(seconds)
    return lambda: next(readings)


def test_a_decorated_function_is_logged_with_its_latency_and_inputs() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, timer=ticking(10.0, 10.25)) as client:

        @client.monitored(
            model_id="churn",
            model_version="v7",
            value=lambda returned: returned["class"],
            features=lambda customer: {"tenure": customer["tenure"]},
            prediction_id=lambda customer: customer["id"],
        )
        def predict(customer: dict[str, Any]) -> dict[str, Any]:
            """Whether a customer leaves."""
            return {"class": int(customer["tenure"] < 6)}

        returned = predict({"id": 17, "tenure": 3})

    assert (returned, predict.__name__, predict.__doc__) == ({"class": 1}, "predict", "Whether a customer leaves.")
    assert receiver.events == [
        {
            "timestamp": "2026-03-02T12:00:00Z",
            "model_id": "churn",
            "model_version": "v7",
            "prediction_id": "17",
            "predicted_value": 1,
            "features": {"tenure": 3},
            "latency_ms": 250.0,
        }
    ]


def test_a_decorated_coroutine_is_logged_when_it_has_ended() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url) as client:

        @client.monitored(model_id="eta")
        async def predict(minutes: float) -> float:
            await asyncio.sleep(0)
            return minutes * 2

        async def requests() -> list[float]:
            return await asyncio.gather(*(predict(number) for number in range(20)))

        assert asyncio.iscoroutinefunction(predict)
        assert asyncio.run(requests()) == [number * 2 for number in range(20)]

    assert sorted(event["predicted_value"] for event in receiver.events) == [number * 2 for number in range(20)]
    assert len({event["prediction_id"] for event in receiver.events}) == 20


def test_the_truth_can_follow_a_decorated_call() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url) as client:

        @client.monitored(model_id="m")
        def predict() -> int:
            return 1

        @client.monitored(model_id="m")
        async def predict_later() -> int:
            return 2

        async def request() -> str | None:
            await predict_later()
            return latest_prediction_id()

        predict()
        ids = {latest_prediction_id(), asyncio.run(request())}

    assert {event["prediction_id"] for event in receiver.events} == ids


def test_a_call_without_an_id_of_its_own_gets_one() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, strict=True) as client:
        client.monitored(model_id="m", prediction_id=lambda order: order.get("id"))(lambda order: 1)({})
        latest = latest_prediction_id()

    assert [event["prediction_id"] for event in receiver.events] == [latest]


def test_an_error_of_the_function_goes_on_as_it_is_and_nothing_is_logged() -> None:
    client = client_of(nowhere())

    @client.monitored(model_id="m")
    def predict() -> float:
        raise KeyError("tenure")

    @client.monitored(model_id="m")
    async def predict_later() -> float:
        raise KeyError("tenure")

    with pytest.raises(KeyError, match="tenure"):
        predict()
    with pytest.raises(KeyError, match="tenure"):
        asyncio.run(predict_later())
    client.close()

    assert (client.stats.failed_calls, client.stats.logged, client.stats.invalid) == (2, 0, 0)


@pytest.mark.parametrize("describing", ["value", "features", "prediction_id"])
def test_an_error_of_what_only_describes_the_prediction_does_not_reach_the_caller(describing: str) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("in the description")

    client, strict = client_of(nowhere()), client_of(nowhere(), strict=True)

    answer = client.monitored(model_id="m", **{describing: broken})(lambda x: x + 1)(1)
    client.close()

    assert (answer, client.stats.invalid, client.stats.logged) == (2, 1, 0)
    with pytest.raises(InvalidEventError, match="RuntimeError"):
        strict.monitored(model_id="m", **{describing: broken})(lambda x: x + 1)(1)


def test_a_block_logs_what_it_was_given() -> None:
    with Receiver(taking) as receiver, client_of(receiver.url, timer=ticking(1.0, 1.5)) as client:
        with client.prediction(model_id="m", features={"x": 1}) as p:
            p.value = 0.5
            p.set(prediction_proba=0.75, country="DE")
        client.log_actual(model_id="m", prediction_id=p.prediction_id, actual_value=1)

    first, second = sorted(receiver.events, key=lambda event: "actual_value" in event)
    assert (first["predicted_value"], first["prediction_proba"], first["country"]) == (0.5, 0.75, "DE")
    assert (first["latency_ms"], first["features"]) == (500.0, {"x": 1})
    assert first["prediction_id"] == second["prediction_id"] == p.prediction_id


def test_a_block_without_a_value_is_invalid_and_one_that_raises_is_none() -> None:
    client = client_of(nowhere())

    with client.prediction(model_id="m"):
        pass
    with pytest.raises(ZeroDivisionError), client.prediction(model_id="m") as p:
        p.value = 1 / 0
    client.close()

    assert (client.stats.invalid, client.stats.failed_calls, client.stats.logged) == (1, 1, 0)
