"""Streams that do not change: each alarm is false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from benchmarks.detection import ours, rivals
from benchmarks.detection.questions import FirstAlarms, Question
from benchmarks.detection.streams import COLUMNS, Role, Values, columns
from monitoring_pipeline.drift.judge import MeasuredFeature

ALPHAS = (0.001, 0.05)
"""Budgets: the probability that any feature of a window is called drifted although nothing has changed."""

PSI_CUSTOM = 0.1
RAW_LEVEL = 0.05

Measured = Sequence[Sequence[Sequence[MeasuredFeature]]]
"""By reference, window and column what this program measured."""

Flags = NDArray[np.bool_]
"""Whether each feature (second axis) of each window (first axis) is called drifted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is drawn: each of ``references`` references is compared with ``windows`` windows of its own."""

    references: int
    reference_rows: int
    windows: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """What each method said of the windows of one size, and in which share of verdicts ours said: not enough data."""

    sizes: Sizes
    flags: dict[str, Flags] = field(default_factory=dict)
    not_enough: float = 0.0

    def rows(self) -> dict[str, dict[str, Any]]:
        """Per method: windows judged, false alarms per 1,000 feature-windows, and windows with any per 100."""
        return {
            method: {
                "windows": int(flags.shape[0]),
                "alarms": int(flags.sum()),
                "per_1000_feature_windows": round(1_000 * float(flags.mean()), 3),
                "any_per_100_windows": round(100 * float(flags.any(axis=1).mean()), 3),
                "alarms_by_column": flags.sum(axis=0).tolist(),
            }
            for method, flags in self.flags.items()
        }

    def breaking(self, column: str) -> frozenset[str]:
        """The methods with a budget that do not keep it on this column at this size."""
        place = list(COLUMNS).index(column)
        return frozenset(
            method
            for method, flags in self.flags.items()
            if (alpha := alpha_of(method)) is not None
            and not within_budget(int(flags[:, place].sum()), flags.shape[0], alpha / len(COLUMNS))
        )


def ours_at(alpha: float, *, evidence_alone: bool = False) -> str:
    """What this program is called at a budget."""
    return f"ours, evidence alone, {alpha:g}" if evidence_alone else f"ours, {alpha:g}"


def shared_at(alpha: float) -> str:
    """What the usual tests are called when their level is shared among the features (Bonferroni)."""
    return f"KS/χ², {alpha:g} shared"


def alpha_of(method: str) -> float | None:
    """The budget that a method says it keeps."""
    return next((alpha for alpha in ALPHAS if method in (ours_at(alpha), shared_at(alpha))), None)


RAW_TESTS, RAW_PSI = f"KS/χ², p < {RAW_LEVEL:g}", f"PSI > {PSI_CUSTOM:g}"


def count(sizes: Sizes) -> tuple[Alarms, Measured]:
    """Judge every window by every method of this process.

    Returns:
        The alarms; and by reference and window the features as this program measured them, so that
        :mod:`.power` can put a drifting one among them.
    """
    found: dict[str, list[Flags]] = {}
    measured, enough = [], []
    for number in range(sizes.references):
        references = references_of(sizes, number)
        windows = columns(Role.STATIONARY, sizes.windows, (sizes.rows,), number=number)
        features, flags, judged = _ours(references, windows, sizes.windows)
        measured.append(features)
        enough.append(judged)
        for method, of_method in {**flags, **_rivals(references, windows)}.items():
            found.setdefault(method, []).append(of_method)
    flags_of = {method: np.concatenate(parts) for method, parts in found.items()}
    return Alarms(sizes=sizes, flags=flags_of, not_enough=1.0 - float(np.mean(enough))), measured


def references_of(sizes: Sizes, number: int) -> Mapping[str, Values]:
    """The rows of one reference."""
    drawn = columns(Role.REFERENCE, 1, (sizes.reference_rows,), number=number)
    return {name: values[0] for name, values in drawn.items()}


def question(sizes: Sizes) -> Question:
    """The same windows for peers; each window is a stream of its own."""
    references: dict[str, list[Values]] = {name: [] for name in COLUMNS}
    windows: dict[str, list[Values]] = {name: [] for name in COLUMNS}
    for number in range(sizes.references):
        for name, values in references_of(sizes, number).items():
            references[name].append(values)
        for name, values in columns(Role.STATIONARY, sizes.windows, (sizes.rows,), number=number).items():
            windows[name].append(values[:, None, :])
    return Question(
        name=f"{sizes.reference_rows} {sizes.rows}",
        references={name: np.stack(values) for name, values in references.items()},
        windows={name: np.stack(values) for name, values in windows.items()},
    )


def flags_of_peer(answer: FirstAlarms) -> Flags:
    """A peer's answer to :func:`question`."""
    return np.stack([np.array(answer[name]).ravel() == 1 for name in COLUMNS], axis=1)


def _ours(
    references: Mapping[str, Values], windows: Mapping[str, Values], window_count: int
) -> tuple[list[list[MeasuredFeature]], dict[str, Flags], float]:
    prepared = ours.prepare(references)
    features = [
        [
            ours.measure(prepared[name], ours.history(windows[name], index), alpha=ALPHAS[0] / len(COLUMNS))
            for name in COLUMNS
        ]
        for index in range(window_count)
    ]
    flags: dict[str, Flags] = {}
    judged = 0.0
    for alpha in ALPHAS:
        verdicts = [ours.judge(of_window, alpha=alpha) for of_window in features]
        flags[ours_at(alpha)] = np.array([[v.drift for v in of_window] for of_window in verdicts])
        flags[ours_at(alpha, evidence_alone=True)] = np.array(
            [[v.evidence for v in of_window] for of_window in verdicts]
        )
        judged = float(np.mean([[v.enough for v in of_window] for of_window in verdicts]))
    return features, flags, judged


def _rivals(references: Mapping[str, Values], windows: Mapping[str, Values]) -> dict[str, Flags]:
    p = np.stack([rivals.p_values(name, references[name], windows[name]) for name in COLUMNS], axis=1)
    distances = [
        rivals.psi(references[name], windows[name], categorical=column.categorical) for name, column in COLUMNS.items()
    ]
    psi = np.stack(distances, axis=1)
    shared = {shared_at(alpha): p <= alpha / len(COLUMNS) for alpha in ALPHAS}
    return {**shared, RAW_TESTS: p < RAW_LEVEL, RAW_PSI: psi > PSI_CUSTOM}


def within_budget(alarms: int, feature_windows: int, per_feature: float) -> bool:
    """Whether so many alarms are no surprise (1 in 1,000) if the budget holds."""
    return bool(binom.sf(alarms - 1, feature_windows, per_feature) > 0.001)
