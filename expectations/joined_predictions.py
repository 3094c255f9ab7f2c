"""What every hour of ``joined_predictions`` must hold, so that performance can be computed from it."""

from typing import Any

from expectations.common import always_null, between, finite, has_rows, identity, never_null, not_before, one_of, suite
from monitoring_pipeline.config.models import Model, Severity, Task

DATASET = "joined_predictions"


def joined_predictions(model: Model | None = None) -> Any:
    """The suite for one model.

    Args:
        model: its declaration; ``None`` leaves out what depends on the task.

    Returns:
        A Great Expectations suite.
    """
    return suite(
        DATASET,
        [
            has_rows(),
            *identity(),
            *([] if model is None else _of_task(model)),
            between("latency_ms", Severity.WARNING, 0, None),
            # An earlier one is a clock that is wrong, or a label that leaked into the prediction.
            not_before("actual_received_at", "predicted_at", Severity.INFO),
        ],
    )


def _of_task(model: Model) -> list[Any]:
    if model.task is Task.MULTICLASS:
        return _multiclass(model.classes)
    number = [
        never_null("predicted_value", Severity.CRITICAL),
        always_null("predicted_class", Severity.CRITICAL),
        # A class name where a number is due is a label that cannot be used, not a wrong number.
        always_null("actual_class", Severity.WARNING),
    ]
    return [*number, *(_binary() if model.task is Task.BINARY else _regression())]


def _regression() -> list[Any]:
    return [finite("predicted_value", Severity.CRITICAL), finite("actual_value", Severity.CRITICAL)]


def _binary() -> list[Any]:
    return [
        between("predicted_value", Severity.CRITICAL, 0, 1),
        one_of("actual_value", Severity.CRITICAL, [0.0, 1.0], named="0 or 1"),
        between("prediction_proba", Severity.CRITICAL, 0, 1),
    ]


def _multiclass(classes: list[str] | None) -> list[Any]:
    needed = [never_null("predicted_class", Severity.CRITICAL), between("prediction_proba", Severity.CRITICAL, 0, 1)]
    if classes is None:
        return needed
    return [
        *needed,
        one_of("predicted_class", Severity.CRITICAL, classes, named="a declared class"),
        # The world may show a class that the model does not know: worth a look, and a true error of the model.
        one_of("actual_class", Severity.WARNING, classes, named="a declared class"),
    ]
