"""``config.md``: every key of ``monitoring.yaml`` from the models that read it."""

import json
from typing import Any

from meanings import CONFIG, INTRODUCTION_OF_CONFIG, SECTIONS

from monitoring_pipeline.config.models import MonitoringConfig

Schema = dict[str, Any]

_FORMATS = {"duration": "duration above zero", "date-time": "instant"}
_NAMES = {"string": "text"}
_LIMITS = {
    "exclusiveMinimum": "above {}",
    "minimum": "at least {}",
    "exclusiveMaximum": "below {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "pattern": "matching `{}`",
}


def render() -> str:
    """The page.

    Raises:
        LookupError: if a key has no meaning, or a meaning no key.
    """
    root = MonitoringConfig.model_json_schema()
    schemas = {"MonitoringConfig": root, **root["$defs"]}
    described = {name for name, schema in schemas.items() if "properties" in schema}
    if described != set(SECTIONS) or described != set(CONFIG):
        raise LookupError(f"sections and meanings must be those of {sorted(described)}")
    return "\n".join([INTRODUCTION_OF_CONFIG, *(_section(name, schemas) for name in SECTIONS)])


def _section(name: str, schemas: dict[str, Schema]) -> str:
    schema, meanings = schemas[name], CONFIG[name]
    keys = schema["properties"]
    if keys.keys() != meanings.keys():
        raise LookupError(f"{name} has the keys {sorted(keys)}; meanings.py describes {sorted(meanings)}")
    rows = [
        f"| `{key}` | {_type(value, schemas)} | {_default(key, schema)} | {meanings[key]} |"
        for key, value in keys.items()
    ]
    title, about = SECTIONS[name]
    return "\n".join(
        [f"## {title}\n", f"{about}\n", "| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _type(schema: Schema, schemas: dict[str, Schema]) -> str:
    options: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    if options:
        return " or ".join(_type(option, schemas) for option in options if option != {"type": "null"})
    if "$ref" in schema:
        return _named(schema["$ref"].rsplit("/", 1)[1], schemas)
    if schema["type"] == "array":
        return f"list of {_type(schema['items'], schemas)}"
    if schema["type"] == "object":
        return f"name → {_type(schema['additionalProperties'], schemas)}"
    return _scalar(schema)


def _scalar(schema: Schema) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    written = str(schema["type"])
    kind = f"`{schema['const']}`" if "const" in schema else _NAMES.get(written, written)
    return ", ".join([kind, *(text.format(schema[key]) for key, text in _LIMITS.items() if key in schema)])


def _named(name: str, schemas: dict[str, Schema]) -> str:
    if "enum" in schemas[name]:
        return " \\| ".join(f"`{value}`" for value in schemas[name]["enum"])
    title = SECTIONS[name][0]
    return f"[{title}](#{_anchor(title)})"


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def _default(key: str, schema: Schema) -> str:
    if key in schema.get("required", []):
        return "required"
    default = schema["properties"][key].get("default")
    if default in (None, ""):
        return "–"
    if isinstance(default, dict):
        return "its defaults" if default else "none"
    if default == []:
        return "none"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"
