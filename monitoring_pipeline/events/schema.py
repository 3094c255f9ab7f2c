"""The fields of an event, and the rows that accepted events become.

A prediction's fields are ``timestamp``, ``model_id``, ``prediction_id``, ``predicted_value`` and the optional
ones below; an actual's are ``model_id``, ``prediction_id`` and either ``actual_value`` or ``retracted``. Any other
field of a prediction is an *extra*: a segment or business field (see :mod:`.validate` for which extras a model may
carry).
"""

from enum import StrEnum
from typing import NamedTuple

from monitoring_pipeline.windows import SECOND_MICROS

MAX_TEXT_CHARS = 200
"""The longest id, version, environment or class name: two of them fit in one index entry of PostgreSQL."""

MAX_LINE_BYTES = 1_000_000
"""The longest row of a text file."""

FUTURE_TOLERANCE_MICROS = 5 * 60 * SECOND_MICROS
"""Producers' clocks may run this far ahead of ours before a stamp is called "from the future"."""

DEFAULT_VERSION = "unversioned"
DEFAULT_ENVIRONMENT = "production"


class Kind(StrEnum):
    """What an event tells: that a model predicted something, or what turned out to be true."""

    PREDICTIONS = "predictions"
    ACTUALS = "actuals"


PREDICTION_FIELDS = frozenset(
    {
        "timestamp",
        "model_id",
        "prediction_id",
        "features",
        "predicted_value",
        "actual_value",
        "model_version",
        "environment",
        "prediction_proba",
        "probabilities",
        "confidence",
        "latency_ms",
        "entity_id",
        "received_at",
    }
)

ACTUAL_FIELDS = frozenset({"timestamp", "model_id", "prediction_id", "actual_value", "retracted", "received_at"})

NUMERIC_FIELDS = frozenset({"predicted_value", "actual_value", "prediction_proba", "confidence", "latency_ms"})
"""Fields whose text is read as a number in a CSV file, where everything is text."""

FEATURE_PREFIX = "features."
"""A CSV or Parquet column ``features.<name>`` is the feature ``<name>``."""


class Prediction(NamedTuple):
    """One accepted prediction, in the order of the ``predictions`` table's columns.

    A named tuple, not a dataclass, because it is the very row that the database driver takes.
    ``received_at`` is ``None`` unless the event brought its own knowledge time.
    """

    model_id: str
    prediction_id: str
    predicted_at: int
    model_version: str
    environment: str
    predicted_value: float | None
    predicted_class: str | None
    prediction_proba: float | None
    probabilities: str | None
    confidence: float | None
    latency_ms: float | None
    entity_id: str | None
    features: str
    extras: str | None
    received_at: int | None


class Actual(NamedTuple):
    """One accepted actual: a number or a class; a retraction has neither. ``received_at`` as in :class:`Prediction`."""

    model_id: str
    prediction_id: str
    actual_value: float | None
    actual_class: str | None
    observed_at: int | None
    received_at: int | None


class Event(NamedTuple):
    """One valid row of a source: a prediction, an actual, or a prediction that carries its actual."""

    line: int
    prediction: Prediction | None
    actual: Actual | None
    raw: object  # what was received, kept until the row's fate is known
    part: int = 0  # which of the submissions that share a transaction it came with
