"""How well scores separate positives from negatives: areas under the ROC and the precision-recall curve.

Everything here works on negatives and positives counted by level of the score. Rows of one level are ties. A level is
one distinct score (then the areas are exact) or one cell of a score histogram (then the true order within the cell is
not known, and the bounds say how far that can put an area off).

Intervals take the rows as independent draws. Student's t has the rows of the rarer class (of the positives, for the
average precision) less one as degrees of freedom. With fewer than two positives or negatives there is no interval.

Sources: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
operating characteristic curves", 1988; G. Qin, L. Hotilovac, "Comparison of non-parametric confidence intervals for
the area under the ROC curve", 2008 (logit); B. Efron, "The jackknife, the bootstrap and other resampling plans", 1982.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.performance.delta import logit_interval
from monitoring_pipeline.performance.intervals import proportion_interval, student_quantile
from monitoring_pipeline.performance.mergeable.score_histogram import ScoreHistogram, is_one_probability
from monitoring_pipeline.performance.rows.columns import floats, is_yes_or_no
from monitoring_pipeline.performance.rows.grouping import Booleans, Floats, Integers
from monitoring_pipeline.performance.values import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """Labelled rows by level of their score, ascending. The areas need rows of both classes.

    Attributes:
        negatives: rows of each level that turned out negative.
        positives: rows of each level that turned out positive.
        is_one_score: whether all rows of the level have the same score, so that their ties are real.
    """

    negatives: Integers
    positives: Integers
    is_one_score: Booleans

    @classmethod
    def of_histogram(cls, scores: ScoreHistogram) -> Self:
        """The cells of a histogram."""
        is_one_score = is_one_probability(scores.column("cells"))
        return cls(
            negatives=scores.column("negatives"), positives=scores.column("positives"), is_one_score=is_one_score
        )

    @classmethod
    def of_rows(cls, actual: npt.ArrayLike, score: npt.ArrayLike) -> Self:
        """The distinct scores.

        Args:
            actual: 0 or 1.
            score: any finite number; higher speaks for 1.

        Raises:
            ValueError: if an actual is neither 0 nor 1, a score is not finite, or the lengths differ.
        """
        truth, scores = floats(actual), floats(score)
        if truth.shape != scores.shape or not is_yes_or_no(truth).all() or not np.isfinite(scores).all():
            raise ValueError("each row needs an actual of 0 or 1 and a finite score")
        distinct, level = np.unique(scores, return_inverse=True)
        is_positive = truth == 1
        count = len(distinct)
        return cls(
            negatives=np.bincount(level[~is_positive], minlength=count),
            positives=np.bincount(level[is_positive], minlength=count),
            is_one_score=np.ones(count, dtype=np.bool_),
        )

    @property
    def negative_count(self) -> int:
        """All rows that turned out negative."""
        return int(self.negatives.sum())

    @property
    def positive_count(self) -> int:
        """All rows that turned out positive."""
        return int(self.positives.sum())

    def said_yes(self) -> tuple[Integers, Integers]:
        """True and false positives, if the model said yes to each level and all above."""
        return _from_above(self.positives), _from_above(self.negatives)

    def precision(self) -> Floats:
        """The share of positives among the rows of each level and above; 0 where there are none."""
        true, false = self.said_yes()
        return _share(true, true + false)


def roc_area(levels: Levels) -> float:
    """The share of pairs of a positive and a negative in which the positive has the higher score; ties count half."""
    below = np.cumsum(levels.negatives) - levels.negatives
    # In whole numbers, and so exact: twice the pairs fit 64 bits up to two thousand million rows of each class.
    twice_won = int((levels.positives * (2 * below + levels.negatives)).sum())
    return twice_won / (2 * levels.negative_count * levels.positive_count)


def roc_area_bound(levels: Levels) -> float:
    """How far the area of all distinct scores can be from that of the levels: half the share of tied pairs."""
    tied = int((levels.positives * levels.negatives)[~levels.is_one_score].sum())
    return tied / (2 * levels.negative_count * levels.positive_count)


def roc_area_interval(levels: Levels) -> Interval | None:
    """DeLong's variance on the logit scale, with Student's t; Wilson's over the rarer class if they do not overlap."""
    area, fewest = roc_area(levels), min(levels.negative_count, levels.positive_count)
    if fewest < 2:
        return None
    if area in {0.0, 1.0}:
        return proportion_interval(round(area) * fewest, fewest)
    below = np.cumsum(levels.negatives) - levels.negatives / 2
    above = _from_above(levels.positives) - levels.positives / 2
    variance = _variance_of_mean(below / levels.negative_count, levels.positives, area)
    variance += _variance_of_mean(above / levels.positive_count, levels.negatives, area)
    return logit_interval(area, math.sqrt(variance), quantile=student_quantile(fewest - 1))


