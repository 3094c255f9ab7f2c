"""Whether the rows were as they should be: expectations of each model's newest validated hour."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlalchemy import select

from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.exposition.families import MODEL, Family
from monitoring_pipeline.exposition.moment import Moment
from monitoring_pipeline.exposition.standing import SHOWN_MICROS
from monitoring_pipeline.quality.score import blocked_hours, scores
from monitoring_pipeline.quality.verdicts import QualityResult, Verdict
from monitoring_pipeline.results.tables import quality_results
from monitoring_pipeline.stages.rows import joined, logged

_DATASETS = (joined.DATASET, logged.DATASET)


def families(moment: Moment) -> Iterator[Family]:
    """The families of this module."""
    results = _newest(moment)
    found = {model_id: scores(of_model) for model_id, of_model in results.items()}
    yield Family(
        name="mlmon_quality_score_ratio",
        meaning="Weighted share of the expectations that hold in the newest validated hour, 0 to 1.",
        labels=(MODEL,),
        samples=[((model_id,), score) for model_id, of_hour in found.items() for score in of_hour.values()],
        most=200,
    )
    yield Family(
        name="mlmon_quality_blocked",
        meaning="1 if a critical expectation fails in the newest validated hour, so that it is not measured.",
        labels=(MODEL,),
        samples=[((model_id,), float(bool(blocked_hours(of_model)))) for model_id, of_model in results.items()],
        most=200,
    )
    yield Family(
        name="mlmon_quality_expectations",
        meaning="Expectations of the newest validated hour, by severity and verdict.",
        labels=(MODEL, "severity", "verdict"),
        samples=[
            ((model_id, severity.value, verdict.value), counts[severity, verdict])
            for model_id, of_model in results.items()
            for counts in [Counter((result.severity, result.verdict) for result in of_model)]
            for severity in Severity
            for verdict in Verdict
        ],
        most=270,
    )


def _newest(moment: Moment) -> dict[str, list[QualityResult]]:
    table = quality_results.c
    models = select(version_totals.c.model_id).distinct().subquery()
    recent = (table.window_start > moment.now - SHOWN_MICROS, table.known_to.is_(None))
    of_dataset = [
        select(table.window_start)
        .where(table.model_id == models.c.model_id, table.dataset == dataset, *recent)
        .order_by(table.window_start.desc())
        .limit(1)
        .correlate(models)
        .scalar_subquery()
        for dataset in _DATASETS
    ]
    windows: dict[int, list[str]] = defaultdict(list)
    for model_id, *starts in moment.connection.execute(select(models.c.model_id, *of_dataset)):
        validated = [start for start in starts if start is not None]
        if validated and model_id in moment.rank:
            windows[max(validated)].append(model_id)
    results: dict[str, list[QualityResult]] = {}
    for start, model_ids in windows.items():
        at = (table.model_id.in_(model_ids), table.dataset.in_(_DATASETS), table.window_start == start)
        for row in moment.connection.execute(select(quality_results).where(*at, table.known_to.is_(None))):
            results.setdefault(row.model_id, []).append(
                QualityResult(
                    window_start=row.window_start,
                    dataset=row.dataset,
                    expectation=row.expectation,
                    severity=Severity(row.severity),
                    verdict=Verdict(row.verdict),
                    unexpected_count=row.unexpected_count,
                    row_count=row.row_count,
                    detail=row.detail,
                )
            )
    return dict(sorted(results.items(), key=lambda item: moment.rank[item[0]]))
