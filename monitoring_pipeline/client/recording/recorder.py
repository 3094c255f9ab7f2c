"""What a service says becomes lines, and none of it is ever raised at the service."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from monitoring_pipeline.client.events import (
    Clock,
    InvalidEventError,
    Kind,
    id_text,
    line_of,
    new_prediction_id,
    scalar,
)
from monitoring_pipeline.client.recording.monitored import Prediction, Timer, Watching

F = TypeVar("F", bound=Callable[..., Any])
Fields = Mapping[str, object]


class Recorder(ABC):
    """The calls by which a service tells of predictions and truth; where their lines go is the subclass's.

    Args:
        environment: of predictions that name none.
        strict: raise what cannot be logged.
        clock: gives events their timestamp.
        timer: measures latencies.
    """

    def __init__(self, *, environment: str | None, strict: bool, clock: Clock, timer: Timer) -> None:
        self._environment = environment
        self._strict = strict
        self._clock = clock
        self._timer = timer

    def log_prediction(  # noqa: PLR0913  (the fields of a prediction)
        self,
        *,
        model_id: str,
        predicted_value: object,
        prediction_id: str | int | UUID | None = None,
        features: Fields | str | None = None,
        model_version: str | None = None,
        environment: str | None = None,
        prediction_proba: object = None,
        probabilities: Fields | None = None,
        confidence: object = None,
        latency_ms: object = None,
        entity_id: str | int | None = None,
        timestamp: datetime | str | None = None,
        **further: object,
    ) -> str:
        """Log a prediction; its id, by which the truth can follow.

        Args:
            model_id: the model.
            predicted_value: a number or a class, as the model's task wants it; also an array of one element.
            prediction_id: names it within the model; made if there is none.
            features: the inputs by name; NaN is sent as unknown.
            model_version: measured apart.
            environment: measured apart; the client's by default.
            prediction_proba: binary models: the probability of 1.
            probabilities: multiclass models: class name → probability.
            confidence: how sure the model is, 0 to 1.
            latency_ms: how long it took, milliseconds.
            entity_id: what it is about.
            timestamp: when it was made; now by default, and UTC without a zone.
            further: segments and fields of one's own: texts, numbers, booleans.
        """
        identifier = new_prediction_id() if prediction_id is None else prediction_id

        def record() -> dict[str, object]:
            numbers = {"prediction_proba": prediction_proba, "confidence": confidence, "latency_ms": latency_ms}
            return {
                "timestamp": self._clock() if timestamp is None else timestamp,
                "model_id": id_text(model_id, field="model_id"),
                "prediction_id": id_text(identifier, field="prediction_id"),
                "predicted_value": scalar(predicted_value, field="predicted_value"),
                "features": features,
                "model_version": model_version,
                "environment": self._environment if environment is None else environment,
                **{name: scalar(value, field=name) for name, value in numbers.items() if value is not None},
                "probabilities": probabilities,
                "entity_id": entity_id,
                **further,
            }

        self._put(Kind.PREDICTIONS, record)
        return str(identifier) if isinstance(identifier, str | int | UUID) else ""

    def log_actual(
        self,
        *,
        model_id: str,
        prediction_id: str | int | UUID,
        actual_value: object,
        timestamp: datetime | str | None = None,
    ) -> None:
        """Log what turned out to be true of a prediction, or a correction of it.

        Args:
            model_id: as in the prediction.
            prediction_id: as in the prediction.
            actual_value: a number or a class.
            timestamp: when it was observed; now by default.
        """
        self._put(
            Kind.ACTUALS,
            lambda: {
                **self._statement(model_id, prediction_id, timestamp),
                "actual_value": scalar(actual_value, field="actual_value"),
            },
        )

    def retract(
        self, *, model_id: str, prediction_id: str | int | UUID, timestamp: datetime | str | None = None
    ) -> None:
        """Take back what was said to be true of a prediction: nothing is known of it any more.

        Args:
            model_id: as in the prediction.
            prediction_id: as in the prediction.
            timestamp: when that was noticed; now by default.
        """
        self._put(Kind.ACTUALS, lambda: {**self._statement(model_id, prediction_id, timestamp), "retracted": True})

    def prediction(self, *, model_id: str, prediction_id: str | int | UUID | None = None, **fields: Any) -> Prediction:
        """A ``with`` block that makes one prediction: set its ``value``; latency and id are taken care of.

        Args:
            model_id: the model.
            prediction_id: names it within the model; made if there is none.
            fields: further ones of :meth:`log_prediction`.
        """
        identifier = new_prediction_id() if prediction_id is None else str(prediction_id)
        return Prediction(
            log=self, timer=self._timer, prediction_id=identifier, fields={"model_id": model_id, **fields}
        )

    def monitored(
        self,
        *,
        model_id: str,
        value: Callable[[Any], object] = lambda returned: returned,
        features: Callable[..., Fields] | None = None,
        prediction_id: Callable[..., str | int | UUID] | None = None,
        **fields: Any,
    ) -> Callable[[F], F]:
        """A decorator: each call of the function, plain or ``async``, is logged as a prediction with its latency.

        A call that raises made no prediction; its error goes on as it is. :func:`.latest_prediction_id` is its id.

        Args:
            model_id: the model.
            value: the predicted value in what the function returns; all of it by default.
            features: the inputs, from the function's arguments.
            prediction_id: the id, from the function's arguments; made by default.
            fields: further ones of :meth:`log_prediction`, the same for each call.
        """
        watching = Watching(
            begin=lambda: self.prediction(model_id=model_id, **fields),
            value=value,
            features=features,
            prediction_id=prediction_id,
        )
        return cast("Callable[[F], F]", watching.around)

    def prediction_made(self, prediction: Prediction) -> None:
        """A block has ended: log its prediction."""
        if prediction.fault is not None:
            self._invalid(prediction.fault)
            return
        fields = {**prediction.fields, "predicted_value": prediction.value, "prediction_id": prediction.prediction_id}
        self.log_prediction(**fields)

    def prediction_failed(self) -> None:
        """A block has raised: there is no prediction."""
        self._count(failed_calls=1)

    @abstractmethod
    def _keep(self, kind: Kind, line: bytes) -> bool:
        """Take a line; ``False`` if there is no room for it."""

    @abstractmethod
    def _count(self, **counts: int) -> None:
        """Count, by the names of :class:`.Stats`."""

    @abstractmethod
    def _report(self, name: str, text: str) -> None:
        """Have a trouble told, once."""

    def _put(self, kind: Kind, record: Callable[[], Mapping[str, object]]) -> None:
        try:
            line = line_of(record())
        except Exception as error:  # noqa: BLE001  (values bring code of their own, and it must not break the service)
            self._invalid(error)
            return
        if self._keep(kind, line):
            return
        if self._strict:
            raise InvalidEventError("the event was dropped: too much waits in memory, or the client is closed")
        self._report("memory", "events are dropped: too much waits in memory, or the client is closed")

    def _invalid(self, error: Exception) -> None:
        # Texts of errors that are not ours may hold values.
        what = str(error) if isinstance(error, InvalidEventError) else f"a {type(error).__name__} was raised"
        if self._strict:
            raise InvalidEventError(what) from error
        self._count(invalid=1)
        self._report("invalid", f"an event cannot be logged: {what}")

    def _statement(self, model_id: object, prediction_id: object, timestamp: datetime | str | None) -> Fields:
        return {
            "timestamp": self._clock() if timestamp is None else timestamp,
            "model_id": id_text(model_id, field="model_id"),
            "prediction_id": id_text(prediction_id, field="prediction_id"),
        }