def average_precision(levels: Levels) -> float:
    """The mean, over the positives, of the precision when all rows of their level and above are said yes to."""
    return math.fsum((levels.positives * levels.precision()).tolist()) / levels.positive_count


def average_precision_bound(levels: Levels) -> float:
    """How far the average precision of all distinct scores can be from that of the levels.

    Within a level the worst order has all negatives on top and the positives one by one below, the best order has all
    positives on top, tied.
    """
    unknown = np.flatnonzero((levels.positives > 0) & ~levels.is_one_score)
    true, false = (counts[unknown] for counts in levels.said_yes())
    positives, negatives = levels.positives[unknown], levels.negatives[unknown]
    value = positives * true / (true + false)
    best = positives * true / (true + false - negatives)
    worst = _one_by_one(true, false, positives)
    too_low, too_high = math.fsum((best - value).tolist()), math.fsum((value - worst).tolist())
    return max(too_low, too_high) / levels.positive_count


def average_precision_interval(levels: Levels) -> Interval | None:
    """The jackknife's variance on the logit scale, with Student's t; Wilson's interval if no negative is in the way."""
    area, positive_count = average_precision(levels), levels.positive_count
    if min(levels.negative_count, positive_count) < 2:
        return None
    if area >= 1.0:
        return proportion_interval(positive_count, positive_count)
    without_negative, without_positive = _without_one(levels)
    count = positive_count + levels.negative_count
    total = math.fsum((levels.negatives * without_negative + levels.positives * without_positive).tolist())
    squares = levels.negatives * (without_negative - total / count) ** 2
    squares += levels.positives * (without_positive - total / count) ** 2
    variance = math.fsum(squares.tolist()) * (count - 1) / count
    return logit_interval(area, math.sqrt(variance), quantile=student_quantile(positive_count - 1))


def _without_one(levels: Levels) -> tuple[Floats, Floats]:
    """The average precision without one negative, and without one positive, of each level.

    The row is missing from the yes of its own level and of those below. Where a level has no such row the result
    means nothing.
    """
    positives, positive_count = levels.positives, levels.positive_count
    true, false = levels.said_yes()
    terms = positives * _share(true, true + false)
    above = math.fsum(terms.tolist()) - np.cumsum(terms)
    negative_less = np.cumsum(positives * _share(true, true + false - 1))
    positive_less = np.cumsum(positives * _share(true - 1, true + false - 1)) - _share(true - 1, true + false - 1)
    return (negative_less + above) / positive_count, (positive_less + above) / (positive_count - 1)


def _from_above(counts: Integers) -> Integers:
    return np.cumsum(counts[::-1])[::-1]


def _share(part: Integers, whole: Integers) -> Floats:
    """0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _one_by_one(true: Integers, false: Integers, positives: Integers) -> Floats:
    """Each level's sum of precisions if its positives come one by one, below all its negatives."""
    of_level = np.repeat(np.arange(len(true)), positives)
    first = np.cumsum(positives) - positives
    found = (true - positives)[of_level] + np.arange(1, len(of_level) + 1) - first[of_level]
    sums = np.zeros(len(true))
    np.add.at(sums, of_level, found / (found + false[of_level]))
    return sums


def _variance_of_mean(values: Floats, counts: Integers, mean: float) -> float:
    count = int(counts.sum())
    return math.fsum((counts * (values - mean) ** 2).tolist()) / (count - 1) / count
