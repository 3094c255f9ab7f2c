"""How alerts and findings end when what they spoke about is gone: the group, the rule, or the metric."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.sensors import due_partitions
from monitoring_pipeline.alerts.maturing import windows_coming_of_age
from monitoring_pipeline.alerts.tables import alert_events, alerts, findings, notifications
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.judging.findings import judge_windows, mature_alerts, review_due, withdraw_alerts
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.windows import HOUR_MICROS, Grain
from tests.alerts_examples import rows
from tests.conftest import FixedClock
from tests.pipeline_examples import LONG_AFTER, START, actual_of, ingest, open_home, resources_of, sensor_results
from tests.stage_runs import declared, run_hours, with_models

YOUNG = START + 2 * HOUR_MICROS
RULE = {"id": "mae-of-the-hour", "metric": "mae", "above": 6, "grain": "hour", "min_labelled": 1, "segments": ["*"]}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(YOUNG)


@pytest.fixture
def installation(tmp_path: Path, clock: FixedClock) -> Iterator[Installation]:
    """One hour of two carriers; each prediction is off by ten, and half of the truth is still expected."""
    installation = open_home(tmp_path, clock=clock)
    predictions = [_prediction(n, carrier) for n, carrier in enumerate(("AA", "AA", "DL", "DL"))]
    actuals = [actual_of("delay", str(n), 10.0, at=START + HOUR_MICROS) for n in (0, 2)]
    ingest(installation, predictions=predictions, actuals=actuals)
    yield installation
    installation.engine.dispose()


def _prediction(number: int, carrier: str) -> dict[str, Any]:
    return {
        "model_id": "delay",
        "prediction_id": str(number),
        "timestamp": "2025-03-03T00:10:00Z",
        "predicted_value": 0.0,
        "features": {"distance": 1.0, "carrier": carrier},
    }


def pipeline_of(installation: Installation, **changes: object) -> Pipeline:
    return with_models(installation, declared(installation, "delay", **{"rules": [RULE], **changes}))


def states_of(installation: Installation) -> dict[str, str]:
    return {row["segment"]: row["state"] for row in rows(installation.engine, alerts)}


def reasons_of(installation: Installation) -> dict[str, str | None]:
    return {row["segment"]: row["reason"] for row in rows(installation.engine, findings) if row["known_to"] is None}


def of_age(pipeline: Pipeline) -> int:
    with reading(pipeline.engine) as connection:
        return len(windows_coming_of_age(connection, pipeline.config, now=LONG_AFTER))


def test_a_young_breach_whose_segment_is_gone_does_not_come_of_age_for_ever(
    installation: Installation, clock: FixedClock
) -> None:
    run_hours(pipeline_of(installation), [0])
    assert set(states_of(installation).values()) == {"provisional"}
    unsplit = pipeline_of(installation, segments=[])
    run_hours(unsplit, [0], only_due=False)

    clock.now = LONG_AFTER
    mature_alerts(unsplit)

    assert reasons_of(installation) == {"all": None, "carrier=AA": "group_gone", "carrier=DL": "group_gone"}
    assert of_age(unsplit) == 0
    assert states_of(installation)["all"] == "confirmed"


def test_judging_a_window_without_the_group_again_writes_nothing_more(installation: Installation) -> None:
    run_hours(pipeline_of(installation), [0])
    run_hours(pipeline_of(installation, segments=[]), [0], only_due=False)
    before = rows(installation.engine, findings)

    run_hours(pipeline_of(installation, segments=[]), [0], only_due=False)

    assert rows(installation.engine, findings) == before


def test_a_group_that_comes_back_is_judged_again(installation: Installation) -> None:
    run_hours(pipeline_of(installation), [0])
    run_hours(pipeline_of(installation, segments=[]), [0], only_due=False)

    run_hours(pipeline_of(installation), [0], only_due=False)

    assert set(reasons_of(installation).values()) == {None}


@pytest.mark.parametrize(
    "rules", [[], [{**RULE, "id": "renamed"}], [{**RULE, "grain": "day"}], [{**RULE, "environments": ["staging"]}]]
)
def test_the_alerts_of_a_rule_that_is_gone_are_withdrawn_and_nobody_is_told(
    rules: list[dict[str, object]], installation: Installation
) -> None:
    run_hours(pipeline_of(installation), [0])
    told = rows(installation.engine, notifications)
    edited = pipeline_of(installation, rules=rules)

    assert withdraw_alerts(edited) == 3

    assert set(states_of(installation).values()) == {"withdrawn"}
    assert {
        (e["from_state"], e["to_state"]) for e in rows(installation.engine, alert_events) if e["sequence"] == 2
    } == {("provisional", "withdrawn")}
    assert {row["value"] for row in rows(installation.engine, alerts)} == {10.0}
    assert rows(installation.engine, notifications) == told
    assert review_due(edited) == ()
    assert withdraw_alerts(edited) == 0


def test_the_alerts_of_a_model_that_is_gone_are_withdrawn_and_others_stay(installation: Installation) -> None:
    run_hours(pipeline_of(installation), [0])

    assert withdraw_alerts(pipeline_of(installation)) == 0
    assert withdraw_alerts(with_models(installation, Model(id="other", task="binary"))) == 3


def test_a_rule_that_comes_back_opens_its_alert_again(installation: Installation) -> None:
    run_hours(pipeline_of(installation), [0])
    withdraw_alerts(pipeline_of(installation, rules=[]))

    judge_windows(pipeline_of(installation), Grain.HOUR, [START])

    assert set(states_of(installation).values()) == {"provisional"}
    assert max(event["sequence"] for event in rows(installation.engine, alert_events)) == 3


def test_a_window_that_is_better_does_not_retract_what_was_withdrawn(installation: Installation) -> None:
    run_hours(pipeline_of(installation), [0])
    withdraw_alerts(pipeline_of(installation, rules=[]))

    judge_windows(pipeline_of(installation, rules=[{**RULE, "above": 100}]), Grain.HOUR, [START])

    assert set(states_of(installation).values()) == {"withdrawn"}


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_the_sensor_asks_for_a_review_when_a_rule_was_removed(installation: Installation) -> None:
    run_hours(pipeline_of(installation), [0])
    resources = {**resources_of(installation), "pipeline": pipeline_of(installation, rules=[])}

    with dg.DagsterInstance.ephemeral() as instance:
        results = sensor_results(due_partitions, dg.build_sensor_context(instance=instance, resources=resources))

    assert [r.job_name for r in results if isinstance(r, dg.RunRequest)] == ["review_alerts"]


def test_a_rule_on_a_metric_that_the_task_does_not_have_is_undefined_and_judges_no_other(
    installation: Installation,
) -> None:
    run_hours(pipeline_of(installation, rules=[{**RULE, "metric": "recall", "above": None, "below": 20}]), [0])

    (of_all,) = (row for row in rows(installation.engine, findings) if row["segment"] == "all")
    assert (of_all["verdict"], of_all["reason"], of_all["value"]) == ("undefined", "no_value", None)
    assert (of_all["prediction_count"], of_all["labelled_count"]) == (4, 2)
    assert states_of(installation) == {}
