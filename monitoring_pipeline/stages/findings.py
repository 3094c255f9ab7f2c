"""``hourly_findings`` and ``daily_findings``: each rule's verdict on each window, and the alerts that follow.

A verdict is written only when it changed, together with the alert's transition and its messages, so a rerun
tells nobody anything twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from monitoring_pipeline.alerts.findings import DRIFTED_FEATURES, is_mature, judge, judge_drift
from monitoring_pipeline.alerts.life_cycle import record
from monitoring_pipeline.alerts.maturing import windows_coming_of_age
from monitoring_pipeline.alerts.vocabulary import Finding, Group, Measurement
from monitoring_pipeline.config.models import Model, Rule
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.results.write import checksum_of
from monitoring_pipeline.stages.evidence import drifted_features, measurements
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.performance import DATASETS as PERFORMANCE
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, StageReport, chunks, unchanged
from monitoring_pipeline.windows import Grain

DATASETS = {Grain.HOUR: "hourly_findings", Grain.DAY: "daily_findings"}

T = TypeVar("T")


def judge_windows(pipeline: Pipeline, grain: Grain, starts: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Judge every model's windows; with ``only_due`` those whose performance is newer than their verdict."""
    outcomes: list[ModelOutcome] = []
    for chunk in chunks(starts):
        with reading(pipeline.engine) as connection:
            sources = ledger.entries(connection, PERFORMANCE[grain], chunk)
            standing = ledger.entries(connection, DATASETS[grain], chunk)
        work = ledger.outstanding(sources, standing, only_due=only_due)
        outcomes += unchanged(standing, work)
        for model_id, of_model in work.items():
            outcomes += _judge_model(pipeline, grain, model_id, of_model)
    return StageReport(dataset=DATASETS[grain], outcomes=tuple(outcomes))


def mature_alerts(pipeline: Pipeline) -> StageReport:
    """Judge again the windows whose verdict waited for labels that have come of age by the passing of time alone."""
    with reading(pipeline.engine) as connection:
        matured = windows_coming_of_age(connection, pipeline.config, now=pipeline.clock())
    outcomes: list[ModelOutcome] = []
    for grain in Grain:
        starts = [window.start for window in matured if window.grain is grain]
        outcomes += judge_windows(pipeline, grain, starts).outcomes
    return StageReport(dataset="alerts", outcomes=tuple(outcomes))


def _judge_model(
    pipeline: Pipeline, grain: Grain, model_id: str, sources: Sequence[ledger.LedgerEntry]
) -> list[ModelOutcome]:
    now = pipeline.clock()
    by_window: dict[int, list[Finding]] = defaultdict(list)
    with writing(pipeline.engine) as connection:
        ledger.serialize(connection, DATASETS[grain])
        model = declaration(connection, pipeline.config, model_id)
        findings = _verdicts(connection, model, grain, [source.window_start for source in sources], now=now)
        record(connection, findings, now=now, channels_for=_channels_of(model))
        for finding in findings:
            by_window[finding.key.window_start].append(finding)
        outputs = [_entry(grain, source, by_window[source.window_start]) for source in sources]
        ledger.publish(connection, ledger.not_newer(connection, outputs), now=now)
    return [_outcome(output, by_window[output.window_start]) for output in outputs]


def _verdicts(connection: Connection, model: Model, grain: Grain, windows: Sequence[int], *, now: int) -> list[Finding]:
    rules = [rule for rule in model.rules if rule.grain is grain]
    if not rules:
        return []
    measured = measurements(connection, model.id, grain, windows)
    drifted = drifted_features(connection, model.id, grain, windows)
    findings: list[Finding] = []
    for rule in rules:
        if rule.metric == DRIFTED_FEATURES:
            findings += [
                judge_drift(rule, group=group, drifted=features, prediction_count=row_count)
                for group, (features, row_count) in _covered(rule, drifted).items()
            ]
        else:
            findings += [
                _judged(rule, model, group, by_metric, now=now) for group, by_metric in _covered(rule, measured).items()
            ]
    return findings


def _covered(rule: Rule, groups: Mapping[Group, T]) -> dict[Group, T]:
    return {g: value for g, value in groups.items() if rule.covers(environment=g.environment, segment=g.segment)}


def _judged(rule: Rule, model: Model, group: Group, by_metric: Mapping[str, Measurement], *, now: int) -> Finding:
    # Coverage is not among the metrics; its counts stand with every one of them.
    measurement = by_metric.get(rule.metric) or next(iter(by_metric.values()))
    mature = is_mature(rule, window=group.window, measurement=measurement, labels=model.labels, now=now)
    return judge(rule, group=group, measurement=measurement, mature=mature)


def _channels_of(model: Model) -> Callable[[Finding], list[str]]:
    own = {rule.id: rule.channels for rule in model.rules}

    def channels_for(finding: Finding) -> list[str]:
        named = own[finding.key.rule_id]
        return model.channels if named is None else named

    return channels_for


def _entry(grain: Grain, source: ledger.LedgerEntry, findings: Sequence[Finding]) -> ledger.LedgerEntry:
    rows = [
        {
            "group": [f.key.model_version, f.key.environment, f.key.segment],
            "rule": f.key.rule_id,
            "verdict": f.verdict.value,
            "value": f.value,
        }
        for f in findings
    ]
    return ledger.LedgerEntry(
        dataset=DATASETS[grain],
        model_id=source.model_id,
        window_start=source.window_start,
        revision=source.revision,
        checksum=checksum_of(rows),
        row_count=len(rows),
    )


def _outcome(output: ledger.LedgerEntry, findings: Sequence[Finding]) -> ModelOutcome:
    return ModelOutcome(
        model_id=output.model_id,
        window_start=output.window_start,
        state="computed",
        row_count=output.row_count,
        details=dict(Counter(finding.verdict.value for finding in findings)),
    )
