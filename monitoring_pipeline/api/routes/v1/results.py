"""``GET /v1/metrics`` and ``GET /v1/drift``: what stands, or stood at an instant, of hours and days."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from monitoring_pipeline.access.scopes import Caller
from monitoring_pipeline.api.callers import MetricsReader
from monitoring_pipeline.api.known_models import models_for, see_that_known
from monitoring_pipeline.api.pages import Page, decode_cursor, page_of
from monitoring_pipeline.api.routes.v1.bodies.results import A_DRIFT, A_METRIC, DriftShown, MetricShown
from monitoring_pipeline.api.routes.v1.parameters import AskedOfWindows, AsOf, Name, page_answering, past, span
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.database import Key
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftType, DriftVerdict
from monitoring_pipeline.results.listings import DRIFT, METRICS, Listing, ResultRow
from monitoring_pipeline.results.read import page_of_results
from monitoring_pipeline.results.selection import ResultSelection
from monitoring_pipeline.windows import Grain

router = APIRouter(prefix="/v1", tags=["results"])

MOST_NAMES = 50
ALL = "all"

_PLACE = ("flight_delay", "day", 1_772_323_200_000_000, "3", "production", "all")


class ResultsAsked(AskedOfWindows):
    """What both lists may be asked with."""

    model_version: Name | None = Field(default=None, description="One version.", examples=["3"])
    environment: Name | None = Field(default=None, description="One environment.", examples=["production"])
    segment: Name | None = Field(
        default=None,
        description="One segment, or with a star at its end every one that starts so.",
        examples=["carrier=*"],
    )
    grain: Grain | None = Field(default=None, description="The length of the windows; hours and days if left out.")
    as_of: AsOf = None


class MetricsAsked(ResultsAsked):
    """What metrics may be asked with."""

    metric: list[Name] | None = Field(default=None, max_length=MOST_NAMES, description="Some metrics.")


class DriftAsked(ResultsAsked):
    """What drift may be asked with."""

    drift_type: list[DriftType] | None = Field(default=None, description="Some kinds of drift.")
    feature: list[Name] | None = Field(default=None, max_length=MOST_NAMES, description="Some features.")
    measure: list[Measure | Literal["all"]] = Field(
        default=[Measure.OVERALL], max_length=MOST_NAMES, description="Some measures, or all of them."
    )
    verdict: list[DriftVerdict] | None = Field(default=None, description="Some verdicts.")


@router.get("/metrics", responses=page_answering(A_METRIC, *_PLACE, "mae"))
def list_metrics(
    service: ServiceOf, caller: MetricsReader, asked: Annotated[MetricsAsked, Query()]
) -> Page[MetricShown]:
    """The metrics that stand, or stood at an instant: one item for each window, group and metric.

    The same answers as `monitor metrics` gives, by model, grain, window, version, environment, segment and metric.
    """
    rows, next_key = _page(service, caller, METRICS, asked, {"metric": asked.metric})
    return page_of([MetricShown(**row) for row in rows], next_key)


@router.get("/drift", responses=page_answering(A_DRIFT, *_PLACE, "data_drift", "destination", "overall"))
def list_drift(service: ServiceOf, caller: MetricsReader, asked: Annotated[DriftAsked, Query()]) -> Page[DriftShown]:
    """The drift verdicts that stand, or stood at an instant: one item for each window, group and feature.

    The same answers as `monitor drift` gives, by model, grain, window, version, environment, segment, kind, feature.
    """
    named: _Named = {
        "drift_type": asked.drift_type,
        "feature": asked.feature,
        "measure": None if ALL in asked.measure else asked.measure,
        "verdict": asked.verdict,
    }
    rows, next_key = _page(service, caller, DRIFT, asked, named)
    return page_of([DriftShown(**row) for row in rows], next_key)


_Named = Mapping[str, Sequence[str] | None]


def _page(
    service: Service, caller: Caller, listing: Listing, asked: ResultsAsked, named: _Named
) -> tuple[list[ResultRow], Key | None]:
    """The rows of one page, and the key of the next."""
    start, end = span(asked.start, asked.end)
    selection = ResultSelection(
        model_ids=models_for(service, caller, asked.model_id),
        model_version=asked.model_version,
        environment=asked.environment,
        grain=asked.grain,
        start=start,
        end=end,
        segment=asked.segment,
        named=tuple((name, values) for name, values in named.items() if values is not None),
    )
    rows, next_key = page_of_results(
        service.installation.engine,
        listing,
        selection,
        limit=asked.limit,
        after=decode_cursor(asked.cursor, listing.key_kinds),
        as_of=past(service, asked.as_of),
        clock=service.installation.clock,
    )
    see_that_known(service, caller, asked.model_id, found=rows)
    return rows, next_key
