"""Turns pydantic's errors into sentences with the key's own path, the allowed values and a guess."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeGuard

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.config.problems import Complaint, KeyPath, allowed_values

JsonSchema = dict[str, Any]

MAX_SHOWN_CHARACTERS = 60
NAMED_BY_LINE = {"model id", "rule id"}


def complaints(error: ValidationError, *, value: object, written: dict[KeyPath, str]) -> Iterable[Complaint]:
    """Each of pydantic's errors as a path into ``value`` and a sentence.

    ``written`` is the text of values that came from the environment; it is shown in place of the value.
    """
    for detail in error.errors(include_url=False):
        if detail["type"] == "repeated_id" and detail["ctx"]["what"] in NAMED_BY_LINE:
            continue  # .references names the very line
        path = _path_in(value, detail)
        yield path, _sentence(detail, shown=_shown(written.get(path, detail["input"])))


def _path_in(value: object, detail: ErrorDetails) -> KeyPath:
    """Pydantic's location without its own steps: union tags, and the inside of a shorthand."""
    path: list[str | int] = []
    location = detail["loc"]
    for i, step in enumerate(location):
        last = i == len(location) - 1
        if _is_union_tag(value, step) and not last:
            continue
        if _holds(value, step):
            value = value[step]
        elif not (last and detail["type"] == "missing"):
            continue
        path.append(step)
    return tuple(path)


def _is_union_tag(value: object, step: int | str) -> bool:
    return isinstance(value, dict) and value.get("type") == step


def _holds(value: object, step: int | str) -> TypeGuard[Any]:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def _shown(value: object) -> str:
    text = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"


def _sentence(detail: ErrorDetails, *, shown: str) -> str:
    if detail["type"] in _SENTENCES:
        return _SENTENCES[detail["type"]](detail, shown)
    if detail["input"] is None:
        return "is empty; give it a value or take the key out"
    if detail["type"].startswith("time_delta"):
        return f"{shown} is not a duration above zero; write PT6H (ISO 8601) or 06:00:00"
    if detail["type"].startswith("datetime"):
        return f"{shown} is not an instant; write 2013-06-17 or 2013-06-17T06:00:00Z"
    rule = detail["msg"].replace("Input should", "should").replace("String should", "should")
    return f"{shown} {rule}"


def _unknown_key(detail: ErrorDetails, _shown: str) -> str:
    schema = _schema_at(detail["loc"][:-1])
    return f"is not a key that exists here; {allowed_values(detail['loc'][-1], schema.get('properties', {}))}"


def _missing(detail: ErrorDetails, _shown: str) -> str:
    choices = _schema_at(detail["loc"]).get("enum", [])
    return "is missing and has no default" + (f"; allowed: {', '.join(choices)}" if choices else "")


def _not_in_enum(detail: ErrorDetails, shown: str) -> str:
    return f"{shown} is not allowed; {allowed_values(detail['input'], _schema_at(detail['loc']).get('enum', []))}"


def _wrong_tag(detail: ErrorDetails, _shown: str) -> str:
    tags = [tag.strip("' ") for tag in detail["ctx"]["expected_tags"].split(",")]
    return f"type {detail['ctx']['tag']!r} is not allowed; {allowed_values(detail['ctx']['tag'], tags)}"


def _no_tag(detail: ErrorDetails, _shown: str) -> str:
    return f"needs a type; allowed: {', '.join(_schema_at(detail['loc'])['discriminator']['mapping'])}"


def _not_a_mapping(detail: ErrorDetails, shown: str) -> str:
    keys = ", ".join(_schema_at(detail["loc"]).get("properties", {}))
    given = "is empty" if detail["input"] is None else f"{shown} is not a mapping"
    return f"{given}; write keys and values" + (f" ({keys})" if keys else "")


_SENTENCES: dict[str, Callable[[ErrorDetails, str], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "enum": _not_in_enum,
    "literal_error": _not_in_enum,
    "union_tag_invalid": _wrong_tag,
    "union_tag_not_found": _no_tag,
    "model_type": _not_a_mapping,
    "model_attributes_type": _not_a_mapping,
    "dict_type": _not_a_mapping,
    "value_error": lambda detail, _: str(detail["ctx"]["error"]),
    "repeated_id": lambda detail, _: detail["msg"],
    "string_type": lambda detail, shown: (
        "is empty; give it a value or take the key out"
        if detail["input"] is None
        else f"{shown} is not text; put it in quotes"
    ),
}


@cache
def _root_schema() -> JsonSchema:
    return MonitoringConfig.model_json_schema()


def _schema_at(location: tuple[int | str, ...]) -> JsonSchema:
    """The JSON schema that rules one location; empty if the location is unknown."""
    schema = _root_schema()
    for step in location:
        schema = _resolve(_step(schema, step))
    return schema


def _step(schema: JsonSchema, step: int | str) -> JsonSchema:
    if step in schema.get("properties", {}):
        return dict(schema["properties"][step])
    if step in schema.get("discriminator", {}).get("mapping", {}):
        return {"$ref": schema["discriminator"]["mapping"][step]}
    key = "items" if isinstance(step, int) else "additionalProperties"
    below = schema.get(key, {})
    return below if isinstance(below, dict) else {}


def _resolve(schema: JsonSchema) -> JsonSchema:
    if "anyOf" in schema:  # "this or null": the first is what can be written
        schema = schema["anyOf"][0]
    if "$ref" in schema:
        schema = _root_schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema
