"""``hourly_findings`` and ``daily_findings``: each rule's verdict on each window, and the alerts that follow.

A verdict is written only when it changed, together with the alert's transition and its messages, so a rerun
tells nobody anything twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial

from sqlalchemy import Connection

from monitoring_pipeline.alerts.life_cycle import record
from monitoring_pipeline.alerts.maturing import windows_coming_of_age
from monitoring_pipeline.alerts.maturity import changes_with_age
from monitoring_pipeline.alerts.persistence import windows_after, windows_before
from monitoring_pipeline.alerts.standing import standing_of_windows
from monitoring_pipeline.alerts.vocabulary import Finding, FindingKey, Silence
from monitoring_pipeline.alerts.withdrawal import subjects_without_rule, withdraw, without_evidence
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.knowledge import knowledge_time
from monitoring_pipeline.results.write import checksum_of
from monitoring_pipeline.stages.drifting.drift import DATASETS as DRIFT
from monitoring_pipeline.stages.drifting.truth.truth_drift import DATASET as TRUTH_DRIFT
from monitoring_pipeline.stages.drifting.truth.truth_drift import following_days
from monitoring_pipeline.stages.drifting.windows import following
from monitoring_pipeline.stages.judging.ageing import windows_grown_older
from monitoring_pipeline.stages.judging.causes import causes_of
from monitoring_pipeline.stages.judging.judgement import verdicts
from monitoring_pipeline.stages.judging.of_age import of_age
from monitoring_pipeline.stages.measuring.performance_results import DATASETS as PERFORMANCE
from monitoring_pipeline.stages.models import declaration
from monitoring_pipeline.stages.outstanding import compute_outstanding
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState, StageReport
from monitoring_pipeline.stages.rows import logged
from monitoring_pipeline.windows import Grain

DATASETS = {Grain.HOUR: "hourly_findings", Grain.DAY: "daily_findings"}

# What looks at several windows for the verdict on one: drift of pooled hours, and detectors that replay days.
_MEASURED_TOGETHER = {Grain.HOUR: DRIFT[Grain.HOUR], Grain.DAY: TRUTH_DRIFT}


def judge_windows(pipeline: Pipeline, grain: Grain, starts: Sequence[int], *, only_due: bool = False) -> StageReport:
    """Judge every model's windows; with ``only_due`` those whose performance is newer than their verdict."""
    judge_model = partial(_judge_model, pipeline, grain)
    return compute_outstanding(
        pipeline, starts, judge_model, inputs=PERFORMANCE[grain], outputs=DATASETS[grain], only_due=only_due
    )


def mature_alerts(pipeline: Pipeline) -> StageReport:
    """Judge again the windows that time alone has changed: their labels are due, or they reached another age."""
    now = pipeline.clock()
    with reading(pipeline.engine) as connection:
        matured = windows_coming_of_age(connection, pipeline.config, now=now)
        older = windows_grown_older(connection, pipeline.config, DATASETS, now=now)
    starts = {(window.grain, window.start) for window in matured} | {(w.grain, w.window_start) for w in older}
    reports = [
        judge_windows(pipeline, grain, sorted(start for of_grain, start in starts if of_grain is grain))
        for grain in Grain
    ]
    return StageReport(
        dataset="alerts",
        outcomes=tuple(outcome for report in reports for outcome in report.outcomes),
        failures=tuple(failure for report in reports for failure in report.failures),
    )


def withdraw_alerts(pipeline: Pipeline) -> int:
    """End the active alerts whose rule is no longer in the config; return how many there were."""
    with writing(pipeline.engine) as connection:
        for dataset in DATASETS.values():
            ledger.serialize(connection, dataset)
        now = max(knowledge_time(connection, dataset, clock=pipeline.clock) for dataset in DATASETS.values())
        return withdraw(connection, pipeline.config, now=now)


def review_due(pipeline: Pipeline) -> tuple[int, ...]:
    """What the review of alerts would do now, in numbers that change with it; empty if nothing."""
    now = pipeline.clock()
    with reading(pipeline.engine) as connection:
        matured = windows_coming_of_age(connection, pipeline.config, now=now)
        older = windows_grown_older(connection, pipeline.config, DATASETS, now=now)
        ruleless = subjects_without_rule(connection, pipeline.config)
    if not (matured or older or ruleless):
        return ()
    # One window grows older many times: only the age's instant tells one time from another.
    reached_at = older[-1].reached_at if older else 0
    return len(matured), matured[-1].start if matured else 0, len(ruleless), len(older), reached_at


