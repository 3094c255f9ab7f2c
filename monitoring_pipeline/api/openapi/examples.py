"""The examples of the OpenAPI document: of each body one, as it is really sent."""

from typing import Any

from monitoring_pipeline.api.openapi.example_values import EXAMPLES
from monitoring_pipeline.api.problems import MEDIA_TYPE


def add_examples(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Complete the examples of a route's bodies, and add those that it brings none of."""
    bodies = {status: answer.get("content", {}) for status, answer in operation["responses"].items()}
    bodies["sent"] = operation.get("requestBody", {}).get("content", {})
    for place, content in bodies.items():
        own = [kind for name, kind in content.items() if name != MEDIA_TYPE]
        for kind in own:
            if "example" in kind:
                kind["example"] = _with_nulls(kind["example"], kind.get("schema", {}), schemas)
        example = EXAMPLES.get((method, path, place))
        if example is not None and not any(examples_of(kind, schemas) for kind in own):
            own[0]["example"] = example


def _with_nulls(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The example with the members that are null, which the framework leaves out although they are sent."""
    described = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(example, list):
        return [_with_nulls(one, described.get("items", {}), schemas) for one in example]
    if not isinstance(example, dict):
        return example
    properties = described.get("properties", {})
    present = {name: _with_nulls(value, properties.get(name, {}), schemas) for name, value in example.items()}
    missing = [name for name in described.get("required", ()) if name not in example]
    return present | dict.fromkeys(name for name in missing if _may_be_null(properties[name]))


def _may_be_null(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ()) or "null" in schema.get("type", ())


def complete_models(schemas: dict[str, Any]) -> None:
    """Complete the examples of the models."""
    for schema in schemas.values():
        if "examples" in schema:
            schema["examples"] = [_with_nulls(example, schema, schemas) for example in schema["examples"]]


def examples_of(content: dict[str, Any], schemas: dict[str, Any]) -> list[Any]:
    """The examples of a body, or those of the model that describes it."""
    described = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
    named = [one["value"] for one in content.get("examples", {}).values()]
    single = [holder["example"] for holder in (content, described) if "example" in holder]
    return [*single[:1], *named] or list(described.get("examples", []))
