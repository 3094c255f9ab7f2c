"""What each row was worth, from what was predicted, what happened and what the business declared.

Values are in the unit of the business; negative ones are costs. NaN stands for a row that is not judged: its truth has
not arrived, or cannot be used. An optional amount (an order's price, a passenger count) multiplies a row's value; a row
without a finite amount is not judged.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.rows.columns import floats, is_probability, is_text, is_yes_or_no
from monitoring_pipeline.performance.rows.grouping import Booleans, Floats


def binary_values(
    *,
    predicted: npt.ArrayLike,
    proba: npt.ArrayLike,
    actual: npt.ArrayLike,
    threshold: float,
    value: Mapping[str, float],
    amount: npt.ArrayLike | None = None,
) -> Floats:
    """Each row's value by its cell of the confusion matrix; a row says yes as in :func:`.binary.rows.binary_sums`.

    Args:
        predicted: 0 or 1; NaN where the model logged none.
        proba: probability of the positive class, 0 … 1; NaN where the model logged none.
        actual: 0 or 1; NaN where the truth has not arrived.
        threshold: probability at which the model says yes.
        value: what a ``true_positive``, ``false_positive``, ``true_negative``, ``false_negative`` is worth; 0 for a
            cell that is not named.
        amount: multiplies each row's value.

    >>> binary_values(predicted=[1, 0], proba=[0.9, 0.2], actual=[0, 0], threshold=0.5, value={"false_positive": -5})
    array([-5.,  0.])
    """
    y, probability = floats(actual), floats(proba)
    scored = ~np.isnan(probability)
    said = np.where(scored, probability >= threshold, floats(predicted))
    usable = is_yes_or_no(y) & is_yes_or_no(said) & (~scored | is_probability(probability))
    cells = {"true_positive": (1, 1), "false_positive": (1, 0), "true_negative": (0, 0), "false_negative": (0, 1)}
    worth = np.zeros(len(y))
    for name, (says, is_) in cells.items():
        worth[(said == says) & (y == is_)] = value.get(name, 0.0)
    return times_amount(worth, amount, usable)


def multiclass_values(
    *,
    predicted: Sequence[str | None] | npt.NDArray[np.object_],
    actual: Sequence[str | None] | npt.NDArray[np.object_],
    value: Mapping[str, float],
    amount: npt.ArrayLike | None = None,
) -> Floats:
    """Each row's value by whether its class was right.

    Args:
        predicted: class names; None where the model logged none.
        actual: class names; None where the truth has not arrived.
        value: what a ``correct`` and a ``wrong`` answer are worth; 0 for one that is not named.
        amount: multiplies each row's value.

    >>> multiclass_values(predicted=["a", "b"], actual=["a", "c"], value={"correct": 2, "wrong": -3})
    array([ 2., -3.])
    """
    said, true = np.asarray(predicted, dtype=np.object_), np.asarray(actual, dtype=np.object_)
    correct = np.equal(said, true).astype(np.bool_)
    worth = np.where(correct, value.get("correct", 0.0), value.get("wrong", 0.0))
    return times_amount(worth, amount, is_text(said) & is_text(true))


def regression_values(
    *,
    predicted: npt.ArrayLike,
    actual: npt.ArrayLike,
    over: float,
    under: float,
    amount: npt.ArrayLike | None = None,
) -> Floats:
    """Each row's value by its error: ``over`` or ``under`` · abs(predicted - actual).

    Args:
        predicted: predicted values; NaN where the model logged no number.
        actual: actual values; NaN where the truth has not arrived.
        over: what one unit predicted too much is worth; a cost is negative.
        under: what one unit predicted too little is worth; a cost is negative.
        amount: multiplies each row's value.

    >>> regression_values(predicted=[12.0, 7.0], actual=[10.0, 10.0], over=-1.0, under=-4.0)
    array([ -2., -12.])
    """
    p, y = floats(predicted), floats(actual)
    usable = np.isfinite(p) & np.isfinite(y)
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow becomes "undefined: overflow"
        error = p - y
        worth = _product(np.where(error > 0, over, under), np.abs(error))
    return times_amount(worth, amount, usable)


def times_amount(worth: Floats, amount: npt.ArrayLike | None, usable: Booleans) -> Floats:
    """Each usable row's worth times its amount; NaN for the other rows and those without a finite amount."""
    if amount is None:
        return np.where(usable, worth, np.nan)
    amounts = floats(amount)
    with np.errstate(over="ignore", invalid="ignore"):
        product = _product(worth, amounts)
    return np.where(usable & np.isfinite(amounts), product, np.nan)


def _product(left: Floats, right: Floats) -> Floats:
    """Nothing times a number beyond the doubles is nothing, not NaN."""
    return np.where((left == 0) | (right == 0), 0.0, left * right)
