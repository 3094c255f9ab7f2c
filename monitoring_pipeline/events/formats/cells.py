"""What the text in a CSV cell means.

Where the config says what a column is, it is read as that: declared segments, the query, declared features and the
class names of a declared multiclass model stay text as written (``007`` is not 7), and validation makes numbers of the
features that are declared numbers. Numeric fields (resources and business fields) are numbers. Where nobody said, what
JSON would call a number or a boolean is one, unless digits would be lost: of two long ids that differ in the last digit
a float would make one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.events.formats.columns import fold_features
from monitoring_pipeline.events.schema import FEATURE_PREFIX, NUMERIC_FIELDS, PREDICTION_FIELDS
from monitoring_pipeline.events.validation.checks import NOT_NUMBERS

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MAX_EXACT_INTEGER = 2**53  # up to here a float holds every integer
_SAFE_DIGITS = 15  # a float holds any decimal of so many digits
_OUTCOMES = {"predicted_value", "actual_value"}
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_Reading = Callable[[str], object]


class Cells:
    """Reads the cells of rows with this header.

    Args:
        header: the columns' names.
        config: names the declared models, whose columns have types.
    """

    def __init__(self, header: Sequence[str], config: MonitoringConfig) -> None:
        self._model_place = header.index("model_id") if "model_id" in header else None
        self._undeclared = _columns(header, None)
        self._declared = {model.id: _columns(header, model) for model in config.models}

    def record(self, cells: Sequence[str]) -> Mapping[str, object]:
        """The record of a row, which has as many cells as the header; an empty cell is an absent field."""
        model_id = None if self._model_place is None else cells[self._model_place]
        columns = self._undeclared if model_id is None else self._declared.get(model_id, self._undeclared)
        return fold_features((name, read(cell)) for (name, read), cell in zip(columns, cells, strict=True) if cell)


def _columns(header: Sequence[str], model: Model | None) -> list[tuple[str, _Reading]]:
    return [(name, _reading(name, model)) for name in header]


def _reading(name: str, model: Model | None) -> _Reading:
    if name in NUMERIC_FIELDS:
        is_class = model is not None and model.task is Task.MULTICLASS and name in _OUTCOMES
        return _as_written if is_class else _number
    plain = name.removeprefix(FEATURE_PREFIX)
    if model is not None:
        is_feature = plain != name and plain in model.features
        if plain in model.numeric_fields and not is_feature:
            return _number
        if is_feature or plain in model.extra_fields:
            return _as_written
    return _as_written if name in PREDICTION_FIELDS else _guess


def _as_written(cell: str) -> object:
    return cell


def _number(cell: str) -> object:
    """A number if the text is one (also nan and inf, to be refused as such), else the text: perhaps a class."""
    try:
        return cell if "_" in cell else float(cell)
    except ValueError:
        return cell


def _guess(cell: str) -> object:
    if not _JSON_NUMBER.fullmatch(cell):
        return float(cell) if cell.lower() in NOT_NUMBERS else _WORDS.get(cell, cell)
    if cell.lstrip("-").isdigit():
        whole = int(cell) if len(cell) <= _SAFE_DIGITS + 2 else _MAX_EXACT_INTEGER + 1
        return whole if abs(whole) <= _MAX_EXACT_INTEGER else cell
    return _float(cell)


def _float(cell: str) -> object:
    """The nearest double, if it has the digits that are written: as many of its own as there are here."""
    found = float(cell)
    digits = re.split("[eE]", cell)[0].replace(".", "").lstrip("-0")
    if not digits or (len(digits) <= _SAFE_DIGITS and found):
        return found
    # Also as Python writes it: of a double halfway between two texts it may choose the other one.
    written = {Decimal(f"{found:.{len(digits) - 1}e}"), Decimal(repr(found))}
    return found if Decimal(cell) in written else cell
