"""Parameters that several routes share, so that each means the same everywhere."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from monitoring_pipeline.api.bodies import Text
from monitoring_pipeline.api.pages import DEFAULT_LIMIT, MOST, encode_cursor
from monitoring_pipeline.api.problems import invalid
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.windows import to_micros

MAX_NAME_CHARS = 200  # as of the ids and names in events


def _written(instant: Any) -> Any:
    # A number would be taken for seconds, or for milliseconds where it is large.
    if not isinstance(instant, datetime) and (not isinstance(instant, str) or "-" not in instant):
        raise ValueError("is not a date or an instant; write 2026-03-02 or 2026-03-02T06:00:00Z")
    return instant


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


Instant = Annotated[datetime, BeforeValidator(_written), AfterValidator(_aware)]
"""A date or an ISO 8601 instant; without a zone it is UTC."""


ModelId = Annotated[
    Text | None,
    Field(max_length=MAX_NAME_CHARS, description="One model; every model that the token may read if left out."),
]
Name = Annotated[Text, Field(max_length=MAX_NAME_CHARS)]


class Asked(BaseModel):
    """What every list may be asked with."""

    model_config = ConfigDict(protected_namespaces=())

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MOST, description="The most items of one page.")
    cursor: str | None = Field(
        default=None, max_length=2_000, description="Where to go on: next_cursor of the page before this one."
    )


class AskedOfWindows(Asked):
    """What lists of windows may be asked with."""

    model_id: ModelId = Field(default=None, examples=["flight_delay"])
    segment: Name | None = Field(default=None, description="One segment.", examples=["all"])
    start: Instant | None = Field(
        default=None,
        alias="from",
        description="Windows that start at or after this date or instant.",
        examples=["2026-03-01"],
    )
    end: Instant | None = Field(
        default=None,
        alias="to",
        description="Windows that start before this date or instant.",
        examples=["2026-03-02T06:00:00Z"],
    )


AsOf = Annotated[
    Instant | None,
    Field(
        description="What the monitor held to be true at this past instant; the answer never changes.",
        examples=["2026-03-02T06:00:00Z"],
    ),
]


def answering(example: Mapping[str, Any], *, status: HTTPStatus = HTTPStatus.OK) -> dict[int | str, dict[str, Any]]:
    """What a route declares of its answer beside the model: how one looks."""
    return {status.value: {"content": {"application/json": {"example": example}}}}


def page_answering(item: Mapping[str, Any], *key: str | int) -> dict[int | str, dict[str, Any]]:
    """What a list declares of its answer: how a page looks that another one follows."""
    return answering({"items": [item], "next_cursor": encode_cursor(list(key))})


def micros(instant: datetime | None) -> int | None:
    """Microseconds UTC."""
    return None if instant is None else to_micros(instant)


def span(start: datetime | None, end: datetime | None) -> tuple[int | None, int | None]:
    """The half-open range that ``from`` and ``to`` give, in microseconds UTC.

    Raises:
        Problem: 422 if it can hold no window.
    """
    if start is not None and end is not None and end <= start:
        raise invalid(("query.to", "is not after from; it is the first instant left out"))
    return micros(start), micros(end)


def past(service: Service, as_of: datetime | None) -> int | None:
    """The instant of ``as_of`` in microseconds UTC.

    Raises:
        Problem: 422 if it lies in the future, of which nothing is known.
    """
    instant = micros(as_of)
    if instant is not None and instant > service.installation.clock():
        raise invalid(("query.as_of", "is in the future; name an instant that has passed"))
    return instant
