"""What every hour of ``logged_predictions`` should hold: whole predictions with inputs as declared."""

from contextlib import suppress
from typing import Any

from expectations.common import between, has_rows, identity, never_null, not_before, one_of, suite
from monitoring_pipeline.config.models import Feature, FeatureType, Model, Severity

DATASET = "logged_predictions"
FEATURE_PREFIX = "f."


def logged_predictions(model: Model | None = None) -> Any:
    """The suite for one model.

    Args:
        model: its declaration; ``None`` leaves out the features.

    Returns:
        A Great Expectations suite.
    """
    features = {} if model is None else model.features
    return suite(
        DATASET,
        [
            has_rows(),
            *identity(),
            between("prediction_proba", Severity.WARNING, 0, 1),
            between("confidence", Severity.WARNING, 0, 1),
            between("latency_ms", Severity.WARNING, 0, None),
            not_before("received_at", "predicted_at", Severity.INFO),
            *(expectation for name, feature in features.items() for expectation in _of_feature(name, feature)),
        ],
    )


def _of_feature(name: str, feature: Feature) -> list[Any]:
    column = FEATURE_PREFIX + name
    numeric = feature.type is FeatureType.NUMERIC
    expectations = [] if feature.nullable else [never_null(column, Severity.WARNING)]
    # Bounds of a feature that is not a number have nothing to compare with.
    if numeric and (feature.min is not None or feature.max is not None):
        expectations.append(between(column, Severity.WARNING, feature.min, feature.max))
    if feature.allowed is not None:
        allowed = _numbers(feature.allowed) if numeric else feature.allowed
        expectations.append(one_of(column, Severity.WARNING, allowed, named="an allowed value"))
    return expectations


def _numbers(allowed: list[str]) -> list[float]:
    """The set as numbers; a member that is no number could never be met by one."""
    numbers = []
    for text in allowed:
        with suppress(ValueError):
            numbers.append(float(text))
    return numbers
