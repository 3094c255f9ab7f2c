"""Windows whose judgement moves with their age: compared with past windows, or with the labels expected by now.

No arrival starts a run for them. They are judged again at the ages of the ladder that past windows are looked at
(1, 2, 3, 4, 6, 8, 12, … hours, then each day) and a last time when their labels are due: a dozen times in three days,
not at every minute, and never again after that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from monitoring_pipeline.alerts.maturity import changes_with_age
from monitoring_pipeline.config.models import Model, MonitoringConfig
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.stages.comparing.same_age import comparable_age
from monitoring_pipeline.windows import DAY_MICROS, MICROSECOND, Grain, Window

# How long after its labels are due a window may still wait for its last judgement, because nothing ran meanwhile.
LOOK_BACK_DAYS = 7


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class OlderWindow:
    """A window that has reached another age of the ladder since it was judged."""

    reached_at: int  # the age's instant, microseconds UTC
    window_start: int
    grain: Grain
    model_id: str


def windows_grown_older(
    connection: Connection, config: MonitoringConfig, datasets: dict[Grain, str], *, now: int
) -> list[OlderWindow]:
    """The windows of models with such rules that are to be judged again by now, in the order of their ages' instants.

    Args:
        connection: a reading transaction.
        config: the rules, and when each model's labels are due.
        datasets: the ledger's name of each grain's findings; what was published last was judged last.
        now: microseconds UTC.
    """
    return sorted(
        older
        for model in config.models
        for grain in sorted({rule.grain for rule in model.rules if changes_with_age(rule)})
        for older in _older(connection, model, grain, datasets[grain], now)
    )


def _older(connection: Connection, model: Model, grain: Grain, dataset: str, now: int) -> Iterator[OlderWindow]:
    ledger, oldest = partition_ledger.c, now - model.labels.maturity // MICROSECOND - LOOK_BACK_DAYS * DAY_MICROS
    query = select(ledger.window_start, ledger.published_at).where(
        ledger.dataset == dataset, ledger.model_id == model.id, ledger.window_start.between(oldest, now)
    )
    for row in connection.execute(query):
        window = Window(row.window_start, grain)
        age = comparable_age(window, model.labels, now=now)
        if age > comparable_age(window, model.labels, now=row.published_at):
            yield OlderWindow(reached_at=window.end + age, window_start=window.start, grain=grain, model_id=model.id)
