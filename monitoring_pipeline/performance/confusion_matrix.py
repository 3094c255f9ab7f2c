"""The confusion matrix of a window as a table for people."""

from dataclasses import dataclass

from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.mergeable.confusion import Confusion
from monitoring_pipeline.performance.multiclass.sums import MulticlassSums

NO, YES = "0", "1"
"""The classes of a yes/no model, named as in its events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfusionMatrix:
    """How often each class was predicted for each actual class.

    Attributes:
        classes: names, sorted: all that occur as actual or as predicted; ``0`` and ``1`` for a yes/no model.
        counts: one row per actual class, one column per predicted class, both in the order of ``classes``.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def row_shares(self) -> tuple[tuple[float | None, ...], ...]:
        """What became of each actual class, as shares that add up to 1; the diagonal is recall.

        None in the row of a class that never happened.
        """
        return tuple(tuple(count / sum(row) if any(row) else None for count in row) for row in self.counts)


def confusion_matrix(sums: BinarySums | MulticlassSums) -> ConfusionMatrix:
    """The table of a window's sums; without labels, no class of a multiclass model and only zeros of a yes/no model.

    >>> from monitoring_pipeline.performance.binary.rows import binary_sums
    >>> [hour] = binary_sums([0, 0], 1, predicted=[1, 1], proba=[0.7, 0.9], actual=[0, 1], threshold=0.5)
    >>> confusion_matrix(hour).counts
    ((0, 1), (0, 1))
    """
    if isinstance(sums, BinarySums):
        counts = (sums.true_negatives, sums.false_positives), (sums.false_negatives, sums.true_positives)
        return ConfusionMatrix(classes=(NO, YES), counts=counts)
    return _table(sums.confusion)


def _table(confusion: Confusion) -> ConfusionMatrix:
    classes = tuple(one.name for one in confusion.by_class())
    counts = {(actual, predicted): n for actual, predicted, n in confusion.cells}
    return ConfusionMatrix(
        classes=classes,
        counts=tuple(tuple(counts.get((actual, predicted), 0) for predicted in classes) for actual in classes),
    )
