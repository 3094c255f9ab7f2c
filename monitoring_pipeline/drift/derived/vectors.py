"""Vectors (embeddings, lists of numbers) as three numeric columns: how far, how odd, in which direction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.components import Components
from monitoring_pipeline.drift.derived.content import Rows, halves, joined_keys, number_keys
from monitoring_pipeline.drift.derived.reasons import UndefinedReason
from monitoring_pipeline.drift.derived.scaling import Scaling
from monitoring_pipeline.drift.derived.vector_rows import as_matrix, commonest_length, numbers_of

SEED = 20130203
FEWEST_FITTED = 10
MOST_FITTED = 2_000  # the cost of the axes grows with rows × dimensions²; the axes that matter are known long before

NAMES = ("distance", "reconstruction_error", "cosine")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorReference:
    """Where the vectors of a reference lie, learned from one half of them and measured on the other.

    The columns, all of a single vector, are

    - ``distance``: Euclidean, from the centre, each dimension scaled (see :mod:`.scaling`);
    - ``reconstruction_error``: distance of the scaled vector from the principal components that explain 65 % of the
      variance: large where dimensions no longer go together as they did;
    - ``cosine``: between the vector as it is and the mean of the learned ones, in [-1, 1]; 0 for a zero vector.

    It cannot see: a move along the kept components that leaves the distance alone, such as from one cluster to
    another at the other side of the centre; a dimension's values beyond five deviations.

    Attributes:
        dimension: numbers per vector: the commonest length in the reference, of equally common ones the shortest. A
            vector of another length, or with anything but finite numbers, is missing.
        reference_rows: which of the reference's vectors were measured, as positions in the sequence given.
        reference_columns: the columns of these rows: what a window's columns are compared with.
        undefined: why all columns are missing everywhere; ``None`` if they are not.

    Source: Jackson & Mudholkar (1979), "Control procedures for residuals associated with principal component analysis".
    """

    dimension: int
    reference_rows: Rows
    reference_columns: dict[str, Floats]
    undefined: UndefinedReason | None
    _shape: "_Shape | None"
    _content_id: str

    @classmethod
    def fit(cls, vectors: Sequence[object], seed: int = SEED) -> Self:
        """Prepare a reference from lists, tuples or arrays of numbers. The order of the vectors does not matter.

        >>> generator = np.random.default_rng(1)
        >>> reference = VectorReference.fit(generator.normal(size=(100, 4)).tolist())
        >>> distances = reference.columns([[0.1, 0.0, 0.2, 0.0], [9, 9, 9, 9], [1.0], "none"])["distance"]
        >>> [round(float(distance)) for distance in distances[:2]], np.isnan(distances[2:]).tolist()
        ([1, 10], [True, True])
        """
        parsed = [numbers_of(vector) for vector in vectors]
        dimension = commonest_length(parsed)
        matrix = as_matrix(parsed, dimension)
        keys = joined_keys(map(number_keys, matrix.T), len(matrix))
        fitted, rest = halves(keys, seed=seed, most_fitted=MOST_FITTED)
        learned = matrix[fitted][~np.isnan(matrix[fitted]).any(axis=1)]
        undefined = UndefinedReason.TOO_FEW_ROWS if len(learned) < FEWEST_FITTED or dimension == 0 else None
        shape = None if undefined else _Shape.learn(learned)
        return cls(
            dimension=dimension,
            reference_rows=rest,
            reference_columns=_columns(shape, matrix[rest]),
            undefined=undefined,
            _shape=shape,
            _content_id=_content_id(matrix[np.argsort(keys, kind="stable")], seed),
        )

    def columns(self, vectors: Sequence[object]) -> dict[str, Floats]:
        """``distance``, ``reconstruction_error`` and ``cosine`` of each vector; NaN where it is missing."""
        return _columns(self._shape, as_matrix([numbers_of(vector) for vector in vectors], self.dimension))

    def content_id(self) -> str:
        """SHA-256 (hex) of the vectors and the seed: equal for equal vectors, whatever their order."""
        return self._content_id


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """The centre, the scale and the axes."""

    scaling: Scaling
    components: Components
    direction: Floats

    @classmethod
    def learn(cls, matrix: Floats) -> Self:
        scaling = Scaling.fit(matrix)
        largest = float(np.max(np.abs(matrix))) or 1.0  # with it the mean stays finite
        return cls(
            scaling=scaling,
            components=Components.fit(scaling.apply(matrix)),
            direction=_unit((matrix / largest).mean(axis=0, keepdims=True))[0],
        )

    def columns(self, matrix: Floats) -> tuple[Floats, Floats, Floats]:
        scaled = self.scaling.apply(matrix)
        cosine = np.einsum("ij,j->i", _unit(matrix), self.direction)
        distance = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
        return distance, self.components.errors(scaled), np.clip(cosine, -1.0, 1.0)


def _unit(matrix: Floats) -> Floats:
    """Each row at length 1; a zero row stays zero."""
    largest = np.max(np.abs(matrix), axis=1, keepdims=True)
    bounded = np.divide(matrix, largest, out=np.zeros_like(matrix), where=largest > 0)
    norm = np.sqrt(np.einsum("ij,ij->i", bounded, bounded))[:, None]
    unit: Floats = np.divide(bounded, norm, out=np.zeros_like(matrix), where=norm > 0)
    return unit


def _columns(shape: _Shape | None, matrix: Floats) -> dict[str, Floats]:
    columns = {name: np.full(len(matrix), np.nan) for name in NAMES}
    present = ~np.isnan(matrix).any(axis=1)
    if shape is not None and present.any():
        for name, values in zip(NAMES, shape.columns(matrix[present]), strict=True):
            columns[name][present] = values
    return columns


def _content_id(ordered: Floats, seed: int) -> str:
    digest = hashlib.sha256(f"drift-reference-1\0vector\0{seed}\0{ordered.shape}\0".encode())
    digest.update(np.where(np.isnan(ordered), np.nan, ordered).astype("<f8").tobytes())
    return digest.hexdigest()
