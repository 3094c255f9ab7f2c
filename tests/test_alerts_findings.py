from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring_pipeline.alerts.findings import judge, judge_drift
from monitoring_pipeline.alerts.maturity import as_stored, is_mature
from monitoring_pipeline.alerts.vocabulary import Direction, FindingKey, Measurement, Silence, Verdict
from monitoring_pipeline.config.models import Escalation, Labels, Rule, Severity
from monitoring_pipeline.windows import HOUR_MICROS, Grain
from tests.alerts_examples import DAY, GROUP, RULE, finding

BELOW = Rule(id="recall-low", metric="recall", below=0.6)
COVERAGE = Rule(id="labels-missing", metric="coverage", below=0.8)
DRIFT = Rule(id="inputs-moved", metric="drifted_features", above=1)
LATENCY = Rule(id="slow", metric="latency_p95_ms", above=100)
ESCALATING = Rule(id="mae-high", metric="mae", above=10, escalate=Escalation(above=20, severity=Severity.CRITICAL))
ESCALATING_BELOW = Rule(id="recall-low", metric="recall", below=0.6, escalate=Escalation(below=0.3))
LABELS = Labels(maturity=timedelta(hours=72), min_coverage=0.9)


def counts(labelled: int, predictions: int) -> Measurement:
    return Measurement(prediction_count=predictions, labelled_count=labelled)


@pytest.mark.parametrize(
    ("rule", "value", "verdict"),
    [
        (RULE, 10.5, Verdict.BREACH),
        (RULE, 10.0, Verdict.OK),
        (RULE, 9.0, Verdict.OK),
        (BELOW, 0.59, Verdict.BREACH),
        (BELOW, 0.6, Verdict.OK),
        (BELOW, 0.7, Verdict.OK),
    ],
)
def test_a_value_beyond_the_bound_is_a_breach_and_one_on_it_is_ok(rule: Rule, value: float, verdict: Verdict) -> None:
    assert finding(value, rule=rule).verdict is verdict


def test_a_finding_says_on_which_side_and_where_the_bound_is() -> None:
    assert (finding(rule=RULE).direction, finding(rule=RULE).threshold) == (Direction.ABOVE, 10.0)
    assert (finding(rule=BELOW).direction, finding(rule=BELOW).threshold) == (Direction.BELOW, 0.6)


def test_too_few_labels_are_not_enough_data_however_bad_the_value_looks() -> None:
    judged = finding(1e6, labelled=29)

    assert judged.verdict is Verdict.NOT_ENOUGH_DATA
    assert judged.reason == Silence.TOO_FEW_LABELS


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_undefined_and_never_stored(value: float) -> None:
    judged = finding(value)

    assert (judged.verdict, judged.reason, judged.value) == (Verdict.UNDEFINED, Silence.NOT_FINITE, None)


def test_a_metric_without_value_is_undefined_for_its_own_reason() -> None:
    measurement = Measurement(prediction_count=100, labelled_count=60, reason="one_class")

    judged = judge(RULE, group=GROUP, measurement=measurement, mature=True)

    assert (judged.verdict, judged.reason) == (Verdict.UNDEFINED, "one_class")


@pytest.mark.parametrize(
    ("labelled", "mature", "verdict"),
    [
        (40, False, Verdict.NOT_ENOUGH_DATA),
        (40, True, Verdict.BREACH),
        (0, True, Verdict.BREACH),
        (90, False, Verdict.OK),
        (80, True, Verdict.OK),
    ],
)
def test_low_coverage_accuses_only_a_window_whose_labels_are_due(labelled: int, mature: bool, verdict: Verdict) -> None:
    judged = judge(COVERAGE, group=GROUP, measurement=counts(labelled, 100), mature=mature)

    assert judged.verdict is verdict
    assert judged.value == labelled / 100


def test_coverage_of_a_handful_of_predictions_is_not_judged() -> None:
    for predictions in (0, 29):
        judged = judge(COVERAGE, group=GROUP, measurement=counts(0, predictions), mature=True)

        assert (judged.verdict, judged.reason) == (Verdict.NOT_ENOUGH_DATA, Silence.TOO_FEW_PREDICTIONS)


def test_drifted_features_are_counted_and_unknown_ones_left_out() -> None:
    judged = judge_drift(DRIFT, group=GROUP, drifted=[True, True, False, None], prediction_count=500)

    assert (judged.verdict, judged.value, judged.mature) == (Verdict.BREACH, 2.0, True)


def test_drift_is_silent_where_no_feature_had_enough_data() -> None:
    for drifted in ([], [None, None]):
        judged = judge_drift(DRIFT, group=GROUP, drifted=drifted, prediction_count=3)

        assert judged.verdict is Verdict.NOT_ENOUGH_DATA


