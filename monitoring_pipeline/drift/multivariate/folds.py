"""Trees that learn to tell two samples apart on all folds but one, judged on that one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.threads import one_thread
from monitoring_pipeline.drift.multivariate.rank_noise import area_and_ties
from monitoring_pipeline.drift.multivariate.samples import Samples

FOLDS = 5

# Small trees, few of them: what they would learn beyond that, a window of some thousand rows does not hold.
_TREES: dict[str, Any] = {"max_iter": 40, "learning_rate": 0.1, "max_leaf_nodes": 8, "early_stopping": False}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """What one held-out fold shows.

    Attributes:
        auc: area under the curve: the share of pairs in which the window's row scores higher.
        tied: what ties leave of the area's variance, in [0, 1].
        drops: by how much the area falls when a feature's values are shuffled, one per feature.
    """

    auc: float
    tied: float
    drops: Floats


def judge_fold(samples: Samples, fold: int, seed: int) -> Fold:
    """Fit trees on the other folds and see how well they tell this one's rows apart."""
    held_out = samples.folds == fold
    is_window, rows = samples.is_window[held_out], samples.matrix[held_out]
    with one_thread():
        from sklearn.ensemble import HistGradientBoostingClassifier  # 1 s to import, seldom used  # noqa: PLC0415

        trees = HistGradientBoostingClassifier(categorical_features=list(samples.categorical), random_state=0, **_TREES)
        trees.fit(samples.matrix[~held_out], samples.is_window[~held_out])

        def area(matrix: Floats) -> tuple[float, float]:
            scores = np.asarray(trees.decision_function(matrix), dtype=np.float64)
            return area_and_ties(scores[~is_window], scores[is_window])

        auc, tied = area(rows)
        drops = [
            auc - area(shuffled)[0] for shuffled in _each_feature_shuffled(rows, np.random.default_rng([seed, fold]))
        ]
    return Fold(auc=auc, tied=tied, drops=np.array(drops))


def _each_feature_shuffled(rows: Floats, generator: np.random.Generator) -> Iterator[Floats]:
    for feature in range(rows.shape[1]):
        shuffled = rows.copy()
        shuffled[:, feature] = generator.permutation(rows[:, feature])
        yield shuffled
