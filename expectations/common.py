"""Expectations that several datasets share, and the short forms they are written in."""

from typing import Any

from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.quality.engine import great_expectations
from monitoring_pipeline.quality.validate import HOUR_COLUMN

# The largest finite double: "between the two" is how a suite says "finite".
LARGEST = 1.7976931348623157e308


def suite(name: str, expectations: list[Any]) -> Any:
    """A Great Expectations suite."""
    return great_expectations().ExpectationSuite(name=name, expectations=expectations)


def has_rows() -> Any:
    """An empty hour passes everything else, so emptiness is an expectation of its own."""
    return _module().ExpectTableRowCountToBeBetween(
        min_value=1, severity=Severity.WARNING.value, description="the hour has predictions"
    )


def identity() -> list[Any]:
    """Every row is one prediction that can be told from all others and placed in a group."""
    return [
        never_null("prediction_id", Severity.CRITICAL),
        _module().ExpectCompoundColumnsToBeUnique(
            # Within its hour, so that the verdict on an hour does not depend on its neighbours.
            column_list=[HOUR_COLUMN, "prediction_id"],
            ignore_row_if="any_value_is_missing",
            severity=Severity.CRITICAL.value,
            description="prediction_id is unique within its hour",
        ),
        never_null("predicted_at", Severity.CRITICAL),
        never_null("model_version", Severity.CRITICAL),
        never_null("environment", Severity.CRITICAL),
    ]


def never_null(column: str, severity: Severity) -> Any:
    """Every row has a value."""
    return _module().ExpectColumnValuesToNotBeNull(
        column=column, severity=severity.value, description=f"{column} is never null"
    )


def always_null(column: str, severity: Severity) -> Any:
    """No row has a value."""
    return _module().ExpectColumnValuesToBeNull(
        column=column, severity=severity.value, description=f"{column} is always null"
    )


def finite(column: str, severity: Severity) -> Any:
    """No value is infinite; missing values are another expectation's matter."""
    return _module().ExpectColumnValuesToBeBetween(
        column=column,
        min_value=-LARGEST,
        max_value=LARGEST,
        severity=severity.value,
        description=f"{column} is finite",
    )


def between(column: str, severity: Severity, low: float | None, high: float | None) -> Any:
    """Values that are there lie within the bounds, both included."""
    bounds = f"within {low:.15g} and {high:.15g}" if low is not None and high is not None else None
    one_sided = f"at least {low:.15g}" if low is not None else f"at most {high:.15g}"
    return _module().ExpectColumnValuesToBeBetween(
        column=column,
        min_value=low,
        max_value=high,
        severity=severity.value,
        description=f"{column} is {bounds or one_sided}",
    )


def one_of(column: str, severity: Severity, allowed: list[Any], *, named: str) -> Any:
    """Values that are there belong to a set.

    Args:
        column: the column.
        severity: how much a breach matters.
        allowed: the set.
        named: what the set is called; a set from a config may be too long for a sentence.
    """
    return _module().ExpectColumnValuesToBeInSet(
        column=column, value_set=allowed, severity=severity.value, description=f"{column} is {named}"
    )


def not_before(later: str, earlier: str, severity: Severity) -> Any:
    """Where both are there, one instant is not before the other."""
    return _module().ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=later,
        column_B=earlier,
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        severity=severity.value,
        description=f"{later} is not before {earlier}",
    )


def _module() -> Any:
    return great_expectations().expectations
