"""How a model did lately, as of now: whole hours from their stored sums, hours that changed since from their rows.

The numbers are those of the stages (same sums, same intervals), without waiting for a run: an event that is stored is
in the next answer. What is computed of an hour is kept for the revision of it, so that asking again costs a merge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.read import revisions_between
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.sums import Sums
from monitoring_pipeline.performance.values import MetricValue
from monitoring_pipeline.reports.hour_rows import sums_of_rows
from monitoring_pipeline.reports.kept_sums import KeptSums
from monitoring_pipeline.stages.measuring.groups import ALL, PERFORMANCE, GroupKey
from monitoring_pipeline.stages.measuring.merging import merge_hours
from monitoring_pipeline.stages.measuring.performance_results import HOURLY
from monitoring_pipeline.stages.measuring.stored_sums import outdated_hours, stored_sums
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentGroup:
    """One version in one environment.

    Attributes:
        model_version: of the model.
        environment: where it ran.
        prediction_count: rows of the window.
        labelled_count: those whose truth is known.
        metrics: of performance, operations, labels and business; each a value or the reason why there is none.
    """

    model_version: str
    environment: str
    prediction_count: int
    labelled_count: int
    metrics: tuple[MetricValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A model's last hours.

    Attributes:
        model: its declaration.
        start: of the first hour, microseconds UTC.
        as_of: the end: the instant of the answer.
        groups: versions and environments that predicted, in order.
    """

    model: Model
    start: int
    as_of: int
    groups: tuple[PresentGroup, ...]

    @property
    def prediction_count(self) -> int:
        """Rows of all groups."""
        return sum(group.prediction_count for group in self.groups)

    @property
    def labelled_count(self) -> int:
        """Rows of all groups whose truth is known."""
        return sum(group.labelled_count for group in self.groups)

    @property
    def coverage(self) -> float | None:
        """Label coverage, 0 to 1; ``None`` without predictions."""
        return self.labelled_count / self.prediction_count if self.prediction_count else None


class PresentPerformance:
    """Answers about the last hours of models; one for each process, used by all its threads.

    Args:
        pipeline: the installation.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._kept = KeptSums()

    def of_last_hours(self, model_id: str, hours: int) -> Present:
        """The performance of the whole hours before the present one, and of the present one as far as it has come.

        Args:
            model_id: a model, declared or not.
            hours: how many, at least 1; the present one is not counted.

        Raises:
            MonitorError: if the store cannot be reached.
        """
        now = self._pipeline.clock()
        start = floor(now, Grain.HOUR) - hours * HOUR_MICROS
        with reading(self._pipeline.engine) as connection:
            model = declaration(connection, self._pipeline.config, model_id).model_copy(update={"segments": []})
            # Revisions first, rows after: what lands in between makes the hour newer than what is kept of it.
            revisions = revisions_between(connection, model_id, start, now)
            stored = _computed_hours(connection, model, revisions)
            found = {key: sums for key, sums in stored_sums(connection, model, stored).items() if key.segment == ALL}
            changed = {hour: revision for hour, revision in revisions.items() if hour not in stored}
            name = f"{model.task} {model.id}"  # the task of a model that nobody declared changes with its events
            for of_hour in self._kept.each(name, changed, partial(sums_of_rows, connection, model)):
                found |= of_hour
        merged = merge_hours(found, lambda _hour: start)
        return Present(model=model, start=start, as_of=now, groups=_groups(merged))


def _computed_hours(connection: Connection, model: Model, revisions: Mapping[int, int]) -> set[int]:
    """The hours whose stored sums are of their last revision and of the present declaration."""
    entries = ledger.entries(connection, HOURLY, revisions.keys(), model_id=model.id)
    computed = {hour for (_, hour), entry in entries.items() if entry.revision >= revisions[hour]}
    return computed - outdated_hours(connection, model, computed)


def _groups(merged: Mapping[GroupKey, Sums]) -> tuple[PresentGroup, ...]:
    together: dict[tuple[str, str], dict[str, Sums]] = {}
    for key, sums in merged.items():
        together.setdefault((key.model_version, key.environment), {})[key.family] = sums
    return tuple(
        PresentGroup(
            model_version=version,
            environment=environment,
            prediction_count=families[PERFORMANCE].prediction_count,
            labelled_count=families[PERFORMANCE].labelled_count,
            metrics=tuple(metric for sums in families.values() for metric in evaluate(sums)),
        )
        for (version, environment), families in sorted(together.items())
    )
