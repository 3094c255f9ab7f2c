"""What the server's answer to a request means for the events in it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus

import httpx
import orjson

from monitoring_pipeline.client.sending.pauses import retry_after_seconds

_MOST_REASON_CHARS = 300


# About the moment, the token or the address, not about these events: they are right, and are taken once that is mended.
# What a token does not grant (403) may be the fault of one event's model; what is wrong with an event never heals.
_LATER = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
}
_LATER_TYPE = "urn:monitoring-pipeline:problem:foreign-request"  # a 403: the server is not known under this name


class Verdict(StrEnum):
    """What an answer says of the events."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The meaning of one answer, or of none.

    Args:
        verdict: whether the events are stored, to be sent again, or never to be sent again.
        reason: why they are not stored; for people.
        quarantined_count: of stored events, those that the server put into quarantine.
        retry_after_seconds: what the server asked for.
        is_server_fault: a 500: it may be one of these very events that the server stumbles over.
    """

    verdict: Verdict
    reason: str = ""
    quarantined_count: int = 0
    retry_after_seconds: float | None = None
    is_server_fault: bool = False


def answer_of(response: httpx.Response, body: bytes, *, event_count: int, now: datetime) -> Answer:
    """What a response means.

    Args:
        response: its status and headers.
        body: the beginning of its body.
        event_count: that were sent.
        now: what a dated ``Retry-After`` is measured from.
    """
    status = response.status_code
    if response.is_success:
        return _acknowledgement(body, event_count)
    reason = f"it answered {status}{_detail(body)}"
    if response.is_client_error and status not in _LATER and _object(body).get("type") != _LATER_TYPE:
        return Answer(verdict=Verdict.REFUSED, reason=reason)
    return Answer(
        verdict=Verdict.LATER,
        reason=reason,
        retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), now=now),
        is_server_fault=status == HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def _acknowledgement(body: bytes, count: int) -> Answer:
    """Stored, if the answer accounts for every event: a page of some proxy may be a 200, too."""
    answer = _object(body)
    stored, quarantined = answer.get("successful_rows"), answer.get("quarantined_rows")
    if isinstance(stored, int) and isinstance(quarantined, int) and stored + quarantined == count:
        return Answer(verdict=Verdict.TAKEN, quarantined_count=quarantined)
    return Answer(verdict=Verdict.LATER, reason="its answer does not account for the events: is it the monitor?")


def _detail(body: bytes) -> str:
    """What a problem document says, on one line."""
    detail = _object(body).get("detail")
    if not isinstance(detail, str):
        return ""
    line = "".join(character if character.isprintable() else " " for character in detail)
    return f": {line[:_MOST_REASON_CHARS]}"


def _object(body: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
