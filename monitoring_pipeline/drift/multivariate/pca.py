"""Reconstruction error: whether a row's inputs go together as they did in the reference."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.components import Components
from monitoring_pipeline.drift.derived.content import Rows, halves
from monitoring_pipeline.drift.derived.reasons import UndefinedReason
from monitoring_pipeline.drift.multivariate.encode import Encoding
from monitoring_pipeline.drift.multivariate.table import Table, content_id, row_count, row_keys, take

SEED = 20130203
FEWEST_FITTED = 10
MOST_FITTED = 20_000
_ROWS_AT_ONCE = 20_000  # bounds memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReconstructionReference:
    """The directions in which a reference's inputs vary together, learned from one half, measured on the other.

    The table is encoded (see :mod:`.encode`), and each row's distance from the principal components that explain 65 %
    of the variance is a numeric column, ``reconstruction_error``, for the ordinary measures. It grows where ties
    between features break, although each feature alone looks as ever.

    It cannot see: changes along the kept directions (all tied features moving together); ties that are not linear;
    a tie so weak that it lies in none of the kept directions.

    Attributes:
        reference_rows: which of the reference's rows were measured, as positions in the table given.
        reference_errors: their reconstruction errors: what a window's are compared with.
        undefined: why all errors are missing; ``None`` if they are not.

    Source: Jackson & Mudholkar (1979), "Control procedures for residuals associated with principal component analysis".
    """

    reference_rows: Rows
    reference_errors: Floats
    undefined: UndefinedReason | None
    _shape: tuple[Encoding, Components] | None
    _content_id: str

    @classmethod
    def fit(cls, table: Table, seed: int = SEED) -> Self:
        """Prepare a reference. The order of its rows does not matter.

        >>> generator = np.random.default_rng(1)
        >>> x = generator.normal(size=1000)
        >>> reference = ReconstructionReference.fit({"x": x, "twice": 2 * x, "minus": -x})
        >>> tied, broken = {"x": 1.0, "twice": 2.0, "minus": -1.0}, {"x": 1.0, "twice": -2.0, "minus": 1.0}
        >>> window = {name: np.array([tied[name], broken[name]]) for name in tied}
        >>> [round(float(error), 1) for error in reference.errors(window)]
        [0.0, 1.7]

        Raises:
            ValueError: if the columns are of different lengths.
        """
        fitted, rest = halves(row_keys(table), seed=seed, most_fitted=MOST_FITTED)
        shape, undefined = _learn(take(table, fitted))
        return cls(
            reference_rows=rest,
            reference_errors=_errors(shape, take(table, rest)),
            undefined=undefined,
            _shape=shape,
            _content_id=content_id(table, seed),
        )

    def errors(self, table: Table) -> Floats:
        """The reconstruction error of each row, in robust standard deviations; NaN if ``undefined``.

        Raises:
            ValueError: if the table lacks a feature of the reference, or holds it in the other kind.
        """
        return _errors(self._shape, table)

    def content_id(self) -> str:
        """SHA-256 (hex) of the table and the seed: equal for equal rows, whatever their order."""
        return self._content_id


def _learn(table: Table) -> tuple[tuple[Encoding, Components] | None, UndefinedReason | None]:
    if row_count(table) < FEWEST_FITTED:
        return None, UndefinedReason.TOO_FEW_ROWS
    encoding = Encoding.fit(table)
    matrix = encoding.encode(table)
    if np.all(matrix == matrix[:1]):
        return None, UndefinedReason.NO_COLUMN_VARIES
    return (encoding, Components.fit(matrix)), None


def _errors(shape: tuple[Encoding, Components] | None, table: Table) -> Floats:
    if shape is None:
        return np.full(row_count(table), np.nan)
    encoding, components = shape
    errors = np.empty(row_count(table))
    ordered = np.argsort(row_keys(table), kind="stable")  # so that the same rows come together whatever their order
    for start in range(0, ordered.size, _ROWS_AT_ONCE):
        rows = ordered[start : start + _ROWS_AT_ONCE]
        errors[rows] = components.errors(encoding.encode(take(table, rows)))
    return errors
