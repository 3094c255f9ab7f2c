"""This program, as the benchmark calls it: the only module here that imports it.

Features are measured one by one and judged together, as a window's features are; with the defaults, so with the
default minimum effects, and a window of few rows is looked at alone and together with those before it, as hours are.
Rows are taken as independent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.detection.streams import COLUMNS, Values, texts
from monitoring_pipeline.config.models import DriftSettings
from monitoring_pipeline.drift.evaluate import evaluate_categorical, evaluate_numeric
from monitoring_pipeline.drift.judge import MeasuredFeature, judge_features
from monitoring_pipeline.drift.looks import best_look
from monitoring_pipeline.drift.reference import CategoricalReference, NumericReference
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftVerdict

CRITERIA = DriftCriteria()
POOL = DriftSettings().pool

Reference = NumericReference | CategoricalReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was said of one feature."""

    drift: bool
    evidence: bool  # whether noise is excluded, whatever the size of the effect
    enough: bool


def prepare(columns: Mapping[str, Values]) -> dict[str, Reference]:
    """The references of columns of one dimension."""
    return {
        name: CategoricalReference.from_values(texts(values))
        if COLUMNS[name].categorical
        else NumericReference.from_values(values)
        for name, values in columns.items()
    }


def measure(reference: Reference, windows: Sequence[Values], *, alpha: float, pooled: bool = True) -> MeasuredFeature:
    """All default measures of one feature's last window.

    Args:
        reference: the feature's.
        windows: the last window and those before it, in order.
        alpha: only says at what limits of noise are stated.
        pooled: whether a window of few rows is also looked at together with those before it.
    """
    looks = [windows[-1]]
    if pooled and windows[-1].size < POOL.rows:
        before = min(len(windows), POOL.hours, -(-POOL.rows // windows[-1].size))
        looks += [np.concatenate(windows[-before:])] if before > 1 else []
    return best_look([_measured(reference, look, alpha=alpha) for look in looks])


def history(windows: Values, index: int) -> list[Values]:
    """A window of a stream, and as many before it as it may be looked at with."""
    return list(windows[max(0, index + 1 - POOL.hours) : index + 1])


def _measured(reference: Reference, values: Values, *, alpha: float) -> MeasuredFeature:
    if isinstance(reference, NumericReference):
        return evaluate_numeric(reference, values, criteria=CRITERIA, alpha=alpha)
    codes, rows = np.unique(values[~np.isnan(values)], return_counts=True)
    counts: Mapping[str, int] = Counter(dict(zip(map(str, texts(codes)), rows.tolist(), strict=True)))
    missing_count = int(np.count_nonzero(np.isnan(values)))
    return evaluate_categorical(reference, counts, missing_count=missing_count, criteria=CRITERIA, alpha=alpha)


def judge(features: Sequence[MeasuredFeature], *, alpha: float) -> list[Verdict]:
    """The verdicts on the features of one window, in the order given."""
    overall = [results[0] for results in judge_features(features, alpha=alpha)]
    return [
        Verdict(
            drift=result.verdict is DriftVerdict.DRIFT,
            evidence=result.q_value is not None and result.q_value <= alpha,
            enough=result.verdict is not DriftVerdict.NOT_ENOUGH_DATA,
        )
        for result in overall
    ]