def _judge_model(
    pipeline: Pipeline, grain: Grain, model_id: str, sources: Sequence[ledger.LedgerEntry]
) -> list[ModelOutcome]:
    asked = {source.window_start for source in sources}
    by_window: dict[int, list[Finding]] = defaultdict(list)
    with reading(pipeline.engine) as connection:
        model = declaration(connection, pipeline.config, model_id)
        sources = [*sources, *_to_judge_again(connection, model, grain, asked)]
        after = _measured_after(connection, model, grain, [source.window_start for source in sources])
    in_view = [*(source.window_start for source in sources), *after]
    aged = of_age(pipeline, model, grain, in_view, now=pipeline.clock())
    with writing(pipeline.engine) as connection:
        ledger.serialize(connection, DATASETS[grain])
        sources = [*sources, *_judged_of(connection, model, grain, after)]
        windows = [source.window_start for source in sources]
        now = knowledge_time(connection, DATASETS[grain], clock=pipeline.clock)
        findings = verdicts(connection, model, grain, windows, aged)
        gone = _gone(connection, model, grain, windows, {finding.key for finding in findings})
        ages = {rule.id for rule in model.rules if changes_with_age(rule)}
        causes_for = partial(causes_of, connection, ages=ages, looks_back=_looks_back(model))
        record(connection, [*findings, *gone], now=now, channels_for=_channels_of(model), causes_for=causes_for)
        for finding in findings:
            by_window[finding.key.window_start].append(finding)
        outputs = [_entry(grain, source, by_window[source.window_start]) for source in sources]
        waiting = _waiting_for_drift(connection, model_id, grain, windows)
        complete = [output for output in outputs if output.window_start not in waiting]
        # The instant that said how old the windows are, else an age reached meanwhile would pass for judged.
        ledger.publish(connection, ledger.not_newer(connection, complete), now=aged.now)
    return [_outcome(output, by_window[output.window_start]) for output in outputs if output.window_start in asked]


def _to_judge_again(
    connection: Connection, model: Model, grain: Grain, windows: Collection[int]
) -> list[ledger.LedgerEntry]:
    """Later windows whose verdict was forgotten because they were measured again together with these."""
    after = following(model, grain, windows) if grain is Grain.HOUR else following_days(model, windows)
    measured = ledger.entries(connection, _MEASURED_TOGETHER[grain], after, model_id=model.id)
    judged = ledger.entries(connection, DATASETS[grain], after, model_id=model.id)
    sources = ledger.entries(connection, PERFORMANCE[grain], after, model_id=model.id)
    return [source for key, source in sorted(sources.items()) if key in measured and key not in judged]


def _measured_after(connection: Connection, model: Model, grain: Grain, windows: Collection[int]) -> list[int]:
    """Later windows with performance whose rules look back at these."""
    rules = [rule for rule in model.rules if rule.grain is grain]
    after = {start for rule in rules for start in windows_after(rule, windows)} - set(windows)
    return sorted(start for _, start in ledger.entries(connection, PERFORMANCE[grain], after, model_id=model.id))


def _judged_of(
    connection: Connection, model: Model, grain: Grain, windows: Collection[int]
) -> list[ledger.LedgerEntry]:
    """Those of the windows that have been judged, which they are again when an earlier one is.

    Asked for in the transaction that judges: a window that another run judges meanwhile is either judged before it,
    and is found here, or after it, and looks back at what stands then. Nobody else's change of its own numbers is
    passed over: what it is judged by is read later than the revision that it is judged for.
    """
    judged = ledger.entries(connection, DATASETS[grain], windows, model_id=model.id)
    sources = ledger.entries(connection, PERFORMANCE[grain], windows, model_id=model.id)
    return [source for key, source in sorted(sources.items()) if key in judged]


def _waiting_for_drift(connection: Connection, model_id: str, grain: Grain, windows: Sequence[int]) -> set[int]:
    """Windows whose drift could not be measured: they are judged by what stands, and stay due."""
    read = ledger.entries if grain is Grain.HOUR else ledger.day_sources
    inputs = read(connection, logged.DATASET, windows, model_id=model_id)
    measured = ledger.entries(connection, DRIFT[grain], windows, model_id=model_id)
    return {
        entry.window_start
        for key, entry in inputs.items()
        if key not in measured or measured[key].revision < entry.revision
    }


def _gone(
    connection: Connection,
    model: Model,
    grain: Grain,
    windows: Sequence[int],
    judged: Collection[FindingKey],
) -> list[Finding]:
    """The standing findings of the present rules that no group of the window answers to any more.

    Left as they are they would wait for ever for labels that nobody will count.
    """
    rules = {rule.id for rule in model.rules if rule.grain is grain}
    return [
        without_evidence(finding, Silence.GROUP_GONE)
        for finding in standing_of_windows(connection, model.id, grain, windows)
        if finding.key not in judged and finding.key.rule_id in rules
    ]


def _channels_of(model: Model) -> Callable[[Finding], list[str]]:
    own = {rule.id: rule.channels for rule in model.rules}

    def channels_for(finding: Finding) -> list[str]:
        named = own[finding.key.rule_id]
        return model.channels if named is None else named

    return channels_for


def _looks_back(model: Model) -> dict[str, int]:
    """How far before its window each rule looks, microseconds."""
    return {rule.id: -min(windows_before(rule, [0]), default=0) for rule in model.rules}


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
    counts = Counter(finding.verdict.value for finding in findings)
    return ModelOutcome.of(output, OutcomeState.COMPUTED, counts)
