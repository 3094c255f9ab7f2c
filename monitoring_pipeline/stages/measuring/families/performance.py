"""The family ``performance``: predictions judged by their truth, as the model's task asks."""

from collections.abc import Callable

import orjson
import pyarrow as pa

from monitoring_pipeline.config.models import Model, Task
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.ranking.rows import ranking_sums
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.rows.columns import probability_of_actual
from monitoring_pipeline.stages.measuring.families.family import Compute, Family, floats, is_known, numbered_queries
from monitoring_pipeline.stages.measuring.groups import PERFORMANCE

Bound = tuple[str, Callable[[pa.Table], Compute]]
"""What the sums are measured as, and the function that binds a table's columns."""


def performance(model: Model) -> Family:
    """The family of a model's task."""
    measured_as, bind = _TASKS[model.task](model)
    return Family(name=PERFORMANCE, kind=model.task.value, measured_as=measured_as, judges=True, bind=bind)


def _regression(model: Model) -> Bound:
    def bind(table: pa.Table) -> Compute:
        predicted, actual, labelled = floats(table, "predicted_value"), floats(table, "actual_value"), is_known(table)
        return lambda g: regression_sums(
            g.codes, len(g.keys), predicted=predicted, actual=actual, labelled=labelled, quantile=model.quantile
        )

    return "regression" if model.quantile is None else f"regression, quantile {model.quantile!r}", bind


def _binary(model: Model) -> Bound:
    def bind(table: pa.Table) -> Compute:
        predicted, actual, labelled = floats(table, "predicted_value"), floats(table, "actual_value"), is_known(table)
        proba = floats(table, "prediction_proba")
        return lambda g: binary_sums(
            g.codes,
            len(g.keys),
            predicted=predicted,
            actual=actual,
            proba=proba,
            threshold=model.threshold,
            labelled=labelled,
        )

    return f"binary at {model.threshold!r}", bind


def _multiclass(_model: Model) -> Bound:
    def bind(table: pa.Table) -> Compute:
        said, true, labelled = table["predicted_class"].to_pylist(), table["actual_class"].to_pylist(), is_known(table)
        probabilities = [orjson.loads(text) if text else None for text in table["probabilities"].to_pylist()]
        of_actual = probability_of_actual(true, probabilities)
        return lambda g: multiclass_sums(
            g.codes, len(g.keys), predicted=said, actual=true, actual_probability=of_actual, labelled=labelled
        )

    return "multiclass", bind


def _ranking(model: Model) -> Bound:
    def bind(table: pa.Table) -> Compute:
        predicted, actual, labelled = floats(table, "predicted_value"), floats(table, "actual_value"), is_known(table)
        query = [None if number < 0 else str(number) for number in numbered_queries(table).tolist()]
        prediction_ids = table["prediction_id"].to_pylist()
        return lambda g: ranking_sums(
            g.codes,
            len(g.keys),
            predicted=predicted,
            actual=actual,
            query=query,
            k=model.top_k,
            tie_breaker=prediction_ids,
            labelled=labelled,
        )

    return f"ranking of {model.query}, top {model.top_k}", bind


_TASKS: dict[Task, Callable[[Model], Bound]] = {
    Task.REGRESSION: _regression,
    Task.BINARY: _binary,
    Task.MULTICLASS: _multiclass,
    Task.RANKING: _ranking,
}