def test_a_window_matures_by_age_or_by_coverage() -> None:
    due = DAY.end + 72 * HOUR_MICROS

    def mature(rule: Rule, labelled: int, now: int) -> bool:
        return is_mature(rule, window=DAY, measurement=counts(labelled, 100), labels=LABELS, now=now)

    assert not mature(RULE, 89, due - 1)
    assert mature(RULE, 0, due)
    assert mature(RULE, 90, DAY.end)
    assert not is_mature(RULE, window=DAY, measurement=counts(0, 0), labels=LABELS, now=DAY.end)


def test_coverage_itself_matures_by_age_only_and_drift_at_once() -> None:
    complete, unlabelled = counts(95, 100), counts(0, 100)

    assert not is_mature(COVERAGE, window=DAY, measurement=complete, labels=LABELS, now=DAY.end)
    assert is_mature(DRIFT, window=DAY, measurement=unlabelled, labels=LABELS, now=DAY.end)


@pytest.mark.parametrize(
    ("rule", "value", "severity", "threshold"),
    [
        (ESCALATING, 15.0, Severity.WARNING, 10.0),
        (ESCALATING, 20.0, Severity.WARNING, 10.0),
        (ESCALATING, 20.5, Severity.CRITICAL, 20.0),
        (ESCALATING, 5.0, Severity.WARNING, 10.0),
        (ESCALATING_BELOW, 0.4, Severity.WARNING, 0.6),
        (ESCALATING_BELOW, 0.2, Severity.CRITICAL, 0.3),
    ],
)
def test_a_breach_beyond_the_second_bound_has_its_severity_and_names_that_bound(
    rule: Rule, value: float, severity: Severity, threshold: float
) -> None:
    judged = finding(value, rule=rule)

    assert (judged.severity, judged.threshold) == (severity, threshold)


@pytest.mark.parametrize(("predictions", "verdict"), [(30, Verdict.BREACH), (29, Verdict.NOT_ENOUGH_DATA)])
def test_a_metric_that_needs_no_labels_counts_predictions_and_is_mature_at_once(
    predictions: int, verdict: Verdict
) -> None:
    slow = Measurement(prediction_count=predictions, labelled_count=0, value=150.0, needs_labels=False)

    mature = is_mature(LATENCY, window=DAY, measurement=slow, labels=LABELS, now=DAY.end)
    judged = judge(LATENCY, group=GROUP, measurement=slow, mature=mature)

    assert (mature, judged.verdict) == (True, verdict)
    assert judged.reason == (None if verdict is Verdict.BREACH else Silence.TOO_FEW_PREDICTIONS)


@pytest.mark.parametrize(
    ("lower", "verdict", "reason"),
    [(0.05, Verdict.BREACH, None), (-0.01, Verdict.OK, None), (None, Verdict.UNDEFINED, Silence.NO_INTERVAL)],
)
def test_a_shortfall_of_labels_is_a_breach_only_beyond_its_noise(
    lower: float | None, verdict: Verdict, reason: Silence | None
) -> None:
    rule = Rule(id="labels-lack", metric="coverage_shortfall", above=0.1)
    lacking = replace(counts(0, 50), value=0.3, lower=lower, upper=None if lower is None else 0.6)

    judged = judge(rule, group=GROUP, measurement=lacking, mature=False)

    assert (judged.verdict, judged.reason, judged.mature) == (verdict, reason, False)
    assert not is_mature(rule, window=DAY, measurement=counts(50, 50), labels=LABELS, now=DAY.end)


def test_the_age_at_which_an_ok_was_judged_is_not_kept_and_that_of_a_breach_is() -> None:
    young, old = finding(9.0, mature=False), finding(9.0, mature=True)
    breach = finding(12.0, mature=True)

    assert as_stored(young, complete=False) == as_stored(old, complete=False)
    assert as_stored(young, complete=True).mature
    assert as_stored(breach, complete=False) == breach


def test_an_alert_id_depends_on_every_part_of_the_key_and_on_nothing_else() -> None:
    key = finding(12.0).key
    others = [
        replace(key, model_id="x"),
        replace(key, model_version="x"),
        replace(key, environment="x"),
        replace(key, segment="x"),
        replace(key, grain=Grain.HOUR),
        replace(key, window_start=key.window_start + 1),
        replace(key, rule_id="x"),
        FindingKey(
            model_id=key.model_id + key.model_version,
            model_version="",
            environment=key.environment,
            segment=key.segment,
            grain=key.grain,
            window_start=key.window_start,
            rule_id=key.rule_id,
        ),
    ]

    assert finding(1e6, mature=True, labelled=5).key.alert_id == key.alert_id
    assert len({key.alert_id, *(other.alert_id for other in others)}) == len(others) + 1
    # Written out: an id that changes with a release would open every alert again.
    assert key.alert_id == "6bdebf6136dfb422de1cf6adb25fdc92"
