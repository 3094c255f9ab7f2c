"""From what is due to runs: shared by the reconcile sensor and by ``monitor reconcile``."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from assets.jobs import JOB_NAMES
from assets.partitions import LONGEST_RANGE, partition_key, range_tags
from assets.shell import ONLY_DUE_TAG
from assets.touched import TOUCHED_HOURS, run_config
from monitoring_pipeline.database import reading
from monitoring_pipeline.stages.due import DueWindow, due_days, due_hours
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.ranges import DueRange, contiguous, empty_hours, gathered
from monitoring_pipeline.tracking.pending import pending_days
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.windows import SECOND_MICROS, Grain, floor

# With this many separate ranges of hours one run for all of them is cheaper than a run for each.
SCATTERED_RANGES = 3

# Says in the list of runs what a run without partitions computes.
SCATTERED_TAG = "monitor/hours"


@dataclass(frozen=True, kw_only=True)
class DueRun:
    """One run that would bring windows up to date."""

    grain: Grain
    windows: DueRange
    scattered: bool = False  # hours with gaps between them, which only one job takes
    due_count: int  # windows among them that are due for some model; the others are empty and bridged
    again_count: int  # due windows that had been computed before, for some model
    reopened_count: int  # model windows that had been computed before

    @property
    def job_name(self) -> str:
        """The job to run."""
        return TOUCHED_HOURS if self.scattered else JOB_NAMES[self.grain]

    @property
    def tags(self) -> dict[str, str]:
        """Run tags: the range, and that only what is due is to be computed."""
        if self.scattered:
            return {SCATTERED_TAG: self.name}
        return {**range_tags(self.windows.starts, self.grain), ONLY_DUE_TAG: "true"}

    @property
    def run_config(self) -> dict[str, Any]:
        """What the job needs beside its tags."""
        if not self.scattered:
            return {}
        return run_config([partition_key(start, self.grain) for start in self.windows.starts])

    @property
    def name(self) -> str:
        """The windows in words, for progress and run keys."""
        first, last = (partition_key(self.windows.starts[i], self.grain) for i in (0, -1))
        if self.scattered:
            return f"{len(self.windows.starts)} hours from {first} to {last}"
        return first if first == last else f"{first} to {last}"


def due_runs(pipeline: Pipeline, *, debounce: bool) -> list[DueRun]:
    """The runs that are due now: hours first; days only when none of their hours is due.

    Args:
        pipeline: the installation.
        debounce: let reopened hours rest as the config says; a person who reconciles by hand does not wait.
    """
    now, rest = pipeline.clock(), pipeline.config.debounce_seconds * SECOND_MICROS if debounce else 0
    span = pipeline.span
    with reading(pipeline.engine) as connection:
        hours = due_hours(connection, now=now, debounce_micros=rest, span=span)
        days = due_days(connection, now=now, span=span)
        empty = empty_hours(connection, hours)
    return _runs(hours, Grain.HOUR, empty) + _runs(days, Grain.DAY)


def _runs(due: Sequence[DueWindow], grain: Grain, empty: Collection[int] = frozenset()) -> list[DueRun]:
    starts = {window.window_start for window in due}
    reopened = Counter(window.window_start for window in due if window.reopened)
    ranges = contiguous(due, grain, longest=LONGEST_RANGE[grain], empty=empty)
    scattered = grain is Grain.HOUR and len(ranges) > SCATTERED_RANGES
    if scattered:
        ranges = gathered(due, longest=LONGEST_RANGE[grain])
    return [
        DueRun(
            grain=grain,
            windows=windows,
            scattered=scattered,
            due_count=len(starts.intersection(windows.starts)),
            again_count=len(reopened.keys() & set(windows.starts)),
            reopened_count=sum(reopened[start] for start in windows.starts),
        )
        for windows in ranges
    ]


def mlflow_runs_due(pipeline: Pipeline, tracking: Tracking, *, since: int) -> list[DueRange]:
    """Ranges of ended days whose results MLflow does not show as they stand.

    Args:
        pipeline: the installation.
        tracking: where MLflow is.
        since: how far back to look, microseconds UTC.
    """
    end = floor(pipeline.clock(), Grain.DAY)
    pending = pending_days(pipeline.engine, tracking, start=floor(since, Grain.DAY), end=end)
    days = [DueWindow(model_id=model_id, window_start=day, revision=0, reopened=False) for model_id, day in pending]
    return contiguous(days, Grain.DAY, longest=LONGEST_RANGE[Grain.DAY])
