"""What predictions are worth."""

from monitoring_pipeline.config.models.base import Strict
from monitoring_pipeline.config.models.segments import SegmentName
from monitoring_pipeline.config.models.task import Task

OUTCOMES_OF_TASK: dict[Task, frozenset[str]] = {
    Task.REGRESSION: frozenset(),
    Task.BINARY: frozenset({"true_positive", "false_positive", "true_negative", "false_negative"}),
    Task.MULTICLASS: frozenset({"correct", "wrong"}),
    Task.RANKING: frozenset({"relevant_shown"}),
}


class ErrorCost(Strict):
    """What one unit of error is worth, by direction: negative numbers are costs."""

    over: float = 0  # per unit predicted too much
    under: float = 0  # per unit predicted too little


class Business(Strict):
    """What predictions are worth, in ``unit`` (money, minutes, …): negative numbers are costs.

    One way for each task. Binary: ``value`` of true_positive, false_positive, true_negative, false_negative.
    Multiclass: ``value`` of ``correct`` and ``wrong``. Regression: ``per_unit_error``.
    """

    unit: str = "USD"
    value: dict[str, float] = {}
    per_unit_error: ErrorCost | None = None
    amount: SegmentName | None = None  # a numeric field of the events that multiplies the value, as an order's price
    baseline: float = 0  # what one prediction would be worth without the model; savings are the difference
    satisfaction: SegmentName | None = None  # a numeric field of the events to correlate the value with
