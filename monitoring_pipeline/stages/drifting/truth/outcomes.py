"""Which rows are labelled, and by how much the model missed each, as its task asks.

A row whose truth or prediction is of the wrong kind is as good as unlabelled here, as it is for performance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.drift.arrays import Booleans, Floats
from monitoring_pipeline.drift.verdict import DriftType
from monitoring_pipeline.stages.drifting.subjects import Form, Subject
from monitoring_pipeline.stages.drifting.values import column_of, numbers

ACTUAL = "(actual)"
"""What results call the truth."""

NUMBER_COLUMNS = ("predicted_value", "prediction_proba", "actual_value")
CLASS_COLUMNS = ("predicted_class", "actual_class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How rows of one task are read.

    Attributes:
        actual: where the truth is, and how it is read.
        is_labelled: the rows that can be compared with their truth.
        errors: by how much each labelled row was missed, truth less prediction; ``None`` where rows alone have none.
        misses: what detectors read of each, for a threshold: 1 for a wrong answer, or the size of the error.
        binary: whether misses are 0 and 1.
    """

    actual: Subject
    is_labelled: Callable[[pa.Table], Booleans]
    errors: Callable[[pa.Table], Floats] | None
    misses: Callable[[pa.Table, float], Floats]
    binary: bool


def outcomes_of(task: Task) -> Outcomes:
    """How rows of a task are read."""
    return _OUTCOMES[task]


def scores(rows: pa.Table) -> Floats:
    """What a yes/no model says of each row: its probability, or its answer where it gives none."""
    probability = _numbers(rows, "prediction_proba")
    said: Floats = np.where(np.isnan(probability), _numbers(rows, "predicted_value"), probability)
    return said


def _numbers(rows: pa.Table, name: str) -> Floats:
    return numbers(column_of(rows, name))


def _subject(form: Form, column: str) -> Subject:
    return Subject(name=ACTUAL, drift_type=DriftType.LABEL, form=form, column=column, file_column=column)


def _are_finite(rows: pa.Table) -> Booleans:
    finite: Booleans = np.isfinite(_numbers(rows, "predicted_value")) & np.isfinite(_numbers(rows, "actual_value"))
    return finite


def _differences(rows: pa.Table) -> Floats:
    with np.errstate(over="ignore"):  # what overflows is counted as a very large error
        differences: Floats = _numbers(rows, "actual_value") - _numbers(rows, "predicted_value")
    return differences


def _sizes(rows: pa.Table, _threshold: float) -> Floats:
    return np.abs(_differences(rows))


def _are_yes_or_no(rows: pa.Table) -> Booleans:
    actual, said = _numbers(rows, "actual_value"), scores(rows)
    scored = ~np.isnan(_numbers(rows, "prediction_proba"))
    usable: Booleans = np.isin(actual, (0.0, 1.0)) & np.where(scored, (said >= 0) & (said <= 1), np.isin(said, (0, 1)))
    return usable


def _surprises(rows: pa.Table) -> Floats:
    surprises: Floats = _numbers(rows, "actual_value") - scores(rows)
    return surprises


def _wrong_answers(rows: pa.Table, threshold: float) -> Floats:
    probability = _numbers(rows, "prediction_proba")
    said = np.where(np.isnan(probability), _numbers(rows, "predicted_value"), probability >= threshold)
    wrong: Floats = (said != _numbers(rows, "actual_value")).astype(np.float64)
    return wrong


def _have_classes(rows: pa.Table) -> Booleans:
    valid: Booleans = rows["predicted_class"].is_valid().to_numpy() & rows["actual_class"].is_valid().to_numpy()
    return valid


def _wrong_classes(rows: pa.Table, _threshold: float = 0.0) -> Floats:
    said, true = rows["predicted_class"].to_pylist(), rows["actual_class"].to_pylist()
    return np.array([a != b for a, b in zip(said, true, strict=True)], dtype=np.float64)


_OUTCOMES = {
    Task.REGRESSION: Outcomes(
        actual=_subject(Form.NUMERIC, "actual_value"),
        is_labelled=_are_finite,
        errors=_differences,
        misses=_sizes,
        binary=False,
    ),
    Task.BINARY: Outcomes(
        actual=_subject(Form.CATEGORICAL, "actual_value"),
        is_labelled=_are_yes_or_no,
        errors=_surprises,
        misses=_wrong_answers,
        binary=True,
    ),
    Task.MULTICLASS: Outcomes(
        actual=_subject(Form.CATEGORICAL, "actual_class"),
        is_labelled=_have_classes,
        errors=_wrong_classes,
        misses=_wrong_classes,
        binary=True,
    ),
    # A score and a relevance have no common unit: the truth alone can be compared.
    Task.RANKING: Outcomes(
        actual=_subject(Form.NUMERIC, "actual_value"),
        is_labelled=_are_finite,
        errors=None,
        misses=_sizes,
        binary=False,
    ),
}
