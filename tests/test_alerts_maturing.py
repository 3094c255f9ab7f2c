import pytest
from sqlalchemy import Engine, text

from monitoring_pipeline.alerts.findings import judge
from monitoring_pipeline.alerts.maturing import windows_coming_of_age
from monitoring_pipeline.alerts.tables import MAY_CHANGE_WITH_AGE
from monitoring_pipeline.alerts.vocabulary import Finding, Measurement
from monitoring_pipeline.config.models import Model, MonitoringConfig, Rule, Task
from monitoring_pipeline.database import reading
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests.alerts_examples import DAY, GROUP, RULE, finding, recorded

COVERAGE = Rule(id="labels-missing", metric="coverage", below=0.8)
LONG_AFTER = DAY.end + 1000 * DAY_MICROS


def coverage(labelled: int, *, mature: bool) -> Finding:
    measurement = Measurement(prediction_count=100, labelled_count=labelled)
    return judge(COVERAGE, group=GROUP, measurement=measurement, mature=mature)


def windows(engine: Engine, *, rules: tuple[Rule, ...] = (RULE, COVERAGE), now: int = LONG_AFTER) -> list[int]:
    """The days, counted from ``DAY``, that are to be judged again."""
    config = MonitoringConfig(models=[Model(id="flight_delay", task=Task.REGRESSION, rules=list(rules))])
    with reading(engine) as connection:
        due = windows_coming_of_age(connection, config, now=now)
    return [(window.start - DAY.start) // DAY_MICROS for window in due]


def test_young_breaches_come_of_age_and_other_verdicts_do_not(engine: Engine) -> None:
    ok, few, confirmed = finding(9.0, day=1), finding(labelled=2, day=2), finding(day=3, mature=True)

    recorded(engine, finding(day=4), finding(day=4, segment="carrier=UA"), ok, few, confirmed, now=1)

    assert windows(engine, rules=(RULE.model_copy(update={"segments": ["*"]}),)) == [4]


def test_a_window_whose_labels_never_come_is_judged_again_when_they_are_due(engine: Engine) -> None:
    recorded(engine, coverage(0, mature=False), now=1)
    due_at = DAY.end + 72 * HOUR_MICROS
    assert (windows(engine, now=due_at - 1), windows(engine, now=due_at)) == ([], [0])

    report = recorded(engine, coverage(0, mature=True), now=2)

    assert report.confirmed_count == 1
    assert windows(engine) == []


@pytest.mark.parametrize(
    "rules",
    [(), (RULE.model_copy(update={"grain": Grain.HOUR}),), (RULE.model_copy(update={"segments": ["carrier=*"]}),)],
)
def test_a_breach_that_no_rule_will_judge_again_is_not_due_for_ever(engine: Engine, rules: tuple[Rule, ...]) -> None:
    recorded(engine, finding(), now=1)

    assert windows(engine, rules=rules) == []
    assert windows(engine) == [0]


def test_the_search_reads_an_index_and_not_the_history(sqlite_engine: Engine) -> None:
    with reading(sqlite_engine) as connection:
        query = f"EXPLAIN QUERY PLAN SELECT model_id, grain, window_start FROM findings WHERE {MAY_CHANGE_WITH_AGE}"
        plan = " ".join(str(row) for row in connection.execute(text(query)))

    assert "ix_findings_may_change_with_age" in plan
