"""The family ``business``: what predictions were worth, as the model's owners declare it."""

from collections.abc import Callable, Mapping

import pyarrow as pa

from monitoring_pipeline.config.models import Business, ErrorCost, Model, Task
from monitoring_pipeline.performance.business.ranking import ranking_values
from monitoring_pipeline.performance.business.rows import business_sums
from monitoring_pipeline.performance.business.values import binary_values, multiclass_values, regression_values
from monitoring_pipeline.performance.rows.grouping import Floats
from monitoring_pipeline.stages.measuring.families.family import Compute, Family, floats, is_known, numbered_queries
from monitoring_pipeline.stages.rows.columns import NUMERIC_PREFIX

BUSINESS = "business"

ValueOfRows = Callable[[Model, Business, pa.Table, Floats | None], Floats]


def business(model: Model, worth: Business) -> Family:
    """The value of each row with truth."""

    def bind(table: pa.Table) -> Compute:
        amount = None if worth.amount is None else floats(table, NUMERIC_PREFIX + worth.amount)
        satisfaction = None if worth.satisfaction is None else floats(table, NUMERIC_PREFIX + worth.satisfaction)
        value, labelled = _VALUES[model.task](model, worth, table, amount), is_known(table)
        return lambda g: business_sums(
            g.codes,
            len(g.keys),
            value=value,
            labelled=labelled,
            satisfaction=satisfaction,
            baseline=worth.baseline,
        )

    # The unit is a name: another one changes no number.
    settings = worth.model_dump_json(exclude={"unit"})
    measured_as = f"business of {model.task} at {model.threshold!r}, top {model.top_k}: {settings}"
    return Family(name=BUSINESS, kind=BUSINESS, measured_as=measured_as, judges=True, bind=bind)


def _regression(_model: Model, worth: Business, table: pa.Table, amount: Floats | None) -> Floats:
    cost = worth.per_unit_error or ErrorCost()
    predicted, actual = floats(table, "predicted_value"), floats(table, "actual_value")
    return regression_values(predicted=predicted, actual=actual, over=cost.over, under=cost.under, amount=amount)


def _binary(model: Model, worth: Business, table: pa.Table, amount: Floats | None) -> Floats:
    return binary_values(
        predicted=floats(table, "predicted_value"),
        proba=floats(table, "prediction_proba"),
        actual=floats(table, "actual_value"),
        threshold=model.threshold,
        value=worth.value,
        amount=amount,
    )


def _multiclass(_model: Model, worth: Business, table: pa.Table, amount: Floats | None) -> Floats:
    predicted, actual = table["predicted_class"].to_pylist(), table["actual_class"].to_pylist()
    return multiclass_values(predicted=predicted, actual=actual, value=worth.value, amount=amount)


def _ranking(model: Model, worth: Business, table: pa.Table, amount: Floats | None) -> Floats:
    return ranking_values(
        numbered_queries(table),
        score=floats(table, "predicted_value"),
        relevance=floats(table, "actual_value"),
        top_k=model.top_k,
        relevant_shown=worth.value.get("relevant_shown", 0.0),
        amount=amount,
    )


_VALUES: Mapping[Task, ValueOfRows] = {
    Task.REGRESSION: _regression,
    Task.BINARY: _binary,
    Task.MULTICLASS: _multiclass,
    Task.RANKING: _ranking,
}
