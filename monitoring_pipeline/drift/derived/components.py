"""The directions in which rows mostly vary, and how far a row lies off them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.content import joined_keys, number_keys
from monitoring_pipeline.drift.derived.threads import one_thread

KEPT_VARIANCE = 0.65
"""Share of the variance that the kept directions explain at least; what they leave is where broken ties show."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Components:
    """Principal components.

    Attributes:
        mean: of each column.
        axes: kept directions × columns, orthonormal; fewer than there are columns, as else no row lies off them.
    """

    mean: Floats
    axes: Floats

    @classmethod
    def fit(cls, matrix: Floats) -> Self:
        """Learn from rows × columns, finite and of moderate size; at least one row."""
        mean = matrix.mean(axis=0)
        if np.all(matrix == matrix[:1]):
            return cls(mean=matrix[0], axes=np.empty((0, matrix.shape[1])))
        with one_thread():
            from sklearn.decomposition import PCA  # 1 s to import, seldom used  # noqa: PLC0415

            solver = "covariance_eigh" if matrix.shape[0] >= matrix.shape[1] else "full"
            pca = PCA(svd_solver=solver).fit(matrix)
        explained = np.cumsum(pca.explained_variance_ratio_)
        kept = int(np.searchsorted(explained, KEPT_VARIANCE)) + 1
        return cls(mean=mean, axes=np.asarray(pca.components_[: min(kept, matrix.shape[1] - 1)], dtype=np.float64))

    def errors(self, matrix: Floats) -> Floats:
        """The Euclidean distance of each row from its nearest point on the kept directions."""
        # A product's last digits depend on where a row stands; in the order of content each has its place.
        order = np.argsort(joined_keys(map(number_keys, matrix.T), matrix.shape[0]), kind="stable")
        centred = matrix[order] - self.mean
        with one_thread():
            off = centred - centred @ self.axes.T @ self.axes
        errors = np.empty(matrix.shape[0])
        errors[order] = np.sqrt(np.einsum("ij,ij->i", off, off))
        return errors
