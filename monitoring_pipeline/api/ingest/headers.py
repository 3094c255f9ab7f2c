"""What the ingest path reads of a request's head."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs

from starlette.types import Scope

from monitoring_pipeline.api.problems import Problem, invalid
from monitoring_pipeline.events.schema import Kind


class DataSource(StrEnum):
    """Where events go."""

    ML_MODEL_PREDICTIONS = "ml_model_predictions"
    ML_MODEL_ACTUALS = "ml_model_actuals"


_KINDS: dict[str, Kind] = {
    DataSource.ML_MODEL_PREDICTIONS: Kind.PREDICTIONS,
    DataSource.ML_MODEL_ACTUALS: Kind.ACTUALS,
}
_GZIP = {"gzip", "x-gzip"}  # the second is the first, by its old name


@dataclass(frozen=True, slots=True)
class IngestHead:
    """The headers that matter here.

    Args:
        authorization: as it was sent.
        is_packed: whether the body is gzip.
        announced: the length of the body, where it is told.
    """

    authorization: str
    is_packed: bool
    announced: int | None

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """The head of a request.

        Raises:
            Problem: 415 for an encoding other than gzip.
        """
        authorization, encoding, announced = "", "", None
        for name, value in scope["headers"]:
            if name == b"content-length":
                announced = int(value)  # the server has refused what is no number
            elif name == b"authorization":
                authorization = value.decode("latin-1")
            elif name == b"content-encoding":
                encoding = value.decode("latin-1").strip().lower()
        return cls(authorization, bool(encoding) and _is_gzip(encoding), announced)


def _is_gzip(encoding: str) -> bool:
    if encoding == "identity":
        return False
    if encoding in _GZIP:
        return True
    detail = "this Content-Encoding is not understood; send the body as it is, or with Content-Encoding: gzip"
    headers = {"Accept-Encoding": "gzip"}
    raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-encoding", detail, headers=headers)


@lru_cache(maxsize=64)
def kind_of(query: bytes) -> Kind:
    """What the address says the events are: the parameter ``name``.

    Args:
        query: the part of the address behind the question mark.

    Raises:
        Problem: 422 if it is missing or unknown.
    """
    try:
        names = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("name", [])
    except ValueError:  # more parameters than anybody needs
        names = []
    kind = _KINDS.get(names[-1]) if names else None
    if kind is None:
        found = "not known" if names else "missing"
        raise invalid(("query.name", f"{found}; send ?name={' or ?name='.join(_KINDS)}"))
    return kind
