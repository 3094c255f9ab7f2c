"""The JSON schema of ``monitoring.yaml`` accepts and refuses by shape what the program does."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from monitoring_pipeline.config.schema import config_schema
from monitoring_pipeline.config.yaml_reader import read_yaml

EXAMPLE = Path(__file__).parents[1] / "examples" / "monitoring.yaml"


def is_valid(document: object) -> bool:
    return bool(Draft202012Validator(config_schema()).is_valid(document))


def a_model(**settings: object) -> dict[str, object]:
    return {"models": [{"id": "m", "task": "binary", **settings}]}


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(config_schema())

    assert config_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert config_schema()["title"] == "monitoring.yaml"


def test_the_example_is_valid() -> None:
    document = read_yaml(EXAMPLE.read_bytes(), file="monitoring.yaml").value

    assert list(Draft202012Validator(config_schema()).iter_errors(document)) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        a_model(features={"distance": "numeric", "carrier": {"type": "categorical", "allowed": ["UA"]}}),
        a_model(labels={"expected_delay": "PT6H", "maturity": "72:00:00"}),
        {"debounce_seconds": "${DEBOUNCE:-60}", "start": "${FIRST_HOUR}"},
        a_model(reference={"start": "2013-01-01", "end": "2013-02-01T00:00:00Z"}),
    ],
)
def test_what_people_may_write_is_accepted(document: object) -> None:
    assert is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {"modells": []},
        {"start": 2013},
        {"debounce_seconds": "soon"},
        a_model(task="regresion"),
        a_model(features={"distance": "numerc"}),
        a_model(features={"distance": {"type": "numeric", "mn": 1}}),
        a_model(labels={"maturity": 72}),
        a_model(labels={"maturity": "long"}),
        {"channels": {"a": {"type": "web"}}},
    ],
)
def test_what_the_program_refuses_by_shape_is_refused(document: object) -> None:
    assert not is_valid(document)
