"""What the columns of a group of rows may hold, and the probabilities that a model gave to the truth."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.rows.grouping import Booleans, Floats, Integers

# A probability of 0 for what then happened would cost infinity; scikit-learn's log_loss clips at the same distance.
PROBABILITY_EPSILON = float(np.finfo(np.float64).eps)


def floats(values: npt.ArrayLike) -> Floats:
    """As doubles; None becomes NaN."""
    return np.asarray(values, dtype=np.float64)


def is_yes_or_no(values: Floats) -> Booleans:
    """Exactly 0 or 1; NaN is neither."""
    return np.logical_or(np.equal(values, 0), np.equal(values, 1))


def is_probability(values: Floats) -> Booleans:
    """Within 0 … 1; NaN is not."""
    return np.logical_and(values >= 0, values <= 1)


def is_text(values: npt.NDArray[np.object_]) -> Booleans:
    """A class name; None and NaN are not."""
    return np.fromiter((isinstance(value, str) for value in values), dtype=np.bool_, count=len(values))


def log_score(probability_of_truth: Floats) -> Floats:
    """-ln of the probability given to what happened, clipped away from 0 and 1."""
    clipped = np.clip(probability_of_truth, PROBABILITY_EPSILON, 1 - PROBABILITY_EPSILON)
    # Not np.log: its vector code may differ in the last bit from what it does with a remainder of rows.
    return np.fromiter((-math.log(p) for p in clipped.tolist()), dtype=np.float64, count=len(clipped))


def probability_of_actual(actual: Sequence[str | None], probabilities: Sequence[Mapping[str, float] | None]) -> Floats:
    """What each row's model gave to the class that then happened.

    Args:
        actual: class names; None where the truth has not arrived.
        probabilities: class → probability; None where the model logged none.

    Returns:
        NaN without truth or probabilities; 0.0 for a class that the model did not name.

    >>> probability_of_actual(["cat", "dog", None], [{"cat": 0.7, "cow": 0.3}, {"cat": 1.0}, {"cat": 1.0}])
    array([0.7, 0. , nan])
    """
    pairs = zip(actual, probabilities, strict=True)
    return floats([math.nan if name is None or given is None else given.get(name, 0.0) for name, given in pairs])


def arrived(labelled: npt.ArrayLike | None, has_actual: Booleans, order: Integers) -> Booleans:
    """Rows whose truth has arrived, in the order of the groups."""
    return has_actual if labelled is None else np.asarray(labelled, dtype=np.bool_)[order] | has_actual
