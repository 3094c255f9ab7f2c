"""Which ingest batches are named as causes, on both databases."""

from sqlalchemy import Engine

from monitoring_pipeline.alerts.causes import Causes
from monitoring_pipeline.alerts.vocabulary import FindingKey
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.stages.judging.causes import causes_of
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, isoformat
from tests.conftest import NOON_MICROS, FixedClock

DAY = NOON_MICROS - NOON_MICROS % DAY_MICROS - DAY_MICROS


def key(hour: int = 0, *, grain: Grain = Grain.HOUR, rule_id: str = "r", model_id: str = "eta") -> FindingKey:
    return FindingKey(
        model_id=model_id,
        model_version="1",
        environment="production",
        segment="all",
        grain=grain,
        window_start=DAY + hour * HOUR_MICROS,
        rule_id=rule_id,
    )


def predicted(engine: Engine, clock: FixedClock, source: str, *hours: int, model_id: str = "eta") -> None:
    events = [
        {
            "model_id": model_id,
            "prediction_id": f"{hour}",
            "timestamp": isoformat(DAY + hour * HOUR_MICROS),
            "predicted_value": 1.0,
            "features": {},
        }
        for hour in hours
    ]
    ingest_rows(engine, events, kind=Kind.PREDICTIONS, config=MonitoringConfig(), clock=clock, source=source)


def labelled(engine: Engine, clock: FixedClock, source: str, *hours: int, known_at: int | None = None) -> None:
    said = {} if known_at is None else {"received_at": isoformat(known_at)}
    events = [
        {"model_id": "eta", "prediction_id": f"{hour}", "actual_value": float(len(source)), **said} for hour in hours
    ]
    ingest_rows(engine, events, kind=Kind.ACTUALS, config=MonitoringConfig(), clock=clock, source=source)


def found(engine: Engine, since: dict[FindingKey, int | None], **options: object) -> dict[FindingKey, Causes]:
    with reading(engine) as connection:
        return causes_of(connection, since, **options)  # type: ignore[arg-type]  # the ids of rules, or nothing


def named(causes: Causes) -> list[tuple[str, str, int]]:
    return [(cause.source, cause.kind, cause.row_count) for cause in causes.batches]


def test_only_batches_of_the_window_and_the_model_are_named_with_their_rows_there(
    engine: Engine, clock: FixedClock
) -> None:
    predicted(engine, clock, "three hours", 0, 1, 2)
    predicted(engine, clock, "another model", 0, model_id="other")
    clock.advance(seconds=1)
    labelled(engine, clock, "two hours", 0, 1)

    causes = found(engine, {key(0): None, key(2): None, key(0, grain=Grain.DAY): None, key(5): None})

    assert named(causes[key(0)]) == [("two hours", "actuals", 1), ("three hours", "predictions", 1)]
    assert named(causes[key(2)]) == [("three hours", "predictions", 1)]
    assert named(causes[key(0, grain=Grain.DAY)]) == [("two hours", "actuals", 2), ("three hours", "predictions", 3)]
    assert causes[key(5)] == Causes()


def test_each_alert_is_told_of_what_came_after_its_own_finding(engine: Engine, clock: FixedClock) -> None:
    predicted(engine, clock, "predictions", 0)
    instants = [clock()]
    for name in ("first", "second.."):
        clock.advance(seconds=1)
        labelled(engine, clock, name, 0)
        instants.append(clock())

    causes = found(engine, {key(rule_id=f"{i}"): instant for i, instant in enumerate(instants)}, ages={"2"})

    assert [[source for source, _, _ in named(causes[key(rule_id=f"{i}")])] for i in range(3)] == [
        ["second..", "first"],
        ["second.."],
        [],
    ]
    assert [causes[key(rule_id=f"{i}")].ages for i in range(3)] == [False, False, True]


def test_a_batch_counts_by_when_it_was_ingested_and_not_by_what_its_rows_say(engine: Engine, clock: FixedClock) -> None:
    predicted(engine, clock, "predictions", 0)
    judged_at = clock()
    clock.advance(hours=5)

    labelled(engine, clock, "backdated", 0, known_at=judged_at - HOUR_MICROS)

    assert named(found(engine, {key(): judged_at})[key()]) == [("backdated", "actuals", 1)]
