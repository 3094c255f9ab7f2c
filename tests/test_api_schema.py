"""The API keeps to its own OpenAPI document, whatever is asked: schemathesis makes up the requests."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from tests.conftest import FixedClock
from tests.serving import event, installation_on, served

SEED = 20_260_302
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@contextmanager
def filled(engine: Engine, tmp_path: Path, clock: FixedClock) -> Iterator[httpx.Client]:
    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        for number in range(3):
            client.post("/v0/events?name=ml_model_predictions", json=event(number, actual_value=41.0))
        client.post("/v0/events?name=ml_model_predictions", content=b"{broken")
        yield client


def keeps_to_its_document(client: httpx.Client, *, examples: int) -> None:
    """Ask each operation with made-up requests, right ones and wrong ones, and check each answer."""
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # nothing can be wrong about a request without parameters
                _ask(found.ok(), mode, examples)


def _ask(operation: Any, mode: GenerationMode, examples: int) -> None:
    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS)

    asked()


def test_made_up_requests_are_answered_as_the_document_says(
    sqlite_engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with filled(sqlite_engine, tmp_path, clock) as client:
        keeps_to_its_document(client, examples=2)


@pytest.mark.long
def test_many_made_up_requests_are_answered_as_the_document_says(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    with filled(engine, tmp_path, clock) as client:
        keeps_to_its_document(client, examples=60)
