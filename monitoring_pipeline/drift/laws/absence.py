"""How many rows lie in categories that one of two samples lacks, when nothing has changed.

A category with t rows in both samples together lies wholly in one of them, which holds a share s of all rows, with
probability ``C(n, t) / C(n + m, t) <= s^t``. That is likely for a category seen once or twice, so a long tail of rare
categories (user names, airports) always brings "new" ones and "loses" old ones. Two bounds, both valid however rare
the categories are and however many:

- of the rows in all such categories together, Chernoff's bound: ``P(S >= x) <= exp(-sup_u (u x - K(u)))`` with
  ``K(u) = Σ ln(1 + s^t (e^(u t) - 1))``, as if categories were independent (they are negatively associated, which
  makes the bound safer);
- of the largest such category, the union bound ``Σ s^t`` over all categories at least as large.

Sources: Chernoff (1952), Annals of Mathematical Statistics 23; Joag-Dev & Proschan (1983), Annals of Statistics 11,
for negative association.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit

from monitoring_pipeline.drift.arrays import Counts, Floats

_STEPS = 80
_CLOSE = 1e-10
_LARGEST_TILT = 2e6
_LARGEST_SHARE = 1.0 - 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Absence:
    """Categories of two samples, each of which may by chance lie wholly in one of them.

    Attributes:
        rows: distinct sizes of categories in effective rows of both samples together, ascending, above 0.
        repeats: how many categories have each size.
        log_share: logarithm of the sample's share of all effective rows, below 0.
    """

    rows: Floats
    repeats: Floats
    log_share: float

    @classmethod
    def of(cls, together: Counts | Floats, *, worth: float, share: float) -> Self:
        """Categories of these rows in both samples, of which each is worth ``worth`` independent ones.

        Rows that come in clusters bring several rare categories at once: those worth less than a row together are
        counted as fewer categories of one.
        """
        sizes, repeats = np.unique(together, return_counts=True)
        effective = sizes * worth
        return cls(
            rows=np.maximum(effective, 1.0),
            repeats=repeats * np.minimum(effective, 1.0),
            log_share=math.log(min(share, _LARGEST_SHARE)),
        )

    def p_value(self, rows: float, largest: float) -> float:
        """Probability, from above, of so many effective rows in such categories, or of one so large."""
        if rows <= 0.0 or self.rows.size == 0:
            return 1.0
        return min(1.0, 2.0 * min(math.exp(-self._rate_of_rows(rows)), self._union(largest)))

    def limit(self, alpha: float) -> float:
        """The effective rows that chance exceeds with a probability of at most ``alpha``; 0 without categories."""
        if self.rows.size == 0:
            return 0.0
        wanted = -math.log(alpha / 2.0)
        all_rows = float(self.rows @ self.repeats)
        most = -self.log_share * all_rows
        if wanted >= most:
            return all_rows * wanted / most
        return self._tilted(lambda point: (point.rate - wanted, point.tilt * point.variance)).mean

    def _union(self, largest: float) -> float:
        as_large = self.rows >= max(1.0, largest) * (1.0 - 1e-9)
        return float(np.sum(self.repeats[as_large] * np.exp(self.log_share * self.rows[as_large])))

    def _rate_of_rows(self, rows: float) -> float:
        if rows <= self._at(0.0, self._log_absent()).mean:
            return 0.0
        if rows >= float(self.rows @ self.repeats) * (1.0 - 1e-9):
            return -self.log_share * float(self.rows @ self.repeats)
        return self._tilted(lambda point: (point.mean - rows, point.variance)).rate

    def _tilted(self, rising: Callable[["_Point"], tuple[float, float]]) -> "_Point":
        """Where a rising function, given with its slope, passes 0: by Newton's steps, halved where they go astray."""
        absent = self._log_absent()
        tilt, low, high = 1.0, 0.0, _LARGEST_TILT
        for _ in range(_STEPS):
            excess, slope = rising(self._at(tilt, absent))
            low, high = (tilt, high) if excess < 0.0 else (low, tilt)
            newton = tilt - excess / slope if slope > 0.0 else high
            following = newton if low < newton < high else min((low + high) / 2.0, 2.0 * tilt)
            if abs(following - tilt) <= _CLOSE * tilt:
                break
            tilt = following
        return self._at(tilt, absent)

    def _log_absent(self) -> Floats:
        absent: Floats = np.log(-np.expm1(self.log_share * self.rows))
        return absent

    def _at(self, tilt: float, absent: Floats) -> "_Point":
        """The rows in such categories when large ones are made likelier by ``exp(tilt · rows)``."""
        held = (self.log_share + tilt) * self.rows
        chances = expit(held - absent)
        weighted = self.repeats * self.rows
        mean = float(weighted @ chances)
        return _Point(
            tilt=tilt,
            mean=mean,
            variance=float((weighted * self.rows) @ (chances * (1.0 - chances))),
            rate=tilt * mean - float(self.repeats @ np.logaddexp(absent, held)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """Mean and variance of the tilted law, and the exponent of Chernoff's bound there."""

    tilt: float
    mean: float
    variance: float
    rate: float
