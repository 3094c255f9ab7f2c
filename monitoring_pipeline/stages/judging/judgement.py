"""From the evidence to verdicts: every rule of a model on every group that it covers."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from monitoring_pipeline.alerts.findings import judge, judge_change, judge_drift
from monitoring_pipeline.alerts.maturity import (
    COVERAGE_SHORTFALL,
    DRIFTED_FEATURES,
    as_stored,
    is_complete,
    is_mature,
)
from monitoring_pipeline.alerts.vocabulary import Finding, Group, Measurement
from monitoring_pipeline.config.models import Model, Rule
from monitoring_pipeline.stages.judging.evidence import drifted_features, measurements, of_metric
from monitoring_pipeline.stages.judging.of_age import OfAge
from monitoring_pipeline.windows import Grain

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
    measured = measurements(connection, model, grain, windows)
    drifted = drifted_features(connection, model.id, grain, windows)
    findings: list[Finding] = []
    for rule in rules:
        if rule.metric == DRIFTED_FEATURES:
            findings += [
                judge_drift(rule, group=group, drifted=features, prediction_count=row_count)
                for group, (features, row_count) in _covered(rule, drifted).items()
            ]
        else:
            judged = partial(_judged, rule, model, of_age)
            findings += [judged(group, by_metric) for group, by_metric in _covered(rule, measured).items()]
    return findings


def _covered(rule: Rule, groups: Mapping[Group, T]) -> dict[Group, T]:
    return {g: value for g, value in groups.items() if rule.covers(environment=g.environment, segment=g.segment)}


def _judged(rule: Rule, model: Model, of_age: OfAge, group: Group, by_metric: Mapping[str, Measurement]) -> Finding:
    measurement = of_metric(model, by_metric, rule.metric)
    mature = is_mature(rule, window=group.window, measurement=measurement, labels=model.labels, now=of_age.now)
    if rule.baseline is not None:
        comparison = of_age.comparisons.get((rule.id, group))
        finding = judge_change(rule, group=group, measurement=measurement, comparison=comparison, mature=mature)
    else:
        if rule.metric == COVERAGE_SHORTFALL:
            measurement = of_age.shortfall(model, group.window, measurement)
        finding = judge(rule, group=group, measurement=measurement, mature=mature)
    return as_stored(finding, complete=is_complete(measurement, model.labels))
