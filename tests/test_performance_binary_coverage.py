"""How often the 95 % intervals of yes/no models hold the truth, over windows drawn from known models."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from monitoring_pipeline.performance.binary import metrics
from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.binary.sums import BinarySums
from monitoring_pipeline.performance.values import Estimate

Floats = npt.NDArray[np.float64]
METRICS = ("balanced_accuracy", "f1", "mcc", "roc_auc", "pr_auc", "log_loss", "brier", "ece")


@dataclass(frozen=True, kw_only=True)
class Population:
    """Probabilities are drawn from a beta distribution; ``happens`` tells how often each really comes true."""

    a: float
    b: float
    happens: Callable[[Floats], Floats]
    threshold: float


POPULATIONS = {
    "one in two, calibrated": Population(a=1.5, b=1.5, happens=lambda p: p, threshold=0.5),
    "one in two, too sure": Population(a=0.5, b=0.5, happens=lambda p: 0.1 + 0.8 * p, threshold=0.5),
    "one in ten, calibrated": Population(a=0.6, b=5.4, happens=lambda p: p, threshold=0.3),
    "one in ten, strong": Population(a=0.2, b=1.8, happens=lambda p: p, threshold=0.3),
}


def _truth(population: Population) -> dict[str, float]:
    """Each metric over infinitely many rows: over a fine grid of the distribution's quantiles."""
    n = 400_000
    p = stats.beta.ppf((np.arange(n) + 0.5) / n, population.a, population.b)
    y = population.happens(p)
    yes = p >= population.threshold
    tp, fp, fn, tn = (y * yes).mean(), ((1 - y) * yes).mean(), (y * ~yes).mean(), ((1 - y) * ~yes).mean()
    below = np.cumsum(1 - y) - (1 - y) / 2
    above = np.cumsum(y[::-1])[::-1] - y / 2
    clipped = np.clip(p, 2.3e-16, 1 - 2.3e-16)
    return {
        "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "mcc": (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
        "roc_auc": (y * below).sum() / (y.sum() * (1 - y).sum()),
        "pr_auc": (y * above / (n - np.arange(n) - 0.5)).sum() / y.sum(),
        "log_loss": -(y * np.log(clipped) + (1 - y) * np.log1p(-clipped)).mean(),
        "brier": (y * (1 - p) ** 2 + (1 - y) * p**2).mean(),
        "ece": np.abs(np.bincount(np.minimum((p * 10).astype(int), 9), weights=y - p)).sum() / n,
    }


def _coverage(population: Population, *, rows: int, windows: int) -> dict[str, float]:
    random = np.random.default_rng(20_130_702)
    codes = np.repeat(np.arange(windows), rows)
    proba = random.beta(population.a, population.b, codes.size)
    actual = (random.random(codes.size) < population.happens(proba)).astype(float)
    sums = binary_sums(
        codes, windows, predicted=proba * math.nan, proba=proba, actual=actual, threshold=population.threshold
    )
    truth = _truth(population)
    return {name: _share_that_holds(name, truth[name], sums) for name in METRICS}


def _share_that_holds(name: str, truth: float, sums: list[BinarySums]) -> float:
    answers = [getattr(metrics, name)(one) for one in sums]
    intervals = [answer.interval for answer in answers if isinstance(answer, Estimate) and answer.interval]
    assert len(intervals) > 0.99 * len(sums), name
    return sum(interval.lower <= truth <= interval.upper for interval in intervals) / len(intervals)


def _assert_honest(covered: dict[str, float], *, chance: float) -> None:
    """93 to 97 % but for chance; areas may be wider by the bound of their histogram, ECE is conservative."""
    highest = {"roc_auc": 0.98, "pr_auc": 0.985, "ece": 1.0}
    outside = {
        name: share for name, share in covered.items() if not 0.93 - chance <= share <= highest.get(name, 0.97) + chance
    }
    assert not outside


@pytest.mark.parametrize("name", ["one in two, too sure", "one in ten, calibrated"])
def test_95_percent_intervals_hold_the_truth_in_most_windows(name: str) -> None:
    covered = _coverage(POPULATIONS[name], rows=200, windows=400)

    _assert_honest(covered, chance=0.03)  # three standard errors of 95 % in 400 windows


@pytest.mark.long
@pytest.mark.parametrize("rows", [200, 1_000])
@pytest.mark.parametrize("name", POPULATIONS)
def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_windows(name: str, rows: int) -> None:
    covered = _coverage(POPULATIONS[name], rows=rows, windows=2_000)

    _assert_honest(covered, chance=0.005)
