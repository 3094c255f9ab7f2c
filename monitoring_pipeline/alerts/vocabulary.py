"""The words of this room as types: groups, measurements, findings, verdicts, states."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.config.models import DRIFT_METRICS, Severity
from monitoring_pipeline.windows import Grain, Window


class Verdict(StrEnum):
    """What a rule says of a window. Only the first two can change an alert."""

    BREACH = "breach"
    OK = "ok"
    NOT_ENOUGH_DATA = "not_enough_data"
    UNDEFINED = "undefined"


class Direction(StrEnum):
    """On which side of its threshold a rule sees a breach."""

    ABOVE = "above"
    BELOW = "below"


class Silence(StrEnum):
    """Why a window got neither ``breach`` nor ``ok``."""

    TOO_FEW_LABELS = "too_few_labels"
    TOO_FEW_PREDICTIONS = "too_few_predictions"
    LABELS_STILL_EXPECTED = "labels_still_expected"
    NO_FEATURE_HAD_ENOUGH_DATA = "no_feature_had_enough_data"
    NOT_FINITE = "not_finite"
    NO_VALUE = "no_value"
    TOO_FEW_PAST_WINDOWS = "too_few_past_windows"  # a change needs two that have a value
    NO_INTERVAL = "no_interval"  # a change beyond the bound, and nothing says whether it is noise
    WINDOWS_MISSING = "windows_missing"  # a trend needs every one of its windows
    TREND_UNCERTAIN = "trend_uncertain"  # the interval of a trend holds its bound
    GROUP_GONE = "group_gone"  # the window has no such group any more, or its rows are blocked
    RULE_REMOVED = "rule_removed"


class Acquittal(StrEnum):
    """Why a window is ``ok`` although its value lies beyond the bound."""

    NOT_PERSISTENT = "not_persistent"  # too few of the windows before were beyond it, see ``Rule.persist``


class AlertState(StrEnum):
    """Where an alert stands. ``provisional`` may still be changed by labels that are expected to come.

    ``escalated``: while it stood its severity rose. ``retracted``: late truth changed the verdict. ``withdrawn``:
    its rule is no longer in the config.
    """

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    ESCALATED = "escalated"
    RETRACTED = "retracted"
    WITHDRAWN = "withdrawn"

    @property
    def active(self) -> bool:
        """Whether the alert still stands."""
        return self in {AlertState.PROVISIONAL, AlertState.CONFIRMED, AlertState.ESCALATED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Whose numbers are judged: one model version in one environment and segment, in one window."""

    model_id: str
    model_version: str
    environment: str
    segment: str
    window: Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """A metric of a group: its value with interval, or the ``reason`` why it has none.

    ``needs_labels``: whether the metric judges predictions by their truth, and so changes while labels arrive.
    """

    prediction_count: int
    labelled_count: int
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    reason: str | None = None
    needs_labels: bool = True

    @property
    def coverage(self) -> float | None:
        """labelled / predictions, or ``None`` where nothing was predicted."""
        return coverage_of(self.labelled_count, self.prediction_count)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A window's metric against past windows, each taken as it was known at the label age of the window.

    Attributes:
        change: ``(value - baseline_value) / abs(baseline_value)``, or ``None`` with its ``reason``.
        lower: bound of the change's 95 % interval; ``None`` where there is none.
        upper: the other bound.
        baseline_value: what the past windows say the metric should be.
        past_windows: start, value and label coverage of each, at the same age; a value may be missing.
        age_micros: label age of all of them: how long after its end a window was looked at.
        reason: why there is no change to tell.
    """

    change: float | None
    lower: float | None
    upper: float | None
    baseline_value: float | None
    past_windows: tuple[tuple[int, float | None, float | None], ...]
    age_micros: int
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingKey:
    """The identity of a finding, and of the alert that it may become."""

    model_id: str
    model_version: str
    environment: str
    segment: str
    grain: Grain
    window_start: int
    rule_id: str

    @property
    def alert_id(self) -> str:
        """128 bits of SHA-256 over the key, in hex: the same on every run, machine and database."""
        return stable_id(
            self.model_id, self.model_version, self.environment, self.segment,
            self.grain.value, self.window_start, self.rule_id,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One rule's verdict on one window and group, with the numbers that led to it.

    ``severity`` and ``threshold`` are those of the bound that was crossed. ``reason`` says why there is neither breach
    nor ok, or why a value beyond the bound is ok. ``mature`` says of a breach whether the
    labels that could change it are due; of any other verdict whether its labels are complete, whatever its age.
    """

    key: FindingKey
    metric: str
    severity: Severity
    verdict: Verdict
    reason: str | None
    value: float | None
    lower: float | None
    upper: float | None
    threshold: float
    direction: Direction
    prediction_count: int
    labelled_count: int
    mature: bool

    @property
    def window(self) -> Window:
        """The window that was judged."""
        return Window(self.key.window_start, self.key.grain)

    @property
    def coverage(self) -> float | None:
        """labelled / predictions; ``None`` where nothing was predicted, and of drift, see :func:`coverage_of`."""
        return coverage_of(self.labelled_count, self.prediction_count, metric=self.metric)


def coverage_of(labelled_count: int, prediction_count: int, *, metric: str | None = None) -> float | None:
    """labelled / predictions; ``None`` where nothing was predicted.

    It is ``None`` of drift as well: inputs need no labels, and drift of the truth is told of labelled rows alone.
    """
    return labelled_count / prediction_count if prediction_count and metric not in DRIFT_METRICS else None


def stable_id(*parts: str | int) -> str:
    """128 bits of SHA-256 over the parts, in hex; JSON keeps ``("a", "bc")`` apart from ``("ab", "c")``."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
