"""From the evidence to verdicts: every rule of a model on every group that it covers."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from monitoring_pipeline.alerts.findings import judge, judge_change, judge_drift
from monitoring_pipeline.alerts.maturity import (
    COVERAGE_SHORTFALL,
    as_stored,
    due_at,
    is_complete,
    is_mature,
)
from monitoring_pipeline.alerts.persistence import JudgedAlone, lasting, windows_before
from monitoring_pipeline.alerts.vocabulary import Finding, Group, Measurement
from monitoring_pipeline.config.models import DRIFT_METRICS, Model, Rule
from monitoring_pipeline.drift.verdict import OF_TRUTH
from monitoring_pipeline.stages.judging.evidence import Drifted, drifted_subjects, measurements, of_metric
from monitoring_pipeline.stages.judging.of_age import OfAge
from monitoring_pipeline.stages.judging.trends import trend_verdicts
from monitoring_pipeline.windows import Grain, Window

T = TypeVar("T")


def verdicts(
    connection: Connection, model: Model, grain: Grain, windows: Collection[int], of_age: OfAge
) -> list[Finding]:
    """Each rule's verdict on each group of a model's windows.

    Args:
        connection: of the transaction that records the verdicts.
        model: the declaration with its rules.
        grain: of the windows.
        windows: their starts.
        of_age: what depends on the windows' label age, and the instant that it was told at.
    """
    rules = [rule for rule in model.rules if rule.grain is grain]
    if not rules:
        return []
    looked_at = {*windows, *(start for rule in rules for start in windows_before(rule, windows))}
    measured = measurements(connection, model, grain, looked_at)
    drifted = drifted_subjects(connection, model.id, grain, looked_at)
    findings: list[Finding] = []
    for rule in rules:
        of_rule = partial(_covered, rule, {*windows, *windows_before(rule, windows)})
        if rule.trend is not None:
            findings += trend_verdicts(rule, model, of_rule(measured), windows, now=of_age.now)
            continue
        if (drift_type := DRIFT_METRICS.get(rule.metric)) is not None:
            alone = {
                group: _drift_alone(rule, model, of_age, group, f) for group, f in of_rule(drifted[drift_type]).items()
            }
        else:
            alone = {group: _alone(rule, model, of_age, group, found) for group, found in of_rule(measured).items()}
        findings += _lasting(rule, model, of_age, set(windows), alone)
    return findings


def _covered(rule: Rule, windows: Collection[int], groups: Mapping[Group, T]) -> dict[Group, T]:
    return {
        group: value
        for group, value in groups.items()
        if group.window.start in windows and rule.covers(environment=group.environment, segment=group.segment)
    }


def _lasting(
    rule: Rule, model: Model, of_age: OfAge, windows: Collection[int], alone: Mapping[Group, JudgedAlone]
) -> Iterator[Finding]:
    """The verdicts on the windows, each beside those before it."""
    for group, judged in alone.items():
        if group.window.start in windows:
            earlier = sorted(windows_before(rule, [group.window.start]))
            same_group = (replace(group, window=Window(start, rule.grain)) for start in earlier)
            before = [alone[other] for other in same_group if other in alone]
            due = of_age.now >= due_at(group.window, model.labels)
            yield as_stored(lasting(rule, judged, before, due=due), complete=judged.complete)


def _drift_alone(rule: Rule, model: Model, of_age: OfAge, group: Group, found: Drifted) -> JudgedAlone:
    features, row_count = found
    finding = judge_drift(rule, group=group, drifted=features, prediction_count=row_count)
    counts = Measurement(prediction_count=row_count, labelled_count=0)
    mature = is_mature(rule, window=group.window, measurement=counts, labels=model.labels, now=of_age.now)
    # Drift of the truth is never complete but by age: labels that come late need not be like those that are there.
    complete = DRIFT_METRICS[rule.metric] not in OF_TRUTH
    return JudgedAlone(finding=replace(finding, mature=mature), complete=complete)


def _alone(rule: Rule, model: Model, of_age: OfAge, group: Group, by_metric: Mapping[str, Measurement]) -> JudgedAlone:
    measurement = of_metric(model, by_metric, rule.metric)
    mature = is_mature(rule, window=group.window, measurement=measurement, labels=model.labels, now=of_age.now)
    if rule.baseline is not None:
        comparison = of_age.comparisons.get((rule.id, group))
        finding = judge_change(rule, group=group, measurement=measurement, comparison=comparison, mature=mature)
    else:
        if rule.metric == COVERAGE_SHORTFALL:
            measurement = of_age.shortfall(model, group.window, measurement)
        finding = judge(rule, group=group, measurement=measurement, mature=mature)
    return JudgedAlone(finding=finding, complete=is_complete(measurement, model.labels))
