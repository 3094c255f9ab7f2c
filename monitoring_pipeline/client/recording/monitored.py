"""Logging a prediction and its latency around the code that makes it."""

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

Timer = Callable[[], float]
"""Seconds from any point on, never going back."""

system_timer: Timer = time.perf_counter

_latest_id: ContextVar[str | None] = ContextVar("monitoring_pipeline_latest_prediction_id", default=None)


class Log(Protocol):
    """What a prediction is told to when it is finished."""

    def prediction_made(self, prediction: "Prediction") -> None:
        """It can be logged."""

    def prediction_failed(self) -> None:
        """The code that should make it raised."""


@dataclass(kw_only=True)
class Prediction:
    """A prediction in the making: a ``with`` block that sets ``value``, and with :meth:`set` what else it learns.

    It is logged at the end of the block, with its latency. A block that raises made no prediction, and its error goes
    on to the caller.

    Args:
        log: where it is logged.
        timer: measures the latency.
        prediction_id: names it, so that the truth can follow.
        fields: of the event, by the names of :meth:`.MonitorClient.log_prediction`.
        value: what was predicted.
        fault: what code of the caller raised that only describes the prediction; it is reported, never raised.
    """

    log: Log = field(repr=False)
    timer: Timer = field(repr=False)
    prediction_id: str
    fields: dict[str, Any] = field(repr=False)
    value: object = field(default=None, repr=False)
    fault: Exception | None = field(default=None, repr=False)

    def set(self, **fields: object) -> None:
        """Add fields that are known only now, such as ``prediction_proba`` or a segment."""
        self.fields.update(fields)

    def describe(self, name: str, read: Callable[[], object]) -> None:
        """Set an attribute by code of the caller's, whose failure must not become the service's; ``None`` sets none."""
        try:
            found = read()
        except Exception as error:  # noqa: BLE001  (whatever it is, it is counted and told when the block ends)
            self.fault = error
            return
        if found is not None:
            setattr(self, name, found)

    def __enter__(self) -> Self:
        _latest_id.set(str(self.prediction_id))
        self._begun_seconds = self.timer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.log.prediction_failed()
            return
        self.fields.setdefault("latency_ms", (self.timer() - self._begun_seconds) * 1_000)
        self.log.prediction_made(self)

    @property
    def features(self) -> object:
        """The inputs by name."""
        return self.fields.get("features")

    @features.setter
    def features(self, features: object) -> None:
        self.fields["features"] = features


def latest_prediction_id() -> str | None:
    """The id of the prediction that this thread or task began last."""
    return _latest_id.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How calls of a function become predictions.

    Args:
        begin: makes a new prediction.
        value: what was predicted, from what the function returned.
        features: the inputs, from the function's arguments.
        prediction_id: the id, from the function's arguments.
    """

    begin: Callable[[], Prediction]
    value: Callable[[Any], object]
    features: Callable[..., object] | None
    prediction_id: Callable[..., object] | None

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose calls are logged."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self._prediction(args, kwargs) as prediction:
                    returned = await function(*args, **kwargs)
                    self._note_value(prediction, returned)
                return returned

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self._prediction(args, kwargs) as prediction:
                returned = function(*args, **kwargs)
                self._note_value(prediction, returned)
            return returned

        return called

    def _prediction(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Prediction:
        prediction = self.begin()
        for name, read in (("features", self.features), ("prediction_id", self.prediction_id)):
            if read is not None:
                prediction.describe(name, functools.partial(read, *args, **kwargs))
        return prediction

    def _note_value(self, prediction: Prediction, returned: object) -> None:
        prediction.describe("value", functools.partial(self.value, returned))
