"""A record becomes an event, or is rejected for the first thing that is wrong with it.

Which extra fields a prediction may carry: of a model that the config declares, those that it gives a meaning
(segments, query, resources, business fields) and nothing else, so a misspelt field is found; of an undeclared model any
scalar, since nobody said what is right. An actual carries no extras: there is nothing they could mean. What a declared
model predicts, and its declared features, must be of the declared kind (see :mod:`.outcomes` and :mod:`.typed`).

These functions run once per event at tens of thousands of events per second, which is why the common case is
written out flat and the thorough checks of :mod:`.checks` are called only for what is not plainly right.
"""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Self, TypeVar

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.schema import (
    DEFAULT_ENVIRONMENT,
    DEFAULT_VERSION,
    FUTURE_TOLERANCE_MICROS,
    MAX_TEXT_CHARS,
    PREDICTION_FIELDS,
    Actual,
    Prediction,
)
from monitoring_pipeline.events.validation import checks, objects
from monitoring_pipeline.events.validation.extras import extras_of, refuse_extras
from monitoring_pipeline.events.validation.instants import parse_instant
from monitoring_pipeline.events.validation.outcomes import OutcomeCheck, outcome_checks
from monitoring_pipeline.events.validation.typed import TypedFeatures, as_declared, typed_features
from monitoring_pipeline.windows import isoformat

Record = Mapping[str, object]
T = TypeVar("T")

# A source with a new model id or version in every row must not fill the memory with remembered ones.
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelRules:
    """What one model's events must obey; ``extras`` is ``None`` where any is allowed."""

    extras: frozenset[str] | None
    predicted: OutcomeCheck
    actual: OutcomeCheck
    features: TypedFeatures


class Validator:
    """Checks records against a config and an instant; threads may share it.

    Args:
        config: names the declared models, their tasks and segments.
        now: microseconds UTC; stamps beyond it are refused.
    """

    def __init__(self, config: MonitoringConfig, *, now: int) -> None:
        self._now = now
        self._config = config
        self._rules: dict[str, _ModelRules] = {}
        self._labels = {DEFAULT_VERSION, DEFAULT_ENVIRONMENT}  # versions and environments already found good

    def at(self, now: int) -> Self:
        """One for another instant, which shares what was learnt of models, versions and environments."""
        other = copy(self)
        other._now = now  # noqa: SLF001  (its own class)
        return other

    def prediction(self, record: Record) -> tuple[Prediction, Actual | None]:
        """The prediction, and the actual that it carries.

        Raises:
            Rejected: for the first fault found.
        """
        get = record.get
        model_id, rules = self._model(record)
        prediction_id = _prediction_id(record)
        extras = None if record.keys() <= PREDICTION_FIELDS else extras_of(record, declared=rules.extras)
        predicted_at = self._event_time(_required(record, "timestamp"))
        value, label = rules.predicted(_required(record, "predicted_value"), "predicted_value")
        received_at = self._knowledge_time(get("received_at"))
        features = get("features")
        prediction = Prediction(
            model_id,
            prediction_id,
            predicted_at,
            self._label(get("model_version"), "model_version", DEFAULT_VERSION),
            self._label(get("environment"), "environment", DEFAULT_ENVIRONMENT),
            value,
            label,
            _optional(get("prediction_proba"), "prediction_proba", checks.ratio),
            _optional(get("probabilities"), "probabilities", objects.probabilities),
            _optional(get("confidence"), "confidence", checks.ratio),
            _optional(get("latency_ms"), "latency_ms", checks.not_negative),
            _optional(get("entity_id"), "entity_id", checks.text),
            "{}" if features is None else _features(features, rules.features),
            extras,
            received_at,
        )
        if get("actual_value") is None:
            return prediction, None
        truth, truth_label = rules.actual(record["actual_value"], "actual_value")
        return prediction, Actual(model_id, prediction_id, truth, truth_label, predicted_at, received_at)

    def actual(self, record: Record) -> Actual:
        """The actual, or the retraction; its optional ``timestamp`` is when the truth, or its want, was observed.

        Raises:
            Rejected: for the first fault found.
        """
        model_id, rules = self._model(record)
        prediction_id = _prediction_id(record)
        refuse_extras(record)
        if record.get("retracted") is not None and _retracts(record):
            value, label = None, None
        else:
            value, label = rules.actual(_required(record, "actual_value"), "actual_value")
        stamp = record.get("timestamp")
        observed_at = None if stamp is None else self._event_time(stamp)
        received_at = self._knowledge_time(record.get("received_at"))
        return Actual(model_id, prediction_id, value, label, observed_at, received_at)

    def _model(self, record: Record) -> tuple[str, _ModelRules]:
        value = record.get("model_id")
        if type(value) is str and (known := self._rules.get(value)) is not None:
            return value, known
        model_id = checks.text(_required(record, "model_id"), field="model_id")
        _bound(self._rules)
        rules = self._rules[model_id] = self._rules_of(model_id)
        return model_id, rules

    def _rules_of(self, model_id: str) -> _ModelRules:
        model = self._config.model(model_id)
        predicted, actual = outcome_checks(model)
        extras = None if model is None else frozenset(model.extra_fields)
        return _ModelRules(extras=extras, predicted=predicted, actual=actual, features=typed_features(model))

    def _event_time(self, stamp: object) -> int:
        instant = parse_instant(stamp, field="timestamp")
        if instant > self._now + FUTURE_TOLERANCE_MICROS:
            raise _future("timestamp", instant, self._now)
        return instant

    def _knowledge_time(self, stamp: object) -> int | None:
        if stamp is None:
            return None
        instant = parse_instant(stamp, field="received_at")
        if instant > self._now:
            raise _future("received_at", instant, self._now)
        return instant

    def _label(self, value: object, field: str, default: str) -> str:
        if value is None:
            return default
        if type(value) is str and value in self._labels:
            return value
        label = checks.text(value, field=field)
        _bound(self._labels)
        self._labels.add(label)
        return label


def _prediction_id(record: Record) -> str:
    value = record.get("prediction_id")
    if (
        type(value) is str
        and value.isascii()
        and value.isprintable()
        and value[:1] > " "
        and len(value) <= MAX_TEXT_CHARS
    ):
        return value
    return checks.text(_required(record, "prediction_id"), field="prediction_id")


def _required(record: Record, field: str) -> object:
    value = record.get(field)
    if value is None and field not in record:
        raise Rejected(QuarantineReason.MISSING_FIELD, field, f"the row has no {field}")
    if value is None:
        raise Rejected(QuarantineReason.MISSING_VALUE, field, f"{field} is null; it must have a value")
    return value


def _retracts(record: Record) -> bool:
    retracted = checks.boolean(record["retracted"], field="retracted")
    if retracted and record.get("actual_value") is not None:
        found = "the row has an actual_value and retracted true; write the new value alone, or retracted without one"
        raise Rejected(QuarantineReason.CONTRADICTION, "retracted", found)
    return retracted


def _features(value: object, typed: TypedFeatures) -> str:
    found = as_declared(objects.as_object(value, field="features"), typed) if typed else value
    return objects.canonical(found, field="features")


def _optional(value: object, field: str, check: Callable[..., T]) -> T | None:
    return None if value is None else check(value, field=field)


def _future(field: str, instant: int, now: int) -> Rejected:
    found = f"{field} {isoformat(instant)} is in the future; it is now {isoformat(now)}"
    return Rejected(QuarantineReason.FUTURE_TIMESTAMP, field, found)


def _bound(remembered: dict[str, _ModelRules] | set[str]) -> None:
    if len(remembered) >= _MAX_REMEMBERED:
        remembered.clear()
