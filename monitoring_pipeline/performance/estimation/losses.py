"""How large a model's errors are to be expected, learned from the features and from what the model said.

Gradient-boosted trees on the loss with the Poisson deviance: its mean is right whatever the spread, and it is never
negative. How far a day's mean loss strays from the expected one is measured on days that were held out, in blocks
of neighbouring days, so that what days have in common (a storm of three days) is not learned from itself.

Source: the residual per day as the unit of uncertainty: D. Roberts et al., "Cross-validation strategies for data with
temporal, spatial, hierarchical, or phylogenetic structure", 2017.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self

import numpy as np

from monitoring_pipeline.performance.intervals import CONFIDENCE
from monitoring_pipeline.performance.rows.grouping import Floats, Integers
from monitoring_pipeline.performance.values import Interval

FOLDS = 5
SEED = 20130617  # of the trees' binning, where the rows are many; without early stopping nothing else is drawn
TREES: dict[str, Any] = {
    "loss": "poisson",
    "max_iter": 60,
    "learning_rate": 0.1,
    "max_leaf_nodes": 15,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "random_state": SEED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LossEstimator:
    """The expected loss of a row, and how far a day's mean strays from it.

    Attributes:
        trees: a fitted regressor; ``None`` if no row of the history lost anything.
        scale: unit of the trees' answers.
        day_variance: variance of (mean loss / mean expected loss) that a day's rows have in common.
        row_variance: variance of one row's loss, in squares of its expected loss.
        day_count: days that this was measured on.
    """

    trees: Any  # sklearn.ensemble.HistGradientBoostingRegressor
    scale: float
    day_variance: float
    row_variance: float
    day_count: int

    @classmethod
    def learn(cls, inputs: Floats, losses: Floats, days: Integers, *, categorical: Sequence[bool]) -> Self:
        """From labelled rows.

        Args:
            inputs: rows × columns, NaN where missing.
            losses: finite and at least 0.
            days: the day of each row; at least two different ones.
            categorical: which columns hold codes.
        """
        largest = float(losses.max())
        day_count = len(np.unique(days))
        if largest == 0:
            return cls(trees=None, scale=0.0, day_variance=0.0, row_variance=0.0, day_count=day_count)
        scale = largest * float((losses / largest).mean())
        relative = losses / scale
        with _one_thread():
            expected = np.empty(len(relative))
            for held_out in _folds(days):
                expected[held_out] = _fit(inputs[~held_out], relative[~held_out], categorical).predict(inputs[held_out])
            trees = _fit(inputs, relative, categorical)
        day_variance, row_variance = _variances(relative, expected, days)
        return cls(trees=trees, scale=scale, day_variance=day_variance, row_variance=row_variance, day_count=day_count)

    def expected(self, inputs: Floats) -> Floats:
        """The expected loss of each row."""
        if self.trees is None or not len(inputs):
            return np.zeros(len(inputs))
        with _one_thread():
            expected: Floats = self.trees.predict(inputs) * self.scale
        return expected

    def interval(self, expected: Floats) -> Interval | None:
        """Bounds of the total loss of rows of one new day, by their expected losses.

        Log-normal with the mean Σ expected and the relative variance σ²_day (1 + 1 / days) + σ²_row Σ e² / (Σ e)²,
        with Student's t of days - 1 degrees of freedom. ``None`` if the history never lost anything: no loss was seen,
        so nothing says how large one would be.
        """
        total = float(expected.sum())
        if not total > 0 or not math.isfinite(total):
            return None
        concentration = float(((expected / total) ** 2).sum())
        variance = self.day_variance * (1 + 1 / self.day_count) + self.row_variance * concentration
        # Imported late, as in the intervals of measured metrics.
        from scipy.special import stdtrit  # noqa: PLC0415 - as in .intervals

        spread = math.sqrt(math.log1p(variance))
        reach = spread * float(stdtrit(self.day_count - 1, (1 + CONFIDENCE) / 2))
        median = total * math.exp(-spread * spread / 2)
        return Interval(lower=min(median * math.exp(-reach), total), upper=max(median * math.exp(reach), total))


def _folds(days: Integers) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    present = np.unique(days)
    return [np.isin(days, block) for block in np.array_split(present, min(FOLDS, len(present)))]


def _fit(inputs: Floats, relative: Floats, categorical: Sequence[bool]) -> Any:
    # 1 s to import, and only needed when the losses of a regression are estimated.
    from sklearn.dummy import DummyRegressor  # noqa: PLC0415 - 1 s to import
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - as above

    if not relative.any():  # the Poisson deviance needs a loss; these rows expect none
        return DummyRegressor(strategy="constant", constant=0.0).fit(inputs, relative)
    return HistGradientBoostingRegressor(
        categorical_features=list(categorical), min_samples_leaf=max(20, len(relative) // 200), **TREES
    ).fit(inputs, relative)


def _variances(relative: Floats, expected: Floats, days: Integers) -> tuple[float, float]:
    """The variance between days and that between rows of a day, by moments, both relative to what was expected."""
    _, codes = np.unique(days, return_inverse=True)
    lost, foretold = np.bincount(codes, weights=relative), np.bincount(codes, weights=expected)
    used = foretold > 0
    ratio = np.divide(lost, foretold, out=np.ones(len(lost)), where=used)
    squares = np.bincount(codes, weights=expected * expected)
    row_variance = float(((relative - ratio[codes] * expected) ** 2).sum()) / max(float(squares.sum()), 1e-300)
    by_chance = row_variance * np.divide(squares, foretold**2, out=np.zeros(len(lost)), where=used)
    excess = float(((ratio - 1) ** 2 - by_chance)[used].mean()) if used.any() else 0.0
    return max(excess, 0.0), row_variance


def _one_thread() -> AbstractContextManager[object]:
    # On a busy machine the threads spin while they wait for each other. The limit holds for libraries that are
    # loaded already, so scikit-learn is imported before; its companion threadpoolctl comes with it.
    import_module("sklearn.ensemble")
    limits: AbstractContextManager[object] = import_module("threadpoolctl").threadpool_limits(limits=1)
    return limits
